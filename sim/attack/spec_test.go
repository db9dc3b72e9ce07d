package attack

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Spec{
		"none":            {Name: "none", Constants: map[string]float64{}},
		" alie( z = 1.5)": {Name: "alie", Constants: map[string]float64{"z": 1.5}},
		"fp-perm(prototypes=false)": {
			Name: "fp-perm", Constants: map[string]float64{"prototypes": 1},
		},
		"fang-trimmed-mean:author()": {Name: "fang-trimmed-mean:author", Constants: map[string]float64{}},
		"sybil(count=3)|on-off(period=8,duty=2) | window(first=1,size=3)": {
			Name: "sybil", Constants: map[string]float64{"count": 3},
			Inner: &Spec{
				Name: "on-off", Constants: map[string]float64{"period": 8, "duty": 2},
				Inner: &Spec{Name: "window", Constants: map[string]float64{"first": 1, "size": 3}},
			},
		},
	} {
		got, err := Parse(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]struct {
		kind error
		says string
	}{
		"":                              {ErrUnknownAttack, "none, "},
		"fp-prem":                       {ErrUnknownAttack, `"fp-prem": there are fp-perm`},
		"flipall":                       {ErrUnknownAttack, "there are flip-all"},
		"alie(z=1":                      {ErrSyntax, "closing bracket"},
		"alie(z)":                       {ErrSyntax, "not constant=value"},
		"alie(z=1,z=2)":                 {ErrSyntax, "twice"},
		"alie(z=one)":                   {ErrSyntax, "no number"},
		"alie(z=NaN)":                   {ErrConstantRange, "z is NaN; it is a number from 0 to 100"},
		"alie(z=-1)":                    {ErrConstantRange, "by default 0"},
		"alie(y=1)":                     {ErrUnknownConstant, `"y": there are z`},
		"none(y=1)":                     {ErrUnknownConstant, "the attack has none"},
		"mimic(peer=1.5)":               {ErrConstantRange, "a whole number"},
		"fp-two(prototypes=fals)":       {ErrConstantRange, "one of false"},
		"on-off":                        {ErrSyntax, "as in on-off|fp-perm"},
		"on-off(period=5)":              {ErrSyntax, "as in on-off(period=5)|fp-perm"},
		"sybil|on-off(duty=3)":          {ErrSyntax, "as in on-off(duty=3)|fp-perm"},
		"on-off|flip-all":               {ErrSyntax, "lies in its labels"},
		"on-off|sybil|flip-2":           {ErrSyntax, "lies in its labels"},
		"on-off(period=2,duty=3)|noise": {ErrConstantRange, "at most the period, 2"},
		"noise|noise":                   {ErrSyntax, "takes no other attack"},
		"sybil|sybil|sybil|sybil|noise": {ErrSyntax, "at most 4"},
		"sybil|":                        {ErrUnknownAttack, ""},
		strings.Repeat("n", 2000):       {ErrSyntax, "2000 bytes"},
	} {
		_, err := Parse(text)
		if !errors.Is(err, want.kind) || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%.40q: %v; want %v and %q", text, err, want.kind, want.says)
		}
		if _, made := Named(text, 1)(0, 1); made == nil {
			t.Errorf("%.40q makes a liar", text)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	loop := Spec{Name: "sybil"}
	loop.Inner = &loop
	for _, s := range []Spec{
		{}, {Name: "alie", Constants: map[string]float64{"z": 101}}, {Name: "alie", Constants: map[string]float64{"q": 1}}, loop,
	} {
		if _, err := New(s, 0, 1, 1); err == nil {
			t.Errorf("%s %v makes a liar", s.Name, s.Constants)
		}
	}
	for _, liar := range []int{-1, 2} {
		if _, err := New(Spec{Name: "noise"}, liar, 2, 1); err == nil {
			t.Errorf("liar %d of 2 is made", liar)
		}
	}
}

func TestList(t *testing.T) {
	var names []string
	for _, i := range List() {
		if i.Summary == "" || i.Source == "" || slices.Contains(names, i.Name) {
			t.Errorf("%s is described badly or twice", i.Name)
		}
		names = append(names, i.Name)
		for _, c := range i.Constants {
			if err := c.check(c.Default); err != nil || c.Doc == "" {
				t.Errorf("%s: %s: %v", i.Name, c.Name, err)
			}
		}
	}
}

// TestFewConstants: every attack can be written with none of its constants, or with
// any one of them, and is the same with one at its default as with none.
func TestFewConstants(t *testing.T) {
	for _, i := range List() {
		inner := ""
		if i.Wraps {
			inner = "|noise"
		}
		spec, err := Parse(i.Name + inner)
		if err != nil || spec.String() != i.Name+inner {
			t.Errorf("%s alone is %s, %v", i.Name, spec, err)
		}
		for _, c := range i.Constants {
			if spec, err := Parse(i.Name + "(" + c.Name + "=" + c.format(c.Default) + ")" + inner); err != nil || spec.String() != i.Name+inner {
				t.Errorf("%s with %s at its default is %s, %v", i.Name, c.Name, spec, err)
			}
			if i.Name == "on-off" && c.Name == "duty" {
				continue // as long as the period at most
			}
			for _, v := range []float64{c.Min, c.Max} {
				if _, err := Parse(i.Name + "(" + c.Name + "=" + c.format(v) + ")" + inner); err != nil {
					t.Errorf("%s with %s at %v: %v", i.Name, c.Name, v, err)
				}
			}
		}
	}
}

// TestDocumented holds the page on attacks to what is there: every attack is in it,
// and its example is the one that is compiled.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range List() {
		if text := string(page); !strings.Contains(text, "`"+i.Name+"`") && !strings.Contains(text, "`"+i.Name+"(") {
			t.Errorf("docs/attacks.md does not know %s", i.Name)
		}
	}
	code, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```go\n")
	example, _, _ = strings.Cut(example, "```")
	if example == "" || !strings.Contains(string(code), example) {
		t.Error("the example of docs/attacks.md is not that of example_test.go")
	}
}

func TestIdentities(t *testing.T) {
	for text, want := range map[string]int{"noise": 1, "sybil|noise": 10, "on-off|sybil(count=3)|noise": 3, "sybil(count=2)|sybil(count=5)|noise": 10} {
		s, err := Parse(text)
		if err != nil || s.Identities() != want {
			t.Errorf("%s: %d keys, %v; want %d", text, s.Identities(), err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"none", "on-off(period=20,duty=10)|fp-perm", "fp-copied(prototypes=equivocated)", "alie(z=1e1)", "a(b=c)|d", "ipm(epsilon=0.1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q is written %q and read %q, %v", text, s, again, err)
		}
		if _, err := New(s, 0, 1, 1); err != nil {
			t.Fatalf("%q is read but not made: %v", text, err)
		}
	})
}
