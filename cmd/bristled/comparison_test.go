package main

import (
	"errors"
	"math"
	"testing"

	"github.com/bristle-fl/bristled/learner/quant"
)

func TestTally(t *testing.T) {
	s := &comparison{} // without an output layer of its own
	var count tally
	count.add(s, []float32{3, 1, 0}, []float32{3, 1, .5}, 0) // the same and right
	count.add(s, []float32{0, 2, 1}, []float32{0, 1, 2}, 1)  // int8 is wrong
	count.add(s, []float32{0, 2, 1}, []float32{0, 2, 1}, 2)  // the same and wrong
	var q quantization
	count.note(&q, 3)
	if q.Compared != 3 || !q.HasAccuracy || q.Agreement != 2./3 || q.FloatRight != 2./3 || q.Int8Right != 1./3 {
		t.Errorf("%+v", q)
	}
	if want := 10 * math.Log10(20/2.25); math.Abs(q.SNR-want) > 1e-9 {
		t.Errorf("%v dB, want %v", q.SNR, want)
	}
	count.note(&q, 2)
	if q.HasAccuracy {
		t.Error("two classes have an accuracy of three outputs")
	}
}

func TestDecibels(t *testing.T) {
	for _, c := range []struct{ signal, noise, want float64 }{
		{100, 1, 20}, {1, 1, 0}, {1, 0, mostDecibels}, {0, 0, mostDecibels}, {0, 1, -mostDecibels}, {1, 1e-300, mostDecibels},
	} {
		if got := decibels(c.signal, c.noise); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v to %v: %v, want %v", c.signal, c.noise, got, c.want)
		}
	}
}

func TestMaxDrop(t *testing.T) {
	for _, c := range []struct {
		name string
		q    quantization
		f    quantizeFlags
		ok   bool
	}{
		{"within", quantization{HasAccuracy: true, FloatRight: .92, Int8Right: .915}, quantizeFlags{maxDrop: .01}, true},
		{"better", quantization{HasAccuracy: true, FloatRight: .92, Int8Right: .93}, quantizeFlags{maxDrop: 0}, true},
		{"too far", quantization{HasAccuracy: true, FloatRight: .92, Int8Right: .90}, quantizeFlags{maxDrop: .01}, false},
		{"agree often enough", quantization{Agreement: .96}, quantizeFlags{maxDrop: .01}, true},
		{"agree too seldom for what was asked", quantization{Agreement: .96}, quantizeFlags{maxDrop: .01, dropGiven: true}, false},
		{"agree too seldom", quantization{Agreement: .9}, quantizeFlags{maxDrop: .01}, false},
	} {
		err := c.q.check(c.f)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, typed := errors.AsType[*quant.DropError](err); typed != (!c.ok && c.q.HasAccuracy) {
			t.Errorf("%s: error of type %T", c.name, err)
		}
	}
}
