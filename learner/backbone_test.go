package learner

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner/data"
)

func defaultBackbone(t testing.TB) *Backbone {
	t.Helper()
	b, err := DefaultBackbone()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDefaultBackbone(t *testing.T) {
	b := defaultBackbone(t)
	if b.Features() != 800 || b.Input() != [3]int{1, 28, 28} || b.Parameters() != 12810 {
		t.Errorf("%v -> %d features with %d parameters", b.Input(), b.Features(), b.Parameters())
	}
	set := data.Letters(12345).Set(0, 500)
	rms, err := b.MeasureRMS(set)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := rms / b.RawRMS(); ratio < .95 || ratio > 1.05 {
		t.Errorf("the file says that features have RMS %v, these have %v", b.RawRMS(), rms)
	}
}

func TestExtractDoesNotDependOnWorkers(t *testing.T) {
	b := defaultBackbone(t)
	set := data.Digits(1).Set(0, 77)
	one, err := b.Extract(context.Background(), set.Samples, 1)
	if err != nil {
		t.Fatal(err)
	}
	three, err := b.Extract(context.Background(), set.Samples, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(one, three) {
		t.Error("one worker and three give other features")
	}
	alone, err := b.Extract(context.Background(), set.Samples[40:41], 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(alone, one[40*800:41*800]) {
		t.Error("a sample's features depend on its neighbours")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Extract(ctx, set.Samples, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled extraction says %v", err)
	}
	if _, err := b.Extract(context.Background(), []data.Sample{{Pixels: make([]uint8, 5)}}, 1); err == nil {
		t.Error("a sample of the wrong size was taken")
	}
}

func TestBackboneCheck(t *testing.T) {
	b := defaultBackbone(t)
	m := &federation.Manifest{Backbone: federation.BackboneSpec{SHA256: b.Hash(), Features: 800, Input: b.Input()}}
	if err := b.Check(m); err != nil {
		t.Error(err)
	}
	other := *m
	other.Backbone.SHA256[3]++
	if err := b.Check(&other); !errors.Is(err, ErrBackbone) {
		t.Errorf("another file: %v", err)
	}
	other = *m
	other.Backbone.Features++
	if err := b.Check(&other); !errors.Is(err, ErrBackbone) {
		t.Errorf("another number of features: %v", err)
	}
	if _, err := LoadBackbone([]byte("not a model")); err == nil {
		t.Error("a text file was taken as a backbone")
	}
}

func openCache(t *testing.T, dir string, b *Backbone) *Cache {
	t.Helper()
	c, err := OpenCache(dir, b, 2, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func features(t *testing.T, c *Cache, set data.Set) Samples {
	t.Helper()
	s, err := c.Features(context.Background(), set.Samples, .5)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCacheKeepsFeatures(t *testing.T) {
	b, dir := defaultBackbone(t), t.TempDir()
	set := data.Digits(2).Set(0, 40)
	first := openCache(t, dir, b)
	want := features(t, first, set)
	raw, err := b.Extract(context.Background(), set.Samples, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, len(raw))
	b.Floats(x, raw, 1)
	for i, x := range x {
		if want.Features[i] != x*.5 {
			t.Fatalf("feature %d is %v, want half of %v", i, want.Features[i], x)
		}
	}
	for i, s := range set.Samples {
		if want.Labels[i] != s.Label {
			t.Fatal("labels are mixed up")
		}
	}
	first.Close()

	second := openCache(t, dir, b)
	if len(second.offset) != 40 {
		t.Errorf("after reopening there are %d samples, want 40", len(second.offset))
	}
	if got := features(t, second, set); !slices.Equal(got.Features, want.Features) {
		t.Error("features from disk differ from the computed ones")
	}
}

// TestCacheSurvivesDamage cuts and flips the file at every kind of place.
func TestCacheSurvivesDamage(t *testing.T) {
	b := defaultBackbone(t)
	set := data.Digits(3).Set(0, 6)
	record := 32 + 800 + 4
	for name, damage := range map[string]func([]byte) []byte{
		"cut in a record":        func(f []byte) []byte { return f[:2*record+17] },
		"cut to nothing":         func(f []byte) []byte { return f[:0] },
		"flipped bit in a hash":  func(f []byte) []byte { f[record+3] ^= 1; return f },
		"flipped bit in numbers": func(f []byte) []byte { f[3*record+100] ^= 0x80; return f },
		"zeros at the end":       func(f []byte) []byte { return append(f, make([]byte, 3*record)...) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := openCache(t, dir, b)
			want := features(t, c, set)
			c.Close()
			path := filepath.Join(dir, b.Hash().String()+".features")
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(bytes.Clone(file)), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // and once more from what the first repaired
				c := openCache(t, dir, b)
				got := features(t, c, set)
				for i := range got.Features {
					if math.Float32bits(got.Features[i]) != math.Float32bits(want.Features[i]) {
						t.Fatalf("feature %d is %v, was %v", i, got.Features[i], want.Features[i])
					}
				}
				if len(c.offset) != 6 {
					t.Errorf("%d samples are kept, want 6", len(c.offset))
				}
				c.Close()
			}
		})
	}
}
