package data

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// slowResize is what resize16 promises, in floats and pixel by pixel: the means
// of blocks, then the sum over all of them with the weights of the cubic.
// It returns 0 to 65535.
func slowResize(img *image.Gray16, height, width int) []float64 {
	b := img.Bounds()
	blocks := func(from, to int) int { return max(from/(2*to), 1) }
	rx, ry := blocks(b.Dx(), width), blocks(b.Dy(), height)
	var reduced [][]float64
	for y := 0; y < b.Dy(); y += ry {
		var row []float64
		for x := 0; x < b.Dx(); x += rx {
			sum, n := 0., 0.
			for yy := y; yy < min(y+ry, b.Dy()); yy++ {
				for xx := x; xx < min(x+rx, b.Dx()); xx++ {
					sum += float64(img.Gray16At(b.Min.X+xx, b.Min.Y+yy).Y)
					n++
				}
			}
			row = append(row, sum/n)
		}
		reduced = append(reduced, row)
	}
	cubic := func(t float64) float64 {
		switch t = math.Abs(t); {
		case t < 1:
			return 1.5*t*t*t - 2.5*t*t + 1
		case t < 2:
			return -.5*t*t*t + 2.5*t*t - 4*t + 2
		}
		return 0
	}
	// weight is that of block k for pixel i.
	weight := func(i, k, from, reduction, to int) float64 {
		ratio := float64(from) / float64(reduction) / float64(to)
		return cubic((float64(k) + .5 - (float64(i)+.5)*ratio) / max(ratio, 1))
	}
	var out []float64
	for y := range height {
		for x := range width {
			sum, total := 0., 0.
			for k, row := range reduced {
				wy := weight(y, k, b.Dy(), ry, height)
				if wy == 0 {
					continue
				}
				for j, v := range row {
					w := wy * weight(x, j, b.Dx(), rx, width)
					sum += w * v
					total += w
				}
			}
			out = append(out, min(max(sum/total, 0), 65535))
		}
	}
	return out
}

func noise16(w, h int, seed uint64) *image.Gray16 {
	rng := rand.New(rand.NewPCG(seed, 1))
	img := image.NewGray16(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(rng.Uint32())
	}
	return img
}

func TestResize16(t *testing.T) {
	for _, c := range [][4]int{{50, 40, 20, 30}, {64, 64, 64, 64}, {7, 5, 30, 31}, {1, 1, 3, 3}, {300, 120, 10, 16}, {101, 67, 9, 5}, {33, 200, 40, 3}, {128, 127, 28, 28}} {
		img := noise16(c[0], c[1], uint64(c[2]))
		got, want := resize16(img, c[3], c[2]), slowResize(img, c[3], c[2])
		for i, w := range want {
			// Half a step for rounding, and the weights have 14 bits.
			if d := math.Abs(float64(got[i]) - w/257); d > .54 {
				t.Fatalf("%v: pixel %d is %d, want %.2f", c, i, got[i], w/257)
			}
		}
	}
}

// A part of a picture is scaled as a copy of it would be, and what has the
// wanted size stays as it is, rounded.
func TestResize16Part(t *testing.T) {
	img := noise16(90, 70, 5)
	part := img.SubImage(image.Rect(13, 7, 63, 47)).(*image.Gray16)
	whole := image.NewGray16(image.Rect(0, 0, 50, 40))
	for y := range 40 {
		for x := range 50 {
			whole.SetGray16(x, y, part.Gray16At(13+x, 7+y))
		}
	}
	for _, shape := range [][3]int{{1, 12, 9}, {3, 12, 9}, {1, 40, 50}} {
		a, err := Prepare(part, shape, prepareResize)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Prepare(whole, shape, prepareResize)
		if err != nil || !bytes.Equal(a, b) || len(a) != shape[0]*shape[1]*shape[2] {
			t.Fatalf("%v: a part is another picture, %v", shape, err)
		}
		for i, v := range a {
			if plane := shape[1] * shape[2]; v != a[i%plane] {
				t.Fatalf("%v: the planes differ", shape)
			}
		}
		if shape[1] == 40 {
			for i, v := range a {
				if want := math.Round(float64(whole.Gray16At(i%50, i/50).Y) / 257); float64(v) != want {
					t.Fatalf("pixel %d is %d, want %g", i, v, want)
				}
			}
		}
	}
}

func TestResize16Properties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.OneOf(rapid.IntRange(1, 12), rapid.IntRange(1, 300))
		w, h, width, height := side.Draw(t, "w"), side.Draw(t, "h"), side.Draw(t, "width"), side.Draw(t, "height")
		img := image.NewGray16(image.Rect(0, 0, w, h))
		v := rapid.Uint16().Draw(t, "v")
		for i := range w * h {
			img.Pix[2*i], img.Pix[2*i+1] = uint8(v>>8), uint8(v)
		}
		for i, got := range resize16(img, height, width) {
			if want := uint8(math.Round(float64(v) / 257)); got != want {
				t.Fatalf("an even %d becomes %d at %d, want %d", v, got, i, want)
			}
		}
		length := rapid.IntRange(1, 1<<22).Draw(t, "length")
		n := min(length, 5000)
		for _, taps := range cubic(n, float64(n), rapid.IntRange(1, 50).Draw(t, "to")) {
			sum, above := int32(0), int32(0)
			for _, w := range taps.weights {
				sum += w
				above += max(w, 0)
			}
			if sum != unit || above >= 2*unit || taps.first < 0 || taps.first+len(taps.weights) > n {
				t.Fatalf("weights of %d add up to %d, the positive ones to %d", n, sum, above)
			}
		}
	})
}

// Fine structure becomes its mean, however far a picture shrinks.
func TestResize16Antialiases(t *testing.T) {
	for _, side := range []int{100, 1000, 1001, 3000} {
		img := image.NewGray16(image.Rect(0, 0, side, side))
		for y := range side {
			for x := range side {
				if (x+y)%2 == 0 {
					img.Pix[y*img.Stride+2*x], img.Pix[y*img.Stride+2*x+1] = 255, 255
				}
			}
		}
		for i, v := range resize16(img, 28, 28) {
			if v < 124 || v > 131 {
				t.Fatalf("%d: pixel %d of a chessboard is %d", side, i, v)
			}
		}
	}
}

// Pictures of 8 bits and the same in 16 bits give nearly the same; both are
// scaled with the same cubic, those of 16 bits after the means of blocks.
func TestResizeDepthsAgree(t *testing.T) {
	for _, c := range []struct{ side, most int }{{100, 1}, {130, 1}, {400, 2}} {
		eight, sixteen := image.NewGray(image.Rect(0, 0, c.side, c.side)), image.NewGray16(image.Rect(0, 0, c.side, c.side))
		for i := range eight.Pix {
			x, y := float64(i%c.side)/float64(c.side), float64(i/c.side)/float64(c.side)
			v := uint8(128 + 60*math.Sin(40*x) + 50*math.Cos(30*y*x))
			eight.Pix[i], sixteen.Pix[2*i], sixteen.Pix[2*i+1] = v, v, v
		}
		a, b := resize(eight, [3]int{1, 36, 36}), resize(sixteen, [3]int{1, 36, 36})
		for i := range a {
			if d := max(a[i], b[i]) - min(a[i], b[i]); int(d) > c.most {
				t.Fatalf("%d: pixel %d is %d in 8 bits and %d in 16", c.side, i, a[i], b[i])
			}
		}
	}
}

// The short ways for grey pictures give what the way for all pictures gives,
// which a picture takes whose kind is hidden.
func TestLumaOfGrey(t *testing.T) {
	deep := noise16(40, 30, 9)
	flat := image.NewGray(image.Rect(-5, 3, 35, 33))
	copy(flat.Pix, deep.Pix)
	for i, img := range []image.Image{deep, flat, deep.SubImage(image.Rect(3, 5, 20, 29)), flat.SubImage(image.Rect(-2, 9, 20, 29))} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			got, want := luma(img), luma(crop{img, img.Bounds()})
			if !bytes.Equal(got.Pix, want.Pix) || got.Rect != want.Rect {
				t.Error("other pixels")
			}
		})
	}
}
