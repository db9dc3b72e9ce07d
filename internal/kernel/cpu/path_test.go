package cpu

import (
	"errors"
	"os"
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	old := []Path{Generic, AVX2}
	for _, test := range []struct {
		asked   string
		want    Path
		message string
	}{
		{"", AVX2, ""},
		{"generic", Generic, ""},
		{"avx2", AVX2, ""},
		{"vnni", AVX2, `BRISTLED_KERNEL="vnni" asks for a kernel path that this machine lacks; ` +
			`using avx2 instead. Unset it or choose one of: generic, avx2`},
		{"AVX2", AVX2, `BRISTLED_KERNEL="AVX2" is not the name of a kernel path; ` +
			`using avx2 instead. Unset it or choose one of: generic, avx2`},
	} {
		got, err := choose(test.asked, old)
		if got != test.want {
			t.Errorf("choose(%q) = %v, want %v", test.asked, got, test.want)
		}
		if test.message == "" {
			if err != nil {
				t.Errorf("choose(%q): %v", test.asked, err)
			}
			continue
		}
		var e *PathError
		if !errors.As(err, &e) || e.Error() != test.message {
			t.Errorf("choose(%q): error %v, want %s", test.asked, err, test.message)
		}
	}
}

// TestPath holds for any value of the variable that the tests run under.
func TestPath(t *testing.T) {
	names := []string{}
	for _, p := range Available() {
		names = append(names, p.String())
	}
	asked := os.Getenv(Variable)
	granted := slices.Contains(names, asked)
	switch {
	case asked == "" && Err() == nil, granted && Err() == nil, asked != "" && !granted && Err() != nil:
	default:
		t.Errorf("%s=%q of %v: error %v", Variable, asked, names, Err())
	}
	want := names[len(names)-1]
	if granted {
		want = asked
	}
	if Active().String() != want {
		t.Errorf("path %s, want %s", Active(), want)
	}
}
