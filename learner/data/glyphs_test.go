package data

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"sync"
	"testing"
)

// The backbone is trained on these pictures, so they must be the same on
// every architecture and must not change unnoticed: when they do, the
// embedded backbone has to be made anew.
func TestGlyphsGolden(t *testing.T) {
	for _, c := range []struct {
		name   string
		glyphs *Glyphs
		want   string
	}{
		{"digits", Digits(1), "23c420ffbc2710e51f347759c6146801cad916db946592156169cc2bc9d3d046"},
		{"letters", Letters(1), "8cd1d7e18862db973c6a28cefa7c6a137473ac56acd87b2c3b7798d9c115ea39"},
	} {
		h := sha256.New()
		for _, s := range c.glyphs.Set(0, 2080).Samples {
			h.Write(s.Pixels)
			h.Write([]byte{byte(s.Label)})
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != c.want {
			t.Errorf("the first 2,080 %s hash to %s, want %s", c.name, got, c.want)
		}
	}
}

func TestGlyphsDependOnSeedAndIndexAlone(t *testing.T) {
	g := Letters(7)
	want := g.Set(40, 300)
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			other := Letters(7)
			for i := part; i < 300; i += 4 {
				if s := other.Sample(40 + i); !slices.Equal(s.Pixels, want.Samples[i].Pixels) || s.Label != want.Samples[i].Label {
					t.Errorf("picture %d differs", 40+i)
				}
			}
		})
	}
	wg.Wait()
	if slices.Equal(Letters(8).Sample(40).Pixels, want.Samples[0].Pixels) {
		t.Error("another seed gives the same picture")
	}
	if slices.Equal(g.Draw(40, 0).Pixels, g.Draw(40+52, 0).Pixels) {
		t.Error("another index gives the same picture")
	}
}

// Every picture has what MNIST's have: a glyph about 20 long, strong ink, and
// the centre of mass in the middle, unless the glyph would then not be whole.
func TestGlyphsLookLikeMNIST(t *testing.T) {
	for name, glyphs := range map[string]*Glyphs{"digit": Digits(1), "letter": Letters(1)} {
		for i := range 3000 {
			pixels := glyphs.Sample(i).Pixels
			b := emptyBox
			var mass, mx, my float64
			for i, v := range pixels {
				if v > 0 {
					b.add(point{float64(i % side), float64(i / side)})
				}
				mass += float64(v)
				mx += float64(v) * float64(i%side)
				my += float64(v) * float64(i/side)
			}
			if slices.Max(pixels) < 120 || mass < 20*255 {
				t.Errorf("%s %d is too faint: brightest %d, mass %.0f", name, i, slices.Max(pixels), mass/255)
			}
			if long := b.longest() + 1; long < 17 || long > 24 {
				t.Errorf("%s %d is %.0f long", name, i, long)
			}
			touches := min(b.left, b.top) < 1 || max(b.right, b.bottom) > side-2
			if off := max(math.Abs(mx/mass-13.5), math.Abs(my/mass-13.5)); off > .9 && !touches {
				t.Errorf("%s %d has its centre of mass at %.2f, %.2f", name, i, mx/mass, my/mass)
			}
		}
	}
}

func TestSet(t *testing.T) {
	g := Letters(1)
	s := g.Set(100, 104)
	if s.Shape != [3]int{1, 28, 28} || len(s.Classes) != 52 || s.Classes[0] != "A" || s.Classes[51] != "z" {
		t.Errorf("shape %v, classes %v", s.Shape, s.Classes)
	}
	counts := make([]int, 52)
	for _, v := range s.Samples {
		counts[v.Label]++
	}
	if slices.Min(counts) != 2 {
		t.Errorf("classes are not equally many: %v", counts)
	}
}

func TestHash(t *testing.T) {
	s := Digits(1).Sample(3)
	same := Sample{Pixels: slices.Clone(s.Pixels), Label: 9}
	if s.Hash([3]int{1, 28, 28}) != same.Hash([3]int{1, 28, 28}) {
		t.Error("the label enters the hash")
	}
	if s.Hash([3]int{1, 28, 28}) == s.Hash([3]int{1, 14, 56}) {
		t.Error("the shape does not enter the hash")
	}
	same.Pixels[0]++
	if s.Hash([3]int{1, 28, 28}) == same.Hash([3]int{1, 28, 28}) {
		t.Error("a pixel does not enter the hash")
	}
}

func TestSourcesAreComplete(t *testing.T) {
	for i, ways := range skeletons() {
		c := characters[i]
		if len(ways) < 2 {
			t.Errorf("%c has %d skeletons", c, len(ways))
		}
		for _, way := range ways {
			if len(way) > 32 || len(way) < 2 {
				t.Errorf("%c has a skeleton of %d knots", c, len(way))
			}
			for _, k := range way {
				if k.x < -5 || k.x > 110 || k.y < -5 || k.y > 110 {
					t.Errorf("%c has a knot at %v", c, k.point)
				}
			}
		}
	}
	if len(handwriting) != len(characters) {
		t.Errorf("skeletons of %d characters", len(handwriting))
	}
	for i, faces := range outlines() {
		if len(faces) < 40 {
			t.Errorf("%c is in %d faces", characters[i], len(faces))
		}
		for _, o := range faces {
			if n := len(o.vertices); n > 512 || n < 4 || o.ends[len(o.ends)-1] != n {
				t.Errorf("%c has an outline of %d vertices", characters[i], n)
			}
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	g := Letters(1)
	g.Sample(0) // unpack the outlines
	for i := 0; b.Loop(); i++ {
		g.Sample(i)
	}
}
