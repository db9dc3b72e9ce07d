package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
)

// convert turns what a flag, the environment or the file says into the type
// of the option's default. It is stricter than viper, which makes 2 of 2.7
// and five nanoseconds of 5.
func (o option) convert(v any) (any, error) {
	text, isText := v.(string) // flags and the environment, or the file
	switch o.value.(type) {
	case string:
		if !isText {
			return nil, fmt.Errorf("%v is no text: write it in quotes", v)
		}
		return text, nil
	case []string:
		return convertList(v)
	case bool:
		if isText {
			b, err := strconv.ParseBool(text)
			if err != nil {
				return nil, fmt.Errorf("%q is neither true nor false", text)
			}
			return b, nil
		}
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, fmt.Errorf("%v is neither true nor false", v)
	case int:
		if isText {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("%q is not a whole number", text)
			}
			return n, nil
		}
		if n, ok := v.(int); ok {
			return n, nil
		}
		return nil, fmt.Errorf("%v is not a whole number", v)
	case time.Duration:
		return convertDuration(v)
	}
	return nil, fmt.Errorf("an option of type %T", o.value)
}

func convertList(v any) ([]string, error) {
	switch v := v.(type) {
	case string: // one, or several with commas between them
		return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }), nil
	case []string:
		return v, nil
	case []any:
		list := []string{}
		for _, x := range v {
			text, ok := x.(string)
			if !ok {
				return nil, fmt.Errorf("%v in the list is no text: write it in quotes", x)
			}
			list = append(list, text)
		}
		return list, nil
	}
	return nil, fmt.Errorf("%v is not a list: write it as [first, second]", v)
}

func convertDuration(v any) (time.Duration, error) {
	switch v := v.(type) {
	case time.Duration:
		return v, nil
	case string:
		d, err := time.ParseDuration(v)
		if err != nil {
			return 0, fmt.Errorf("%q is not a time: write a number and a unit, such as 500ms, 5s or 2m", v)
		}
		return d, nil
	case int:
		if v == 0 {
			return 0, nil
		}
	}
	return 0, fmt.Errorf("%v is not a time: write a number and a unit, such as 500ms, 5s or 2m", v)
}

// suggest says which known key was probably meant, or what is known if
// nothing is near.
func suggest(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known are " + strings.Join(known, ", ")
}

// nearest returns the known word with the least edit distance, "" if most of
// the word is wrong.
func nearest(word string, known []string) string {
	best, least := "", 2+len(word)/3
	for _, k := range known {
		d := levenshtein.Distance(word, k, nil)
		if _, short, nested := strings.Cut(k, "."); nested {
			d = min(d, levenshtein.Distance(word, short, nil)) // the key without its group
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}
