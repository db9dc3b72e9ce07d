package data

import (
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/draw"
)

func grey(pixels []uint8, w, h int) *image.Gray {
	return &image.Gray{Pix: pixels, Stride: w, Rect: image.Rect(0, 0, w, h)}
}

// difference is the mean absolute difference of two pictures, 0 to 255.
func difference(a, b []uint8) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(float64(a[i]) - float64(b[i]))
	}
	return sum / float64(len(a))
}

// A picture that is centred already must stay: a peer that keeps MNIST as
// pictures must see what a peer with the IDX files sees.
func TestCentreKeepsWhatIsCentred(t *testing.T) {
	glyphs := Digits(3)
	for i := range 300 {
		pixels := glyphs.Sample(i).Pixels
		got, err := Prepare(grey(pixels, 28, 28), oneByte28, prepareCentre)
		if err != nil {
			t.Fatal(err)
		}
		if d := difference(got, pixels); d > 0 {
			t.Errorf("digit %d changed by %.1f", i, d)
		}
	}
}

func TestCentreKeepsMNIST(t *testing.T) {
	train, _, err := ReadMNIST(shared(t, "mnist"))
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	const n = 2000
	for _, s := range train.Samples[:n] {
		got, err := Prepare(grey(s.Pixels, 28, 28), oneByte28, prepareCentre)
		if err != nil {
			t.Fatal(err)
		}
		if difference(got, s.Pixels) > 0 {
			changed++
		}
	}
	if changed > n/100 {
		t.Errorf("%d of %d pictures changed", changed, n)
	}
}

// However a drawing is inverted, scaled and placed, the same comes out.
func TestCentreForgetsGroundSizeAndPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		s := Digits(5).Sample(i)
		page := func(side int, at image.Point) *image.Gray {
			page := image.NewGray(image.Rect(0, 0, 400, 400))
			draw.CatmullRom.Scale(page, image.Rect(0, 0, side, side).Add(at), grey(s.Pixels, 28, 28), image.Rect(0, 0, 28, 28), draw.Src, nil)
			return page
		}
		want, err := Prepare(page(200, image.Pt(100, 100)), oneByte28, prepareCentre)
		if err != nil {
			t.Fatal(err)
		}
		other := page(112+rng.IntN(189), image.Pt(rng.IntN(100), rng.IntN(100)))
		if i%2 == 0 {
			for i, v := range other.Pix {
				other.Pix[i] = 255 - v
			}
		}
		got, err := Prepare(other, oneByte28, prepareCentre)
		if err != nil {
			t.Fatal(err)
		}
		// The ink's box is a pixel wider or narrower in one of them, and its
		// centre may be rounded to another pixel.
		best := math.Inf(1)
		for shift := range 9 {
			moved := image.NewGray(image.Rect(0, 0, 28, 28))
			draw.Draw(moved, moved.Rect.Add(image.Pt(shift%3-1, shift/3-1)), grey(got, 28, 28), image.Point{}, draw.Src)
			best = min(best, difference(moved.Pix, want))
		}
		if best > 10 {
			t.Errorf("digit %d changed by %.1f", i, best)
		}
	}
}

func TestCentreIsCentred(t *testing.T) {
	for _, size := range [][2]int{{80, 60}, {60, 80}, {300, 20}, {28, 28}, {5, 90}} {
		img := drawing(size[0], size[1])
		pixels, err := Prepare(img, [3]int{1, 28, 28}, prepareCentre)
		if size[0] == 5 {
			continue // a cross as wide as the picture leaves nothing to compare
		}
		if err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		var mass, mx, my float64
		for i, v := range pixels {
			mass += float64(v)
			mx += float64(v) * float64(i%28)
			my += float64(v) * float64(i/28)
		}
		if math.Abs(mx/mass-13.5) > .6 || math.Abs(my/mass-13.5) > .6 {
			t.Errorf("%v: centre of mass at %.2f, %.2f", size, mx/mass, my/mass)
		}
	}
}

func TestPrepareBlank(t *testing.T) {
	for name, img := range map[string]image.Image{
		"no pixels": image.NewGray(image.Rect(0, 0, 0, 5)),
		"black":     image.NewGray(image.Rect(0, 0, 30, 30)),
		"white":     image.NewUniform(color.White),
		"clear":     image.NewNRGBA(image.Rect(0, 0, 30, 30)),
	} {
		if u, ok := img.(*image.Uniform); ok {
			img = crop{u, image.Rect(0, 0, 20, 20)}
		}
		if _, err := Prepare(img, oneByte28, prepareCentre); !errors.Is(err, errBlank) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type crop struct {
	image.Image
	bounds image.Rectangle
}

func (c crop) Bounds() image.Rectangle { return c.bounds }

// Ink on a clear ground is ink on white paper.
func TestPrepareTransparent(t *testing.T) {
	img := drawing(60, 60)
	want, err := Prepare(img, oneByte28, prepareCentre)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Prepare(rgba(img, color.NRGBA{20, 20, 20, 255}), oneByte28, prepareCentre)
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(got, want); d > 3 {
		t.Errorf("differs by %.1f", d)
	}
}

func TestPrepareResize(t *testing.T) {
	img := image.NewNRGBA(image.Rect(10, 10, 50, 50))
	for y := range 40 {
		for x := range 40 {
			img.SetNRGBA(10+x, 10+y, color.NRGBA{200, 100, 50, 255})
		}
	}
	pixels, err := Prepare(img, [3]int{3, 4, 6}, prepareResize)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range pixels {
		if want := [3]uint8{200, 100, 50}[i/24]; max(v, want)-min(v, want) > 1 {
			t.Fatalf("pixel %d is %d, want %d", i, v, want)
		}
	}
	pixels, err = Prepare(img, [3]int{1, 4, 6}, prepareResize)
	if err != nil {
		t.Fatal(err)
	}
	if len(pixels) != 24 || pixels[0] < 122 || pixels[0] > 126 { // .299*200 + .587*100 + .114*50
		t.Errorf("luma %v", pixels)
	}
}

func BenchmarkPrepareCentre(b *testing.B) {
	img := drawing(640, 480)
	for b.Loop() {
		if _, err := Prepare(img, oneByte28, prepareCentre); err != nil {
			b.Fatal(err)
		}
	}
}
