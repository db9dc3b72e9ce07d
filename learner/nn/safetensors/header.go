package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxAxes is the length of a shape. A number in JSON takes much more memory
// than the two bytes it may have in the file.
const maxAxes = 64

// metadataKey is the entry of the header that is no tensor.
const metadataKey = "__metadata__"

// entry is what the header says about a tensor.
type entry struct {
	name, dtype string
	shape       []int64
	begin, end  int64 // of its bytes, from the end of the header
}

// parseHeader reads the header token by token: a decoder into structs would
// let pass a key that is there twice, and readers that differ in which one
// they take see different tensors.
func parseHeader(text []byte) ([]entry, map[string]string, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, nil, corrupt("the header does not begin with {")
	}
	if !utf8.Valid(text) {
		return nil, nil, corrupt("the header is not UTF-8")
	}
	p := &parser{json.NewDecoder(bytes.NewReader(text))}
	p.UseNumber()
	var entries []entry
	var metadata map[string]string
	err := p.object(func(name string) error {
		if name == metadataKey {
			metadata = map[string]string{}
			return p.object(func(key string) (err error) {
				metadata[key], err = p.text()
				return err
			})
		}
		e := entry{name: name}
		if err := p.entry(&e); err != nil {
			return err
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, nil, corrupt("the header: %v", err)
	}
	if _, err := p.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, corrupt("the header goes on after its end")
	}
	return entries, metadata, nil
}

type parser struct{ *json.Decoder }

func (p *parser) entry(e *entry) error {
	var offsets []int64
	err := p.object(func(key string) (err error) {
		switch key {
		case "dtype":
			e.dtype, err = p.text()
		case "shape":
			e.shape, err = p.integers()
		case "data_offsets":
			offsets, err = p.integers()
		default:
			err = errors.New("the tensor " + strconv.Quote(e.name) + " has the key " + strconv.Quote(key))
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case e.dtype == "" || e.shape == nil || len(offsets) != 2:
		return errors.New("the tensor " + strconv.Quote(e.name) + " lacks its type, shape or place")
	}
	e.begin, e.end = offsets[0], offsets[1]
	return nil
}

// object reads an object; value must read what belongs to a key.
func (p *parser) object(value func(key string) error) error {
	if err := p.delimiter('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.More() {
		key, err := p.text()
		if err != nil {
			return err
		}
		if seen[key] {
			return errors.New("the key " + strconv.Quote(key) + " is there twice")
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delimiter('}')
}

func (p *parser) delimiter(want json.Delim) error {
	switch t, err := p.Token(); {
	case err != nil:
		return err
	case t != want:
		return errors.New("another thing where " + want.String() + " is expected")
	}
	return nil
}

func (p *parser) text() (string, error) {
	t, err := p.Token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", errors.New("another thing where a text is expected")
	}
	return s, nil
}

// integers reads a list of integers that are not negative.
func (p *parser) integers() ([]int64, error) {
	if err := p.delimiter('['); err != nil {
		return nil, err
	}
	list := []int64{}
	for p.More() {
		t, err := p.Token()
		if err != nil {
			return nil, err
		}
		n, ok := t.(json.Number)
		if !ok {
			return nil, errors.New("another thing where a number is expected")
		}
		v, err := strconv.ParseUint(n.String(), 10, 63)
		if err != nil {
			return nil, err
		}
		if len(list) == maxAxes {
			return nil, errors.New("a list of more than " + strconv.Itoa(maxAxes) + " numbers")
		}
		list = append(list, int64(v))
	}
	return list, p.delimiter(']')
}
