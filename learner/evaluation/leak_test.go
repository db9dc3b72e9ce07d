package evaluation

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckLeak(t *testing.T) {
	hash := func(b byte) [32]byte { return [32]byte{31: b} }
	train := []Item{{"a1.png", "anna", hash(1)}, {"a2.png", "anna", hash(2)}, {"b.png", "bo", hash(3)}, {"x.png", "", [32]byte{}}}
	for _, tc := range []struct {
		name string
		test []Item
		want *LeakError
	}{
		{"clean", []Item{{"c.png", "cy", hash(4)}, {"d.png", "di", hash(5)}}, nil},
		{"nothing known", []Item{{"y.png", "", [32]byte{}}}, nil},
		{"none", nil, nil},
		{"patient", []Item{{"c.png", "cy", hash(4)}, {"a3.png", "anna", hash(5)}}, &LeakError{"a1.png", "a3.png", false}},
		{"picture", []Item{{"c.png", "cy", hash(2)}}, &LeakError{"a2.png", "c.png", true}},
		{"picture of nobody", []Item{{"c.png", "", hash(3)}}, &LeakError{"b.png", "c.png", true}},
		{"the patient comes before the picture", []Item{{"c.png", "bo", hash(1)}}, &LeakError{"b.png", "c.png", false}},
	} {
		err := CheckLeak(train, tc.test)
		e, ok := errors.AsType[*LeakError](err)
		if tc.want == nil && err != nil || tc.want != nil && (!ok || *e != *tc.want) {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if tc.want == nil {
			continue
		}
		text := err.Error()
		if !strings.Contains(text, e.Train) || !strings.Contains(text, e.Test) {
			t.Errorf("%s: %q does not name both", tc.name, text)
		}
		for _, patient := range []string{"anna", "bo", "cy"} {
			if strings.Contains(text, patient+`"`) || strings.Contains(text, `"`+patient) {
				t.Errorf("%s: %q names a patient", tc.name, text)
			}
		}
	}
}
