package federation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxManifestFile is the largest manifest file in bytes.
const maxManifestFile = 1 << 20

// ReadManifest reads and checks the manifest in the file at path, which is
// JSON for people. It asks for every field exactly once, in any order and
// layout, and for nothing else: a field that is missing, misspelt or repeated,
// or anything after the manifest, would be a silent disagreement between
// peers. Its errors about what the file says wrap [ErrInvalidManifest].
func ReadManifest(path string) (*Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifestFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// parseManifest reads a manifest from JSON and validates it.
func parseManifest(b []byte) (*Manifest, error) {
	m, err := decodeManifest(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidManifest, err)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

// Marshal returns the manifest as the indented JSON that [ReadManifest]
// reads. m must be valid.
func (m *Manifest) Marshal() ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	b, err := marshalManifest(m)
	if err != nil {
		return nil, fmt.Errorf("writing manifest: %w", err)
	}
	return b, nil
}

func marshalManifest(m *Manifest) ([]byte, error) {
	c := *m
	if c.Rule.Constants == nil {
		c.Rule.Constants = map[string]float64{} // {} and not null
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(c)
	return buf.Bytes(), err
}

func decodeManifest(b []byte) (*Manifest, error) {
	if len(b) > maxManifestFile {
		return nil, fmt.Errorf("larger than %d bytes", maxManifestFile)
	}
	if !utf8.Valid(b) {
		return nil, errors.New("not UTF-8")
	}
	var m Manifest
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, describe(b, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the manifest after byte %d", dec.InputOffset())
	}

	if len(m.Classes) > MaxClasses {
		return nil, checkClassNames(m.Classes) // what follows takes memory for each
	}

	// The decoder lets missing and repeated fields, other capitals and
	// arrays of the wrong length pass. What the manifest would be written as
	// has the right shape: compare with that.
	want, err := marshalManifest(&m)
	if err != nil {
		return nil, err
	}
	wantTree, err := readTree(want)
	if err != nil {
		return nil, err
	}
	gotTree, err := readTree(b)
	if err != nil {
		return nil, err
	}
	if _, ok := gotTree.(map[string]any); !ok {
		return nil, errors.New("not a JSON object")
	}
	if err := sameShape("", gotTree, wantTree); err != nil {
		return nil, err
	}
	return &m, nil
}

// describe adds the line to an error of the JSON decoder.
func describe(b []byte, err error) error {
	offset := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	} else if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = typ.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the file ends in the middle")
	}
	if offset < 0 || offset > int64(len(b)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(b[:offset], []byte("\n")), err)
}

// readTree reads JSON, already known to be one valid value, into maps, slices
// and scalars, and refuses an object with the same key twice.
func readTree(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	var read func(path string) (any, error)
	read = func(path string) (any, error) {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		switch tok {
		case json.Delim('{'):
			object := map[string]any{}
			for dec.More() {
				key, err := dec.Token()
				if err != nil {
					return nil, err
				}
				at := join(path, key.(string))
				if _, ok := object[key.(string)]; ok {
					return nil, fmt.Errorf("%s is there twice", at)
				}
				if object[key.(string)], err = read(at); err != nil {
					return nil, err
				}
			}
			_, err := dec.Token()
			return object, err
		case json.Delim('['):
			list := []any{}
			for dec.More() {
				v, err := read(path)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := dec.Token()
			return list, err
		}
		return tok, nil
	}
	return read("")
}

// sameShape checks that got has the keys and the lengths of want. Values need
// no look: want was made from got.
func sameShape(path string, got, want any) error {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is not an object", path)
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			g, ok := object[key]
			if !ok {
				return fmt.Errorf("%s is missing", join(path, key))
			}
			if err := sameShape(join(path, key), g, want[key]); err != nil {
				return err
			}
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if _, ok := want[key]; !ok {
				return fmt.Errorf("%s is not a field of a manifest", join(path, key))
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Errorf("%s is not a list of %d", path, len(want))
		}
	default:
		if got == nil {
			return fmt.Errorf("%s is null", path)
		}
	}
	return nil
}

func join(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }
