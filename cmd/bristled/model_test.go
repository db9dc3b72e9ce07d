package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseExtents(t *testing.T) {
	for text, want := range map[string][]int{
		"":          nil,
		"3x224x224": {3, 224, 224},
		"3x90":      {3, 90},
		"64":        {64},
	} {
		got, err := parseExtents(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "3x", "3x0x3", "3x-1x3", "3,224,224", "3 x 224", "3x9999999x3", "3x224x224x99999999999999999999"} {
		if got, err := parseExtents(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestExtents(t *testing.T) {
	for want, dims := range map[string][]int{
		"batchx3x224x224": {-1, 3, 224, 224},
		"1x3x?x?":         {1, 3, -1, -1},
		"64":              {64},
		"one number":      nil,
	} {
		if got := extents(dims); got != want {
			t.Errorf("%v: %q, want %q", dims, got, want)
		}
	}
}

func TestExtentsCanBeReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.SliceOfN(rapid.IntRange(1, 1<<16), 1, 6).Draw(t, "dims")
		got, err := parseExtents(extents(dims))
		if err != nil || !slices.Equal(got, dims) {
			t.Fatalf("%v became %v, %v", dims, got, err)
		}
	})
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 9999: "9999", 10_000: "10.0 k", 3_504_872: "3.50 M", 25_557_032: "25.6 M", 1_814_000_000: "1.81 G", 15_500_000_000: "15.5 G",
	} {
		if got := count(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	for seconds, want := range map[float64]string{
		12.345: "12.35 s", 1: "1.00 s", .0123: "12.3 ms", .00123: "1.23 ms", .0000123: "12.3 µs",
	} {
		if got := milliseconds(seconds); got != want {
			t.Errorf("%v: %q, want %q", seconds, got, want)
		}
	}
}

// chain is a network of n nodes in modules of three, each of whose ends can
// be frozen.
func chain(n int) *inspection {
	r := &inspection{Batch: 1}
	for i := range n {
		v := string(rune('a'+i/26)) + string(rune('a'+i%26))
		r.Layers = append(r.Layers, layerReport{Node: v, Operator: []string{"Conv", "Relu", "Conv"}[i%3], Output: []int{1, i + 1}, Parameters: 2, MACs: 3, value: v})
		name := v
		if i%3 == 2 {
			name = "block." + v
			if i%9 == 8 {
				name = "block" + v
			}
		}
		r.Freeze = append(r.Freeze, freezePoint{Name: name, Value: v})
	}
	return r
}

func TestLinesOfShortNetworkAreItsNodes(t *testing.T) {
	lines, parts := chain(mostLines).lines(false)
	if len(lines) != mostLines || parts {
		t.Errorf("%d lines, parts: %v", len(lines), parts)
	}
}

func TestLinesOfLongNetworkFitOnAScreen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := chain(rapid.IntRange(mostLines+1, 600).Draw(t, "nodes"))
		lines, parts := r.lines(false)
		if len(lines) > mostLines || !parts {
			t.Fatalf("%d lines, parts: %v", len(lines), parts)
		}
		var parameters, macs int64
		for _, l := range lines {
			parameters += l.parameters
			macs += l.macs
		}
		if want := int64(len(r.Layers)); parameters != 2*want || macs != 3*want {
			t.Fatalf("the lines have %d parameters and %d multiply-adds", parameters, macs)
		}
		if all, parts := r.lines(true); len(all) != len(r.Layers) || parts {
			t.Fatalf("all: %d lines of %d", len(all), len(r.Layers))
		}
	})
}

func TestPartsEndWithModules(t *testing.T) {
	lines, _ := chain(60).lines(false)
	for _, l := range lines[:len(lines)-1] {
		if !strings.HasPrefix(l.name, "block") || l.freeze == "" {
			t.Errorf("a part is called %q, freeze %q", l.name, l.freeze)
		}
	}
	if want := "2 Conv, Relu"; lines[0].operators != want {
		t.Errorf("operators %q, want %q", lines[0].operators, want)
	}
}

func TestWithoutModulesPartsAreEven(t *testing.T) {
	r := chain(100)
	for i := range r.Freeze {
		r.Freeze[i].Name = r.Freeze[i].Value
	}
	lines, _ := r.lines(false)
	if len(lines) < 10 || len(lines) > mostLines {
		t.Errorf("%d lines", len(lines))
	}
}

func TestQuantizedLinesLeaveConversionsOut(t *testing.T) {
	r := &inspection{Layers: []layerReport{{Operator: "QuantizeLinear"}, {Operator: "DequantizeLinear"}, {Operator: "Conv"}}}
	lines, _ := r.lines(false)
	if len(lines) != 1 || lines[0].operators != "Conv" {
		t.Errorf("lines %+v", lines)
	}
}

func TestSummary(t *testing.T) {
	if diff := cmp.Diff("2 Conv, Relu, Add", summary([]string{"Conv", "Relu", "Conv", "Add"})); diff != "" {
		t.Error(diff)
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine("a\nb\x1b[31mc\x7f"); got != "a b [31mc " {
		t.Errorf("%q", got)
	}
}
