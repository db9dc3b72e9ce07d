package finetune

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner/data"
)

func TestBalancedDraw(t *testing.T) {
	var samples []data.Sample
	for i := range 60 {
		label := 0
		if i%10 == 0 {
			label = 2
		}
		samples = append(samples, data.Sample{Label: label})
	}
	chosen := all(50) // 5 of class 2
	counts := map[int]int{}
	each := map[int]int{}
	const n = 20000
	for _, i := range balanced(samples, chosen, n, rand.New(rand.NewPCG(1, 2))) {
		if i >= 50 {
			t.Fatalf("sample %d was not to be drawn", i)
		}
		counts[samples[i].Label]++
		each[i]++
	}
	if share := float64(counts[2]) / n; math.Abs(share-.5) > .02 {
		t.Errorf("the rare class is drawn with share %v", share)
	}
	for i, c := range each {
		want := n / 2 / 45
		if samples[i].Label == 2 {
			want = n / 2 / 5
		}
		if math.Abs(float64(c-want)) > 6*math.Sqrt(float64(want)) {
			t.Errorf("sample %d was drawn %d times, not about %d", i, c, want)
		}
	}
}

// TestCutMix: every number comes from a sample or its partner, the box is the
// same for all, and targets are mixed by its area.
func TestCutMix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := [3]int{rapid.IntRange(1, 3).Draw(t, "channels"), rapid.IntRange(1, 9).Draw(t, "height"), rapid.IntRange(1, 9).Draw(t, "width")}
		rows := rapid.IntRange(1, 5).Draw(t, "rows")
		size := dims[0] * dims[1] * dims[2]
		x, targets := make([]float32, rows*size), make([]float32, rows*rows)
		for i := range x {
			x[i] = float32(i / size) // whose it is
		}
		for r := range rows {
			targets[r*rows+r] = 1
		}
		var m mixer
		m.cutMix(x, targets, rows, dims, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		for r := range rows {
			foreign := make([]int, rows)
			for _, v := range x[r*size : (r+1)*size] {
				foreign[int(v)]++
			}
			for other, n := range foreign {
				if want, got := float64(n)/float64(size), float64(targets[r*rows+other]); math.Abs(got-want) > 1e-6 {
					t.Fatalf("sample %d has %v of sample %d and target %v", r, want, other, got)
				}
			}
			// All channels alike.
			plane := dims[1] * dims[2]
			for c := 1; c < dims[0]; c++ {
				if !slices.Equal(x[r*size:r*size+plane], x[r*size+c*plane:r*size+(c+1)*plane]) {
					t.Fatal("channels are cut differently")
				}
			}
		}
	})
}

// TestBoxes: the share that is cut out has the mean of 1-λ, λ ~ U(0,1), less
// what is clipped at the border.
func TestBoxes(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var sum float64
	const n = 20000
	for range n {
		b := drawBox(64, 64, rng)
		if b.x0 < 0 || b.y0 < 0 || b.x1 > 64 || b.y1 > 64 || b.x0 > b.x1 || b.y0 > b.y1 {
			t.Fatalf("%+v", b)
		}
		sum += 1 - b.kept(64, 64)
	}
	// E over s=√(1-λ) of (s - s²/4)², the clipped side squared: its mean
	// over the middle is s-s²/4, and the two sides are independent given s.
	// With density 2s: ∫ 2s(s-s²/4)² ds = 1/2 - 1/5 + 1/48.
	if want := .5 - .2 + 1./48; math.Abs(sum/n-want) > .02 {
		t.Errorf("on average %v is cut out, not %v", sum/n, want)
	}
}

func TestAugment(t *testing.T) {
	const h, w = 15, 12
	picture := make([]uint8, h*w)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range picture {
		picture[i] = uint8(rng.IntN(256))
	}
	apply := func(a Augment, seed uint64) []uint8 {
		if err := a.check(); err != nil {
			t.Fatal(err)
		}
		out := make([]uint8, 3*h*w)
		newAugmenter(a, [3]int{3, h, w}).apply(out, slices.Concat(picture, picture, picture), rand.New(rand.NewPCG(seed, 9)))
		if !slices.Equal(out[:h*w], out[h*w:2*h*w]) {
			t.Errorf("%+v: the planes of a grey picture differ", a)
		}
		return out[:h*w]
	}
	if got := apply(Augment{}, 1); !slices.Equal(got, picture) {
		t.Error("nothing to do changes the picture")
	}
	mirrored := 0
	for seed := range uint64(40) {
		got := apply(Augment{Flip: true}, seed)
		if slices.Equal(got, picture) {
			continue
		}
		mirrored++
		for y := range h {
			for x := range w {
				if got[y*w+x] != picture[y*w+w-1-x] {
					t.Fatalf("at %d, %d a mirrored picture has %d", y, x, got[y*w+x])
				}
			}
		}
	}
	if mirrored < 10 || mirrored > 30 {
		t.Errorf("%d of 40 are mirrored", mirrored)
	}
	masked := apply(Augment{Mask: 1}, 3)
	black := 0
	for i, v := range masked {
		switch {
		case v == 0 && picture[i] != 0:
			black++
		case v != picture[i]:
			t.Fatal("masking changes a pixel")
		}
	}
	if share := float64(black) / (h * w); math.Abs(share-maskShare) > .12 {
		t.Errorf("%v of the pixels are masked", share)
	}
	// A blur keeps what is even, and the mean of the rest about.
	flat := slices.Repeat([]uint8{200}, h*w)
	out := make([]uint8, h*w)
	newAugmenter(Augment{Blur: 1}, [3]int{1, h, w}).apply(out, flat, rand.New(rand.NewPCG(1, 1)))
	if !slices.Equal(out, flat) {
		t.Error("a blur changes an even picture")
	}
	// A turn by at most so much moves no pixel further than it says: a dot in
	// the middle stays.
	dot := make([]uint8, 15*15)
	dot[7*15+7] = 255
	out = make([]uint8, 15*15)
	newAugmenter(Augment{Rotate: 180}, [3]int{1, 15, 15}).apply(out, dot, rand.New(rand.NewPCG(2, 1)))
	if out[7*15+7] < 250 {
		t.Errorf("the middle of a turned picture has %d", out[7*15+7])
	}
	if slices.Equal(apply(Augment{Rotate: 20}, 1), apply(Augment{Rotate: 20}, 2)) || slices.Equal(apply(Augment{Scale: .3}, 1), picture) {
		t.Error("nothing is turned or scaled")
	}
}

// TestTurnAgainstReference turns a linear ramp, for which bilinear sampling is
// exact.
func TestTurnAgainstReference(t *testing.T) {
	const side = 21
	src := make([]uint8, side*side)
	for y := range side {
		for x := range side {
			src[y*side+x] = uint8(40 + 3*x + 5*y)
		}
	}
	a := newAugmenter(Augment{}, [3]int{1, side, side})
	const angle, factor = .2, 1.1
	a.turn(src, angle, factor, false)
	for y := 6; y < 15; y++ {
		for x := 6; x < 15; x++ {
			dx, dy := float64(x-10)/factor, float64(y-10)/factor
			sx, sy := 10+math.Cos(angle)*dx-math.Sin(angle)*dy, 10+math.Sin(angle)*dx+math.Cos(angle)*dy
			if want, got := 40+3*sx+5*sy, float64(a.plane[y*side+x]); math.Abs(got-want) > 1e-3 {
				t.Fatalf("at %d, %d: %v, want %v", x, y, got, want)
			}
		}
	}
}
