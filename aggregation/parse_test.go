package aggregation

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"bristle+":                              "bristle+",
		"bristle+(eta=0.5)":                     "bristle+",
		" krum ( f = 3 ) ":                      "krum(f=3)",
		"nnm(f=3)|trimmed-mean(f=3)":            "nnm(f=3)|trimmed-mean(f=3)",
		"nnm|median":                            "nnm|median",
		"bucketing(s=3) | nnm(f=1) | krum(f=1)": "bucketing(s=3)|nnm(f=1)|krum(f=1)",
		"mean()":                                "mean",
		"centered-clipping(steps=3,tau=0.5)":    "centered-clipping(tau=0.5,steps=3)",
	} {
		spec, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := Format(spec); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
		rule, err := New(spec)
		if err != nil || rule.Name() != spec.Name {
			t.Errorf("%q: rule %v, %v", text, rule, err)
		}
	}
	for text, want := range map[string]struct {
		err  error
		says string
	}{
		"krun":                        {ErrUnknownRule, "there are krum"},
		"nmn|median":                  {ErrUnknownRule, "there are nnm"},
		"nnm|bristle+":                {ErrUnknownRule, "nothing can be put before bristle+"},
		"nnm|nnm|median":              {ErrUnknownRule, "twice"},
		"krum(g=3)":                   {ErrUnknownConstant, "there are f"},
		"nnm(s=3)|median":             {ErrUnknownConstant, "nnm.f"},
		"krum(f=-1)":                  {ErrConstantRange, "0 to 65536"},
		"krum(f=1.5)":                 {ErrConstantRange, "whole"},
		"krum(f=3":                    {ErrSyntax, "parenthesis"},
		"krum(f)":                     {ErrSyntax, "name=number"},
		"krum(f=x)":                   {ErrSyntax, "name=number"},
		"krum(f=1,f=2)":               {ErrSyntax, "twice"},
		"krum(f=NaN)":                 {ErrConstantRange, "f is NaN"},
		"":                            {ErrUnknownRule, "there are"},
		"arc|nnm|clipping|arc|median": {ErrUnknownRule, "at most 3"},
		strings.Repeat("x", 2000):     {ErrSyntax, "2000 characters"},
	} {
		if _, err := Parse(text); !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%.40q says %v, want %q", text, err, want.says)
		}
	}
}

// FuzzParse: whatever is read is written and read again as the same.
func FuzzParse(f *testing.F) {
	f.Add("nnm(f=3)|trimmed-mean(f=3)")
	f.Add("bristle+(eta=1,beta=4)")
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(Format(spec))
		if err != nil || Format(again) != Format(spec) {
			t.Errorf("%q became %q, then %q, %v", text, Format(spec), Format(again), err)
		}
	})
}

func TestBears(t *testing.T) {
	for text, want := range map[string][2]int{
		"krum(f=3)":           {9, 0},
		"krum:paper(f=3)":     {9, 0},
		"krum:byzfl(f=3)":     {7, 0},
		"krum:flower(f=3)":    {2, 0},
		"krum:medoid(f=3)":    {1, 0},
		"multi-krum(f=3)":     {9, 0},
		"multi-krum(f=1,m=7)": {8, 0},
		"bulyan(f=2)":         {11, 0},
		"mda(f=2)":            {5, 256},
		"nnm(f=5)|median":     {11, 0},
		"bristle+":            {1, 0},
		"trimmed-mean(f=4)":   {9, 0},
		"krum:bristle-author": {8, 0},
		// ceil(n/2) groups, of which nnm needs 9; ceil(n/3), of which mda takes 5 to 256.
		"bucketing(s=2)|nnm(f=4)|mean": {17, 0},
		"nnm(f=4)|bucketing(s=2)|mean": {9, 0},
		"bucketing(s=3)|mda(f=2)":      {13, 768},
		"smea(f=15)":                   {31, 30}, // none at all: the subsets are too many
	} {
		spec, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		least, most, err := Bears(spec)
		if err != nil || [2]int{least, most} != want {
			t.Errorf("%s bears %d to %d heads, %v; want %v", text, least, most, err, want)
		}
	}
}

// TestFiltersBeforeRules: the filters change the result, and what an update
// weighed is what it had a share in.
func TestFiltersBeforeRules(t *testing.T) {
	in := scene(3, 4, 20, 14)
	for _, text := range []string{"nnm(f=3)|krum(f=3)", "bucketing(s=2)|median", "arc(f=3)|mean", "clipping(tau=0.5)|mean"} {
		spec, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		rule, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		in.Rand = random(1)
		with := clone(integrate(t, rule, in))
		plain := strings.SplitN(text, "|", 2)[1]
		if spec, err = Parse(plain); err != nil {
			t.Fatal(err)
		}
		if rule, err = New(spec); err != nil {
			t.Fatal(err)
		}
		if sameBits(with.Head.Weights, integrate(t, rule, in).Head.Weights) {
			t.Errorf("%s is the same as %s", text, plain)
		}
		for _, v := range with.Verdicts {
			if (v.Reason == "") != (v.Weights[0] > 0) {
				t.Errorf("%s: verdict %+v", text, v)
			}
		}
	}
}
