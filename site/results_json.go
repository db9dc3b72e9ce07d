package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Bounds of a file of results.
const (
	mostBytes   = 32 << 20
	mostObjects = 1 << 18 // a few bytes of JSON can stand for a large value
)

// WriteResults writes results as JSON. The error wraps [ErrResults] if they
// cannot be.
func WriteResults(w io.Writer, r Results) error {
	if err := r.check(); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrResults, err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// ReadResults reads what [WriteResults] wrote. The error wraps [ErrResults] if
// it did not.
func ReadResults(r io.Reader) (Results, error) {
	var res Results
	b, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	switch {
	case err != nil:
		return res, err
	case len(b) > mostBytes:
		return res, fmt.Errorf("%w: more than %d MiB", ErrResults, mostBytes>>20)
	case bytes.Count(b, []byte("{")) > mostObjects:
		return res, fmt.Errorf("%w: more than %d objects", ErrResults, mostObjects)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&res); err != nil {
		return Results{}, fmt.Errorf("%w: %w; were they written by another version?", ErrResults, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Results{}, fmt.Errorf("%w: there is something after them", ErrResults)
	}
	if err := res.check(); err != nil {
		return Results{}, err
	}
	return res, nil
}

// nullable is a number that is null in JSON when it is NaN.
type nullable float64

// missing is what a number is that is null or not there.
var missing = nullable(math.NaN())

// MarshalJSON implements [json.Marshaler].
func (n nullable) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (n *nullable) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = missing
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// metricJSON and pairJSON are a Metric and a Pair in JSON.
type metricJSON struct {
	Name string   `json:"name"`
	Mean nullable `json:"mean"`
	SD   nullable `json:"sd"`
	Low  nullable `json:"low"`
	High nullable `json:"high"`
}

type pairJSON struct {
	A          string   `json:"a"`
	B          string   `json:"b"`
	Metric     string   `json:"metric"`
	Difference nullable `json:"difference"`
	Low        nullable `json:"low"`
	High       nullable `json:"high"`
	P          nullable `json:"p"`
}

// MarshalJSON writes NaN as null.
func (m Metric) MarshalJSON() ([]byte, error) {
	return json.Marshal(metricJSON{m.Name, nullable(m.Mean), nullable(m.SD), nullable(m.Low), nullable(m.High)})
}

// UnmarshalJSON reads null as NaN.
func (m *Metric) UnmarshalJSON(b []byte) error {
	j := metricJSON{Mean: missing, SD: missing, Low: missing, High: missing}
	err := json.Unmarshal(b, &j)
	*m = Metric{j.Name, float64(j.Mean), float64(j.SD), float64(j.Low), float64(j.High)}
	return err
}

// MarshalJSON writes NaN as null.
func (p Pair) MarshalJSON() ([]byte, error) {
	return json.Marshal(pairJSON{p.A, p.B, p.Metric, nullable(p.Difference), nullable(p.Low), nullable(p.High), nullable(p.P)})
}

// UnmarshalJSON reads null as NaN.
func (p *Pair) UnmarshalJSON(b []byte) error {
	j := pairJSON{Difference: missing, Low: missing, High: missing, P: missing}
	err := json.Unmarshal(b, &j)
	*p = Pair{j.A, j.B, j.Metric, float64(j.Difference), float64(j.Low), float64(j.High), float64(j.P)}
	return err
}
