package data

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"golang.org/x/image/draw"
)

// The ways of [Prepare], as a federation's manifest spells them.
const (
	prepareCentre = "centre"
	prepareResize = "resize"
)

// errPrepare is wrapped by errors about a way of preparing, or a shape, that
// this package does not know.
var errPrepare = errors.New("cannot prepare pictures so")

// errBlank is returned for a picture in which nothing is drawn.
var errBlank = errors.New("the picture is blank")

// frame is the side of MNIST's pictures and glyph the longer side of what is
// drawn in them, in pixels.
const (
	frame = 28
	glyph = 20
)

// Prepare turns a picture into a backbone's input of the given shape
// (channels, of which there are 1 or 3; height; width), planes one after
// another.
//
// The way "resize" scales the whole picture; one in grey of 16 bits (an
// [*image.Gray16]) keeps them until it is scaled, and gives the same bytes on
// every architecture.
//
// The way "centre" is for one character or drawing on an even ground and does
// what was done to MNIST: it takes the luma, finds from the border whether the
// ground is dark or light and makes it black, crops to the ink, scales the
// longer side to 20/28 of the frame and moves the centre of mass to the middle.
// A picture that is so already stays as it is. Three channels are then three
// times the same.
func Prepare(img image.Image, shape [3]int, mode string) ([]uint8, error) {
	if err := checkPrepare(shape, mode); err != nil {
		return nil, err
	}
	b := img.Bounds()
	if b.Empty() {
		return nil, errBlank
	}
	if mode == prepareResize {
		return resize(img, shape), nil
	}
	plane, err := centre(luma(img), shape[1], shape[2])
	if err != nil {
		return nil, err
	}
	return slices.Repeat(plane.Pix, shape[0]), nil
}

func checkPrepare(shape [3]int, mode string) error {
	if mode != prepareCentre && mode != prepareResize {
		return fmt.Errorf("%w: %q is neither %q nor %q", errPrepare, mode, prepareCentre, prepareResize)
	}
	if (shape[0] != 1 && shape[0] != 3) || shape[1] < 1 || shape[2] < 1 || shape[1] > maxSide || shape[2] > maxSide {
		return fmt.Errorf("%w: a shape of %d x %d x %d; channels are 1 or 3, sides 1 to %d", errPrepare, shape[0], shape[1], shape[2], maxSide)
	}
	return nil
}

// resize scales the whole picture and takes its planes apart.
func resize(img image.Image, shape [3]int) []uint8 {
	h, w := shape[1], shape[2]
	if g, ok := img.(*image.Gray16); ok {
		return slices.Repeat(resize16(g, h, w), shape[0])
	}
	if shape[0] == 1 {
		return scale(luma(img), image.Rect(0, 0, w, h)).Pix
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.CatmullRom.Scale(out, out.Rect, img, img.Bounds(), draw.Over, nil)
	planes := make([]uint8, 3*h*w)
	for i := range h * w {
		for c := range 3 {
			planes[c*h*w+i] = out.Pix[4*i+c]
		}
	}
	return planes
}

// scale resamples a grey picture, whose bounds begin at 0,0.
func scale(img *image.Gray, to image.Rectangle) *image.Gray {
	if img.Rect == to {
		return img
	}
	out := image.NewGray(to)
	draw.CatmullRom.Scale(out, to, img, img.Rect, draw.Src, nil)
	return out
}

// luma returns the brightness of a picture, laid on white where it is
// transparent.
func luma(img image.Image) *image.Gray {
	b := img.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	// The two kinds of grey need no call per pixel.
	switch img := img.(type) {
	case *image.Gray:
		for y := range b.Dy() {
			copy(out.Pix[y*out.Stride:][:b.Dx()], img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):])
		}
		return out
	case *image.Gray16:
		for y := range b.Dy() {
			from := img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):]
			for x := range b.Dx() {
				out.Pix[y*out.Stride+x] = from[2*x] // the upper byte
			}
		}
		return out
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := img.At(b.Min.X+x, b.Min.Y+y)
			if g, ok := c.(color.Gray); ok {
				out.Pix[y*out.Stride+x] = g.Y
				continue
			}
			r, g, b, a := c.RGBA()
			white := 0xffff - a
			// The weights of JFIF, as package color has them.
			v := (19595*(r+white) + 38470*(g+white) + 7471*(b+white) + 1<<15) >> 24
			out.Pix[y*out.Stride+x] = uint8(v)
		}
	}
	return out
}

// centre is MNIST's way with a grey picture.
func centre(img *image.Gray, height, width int) (*image.Gray, error) {
	ink, box, err := findInk(img)
	if err != nil {
		return nil, err
	}
	// The longer side of the ink becomes 20/28 of the frame.
	target := float64(min(height, width)) * glyph / frame
	factor := target / float64(max(box.Dx(), box.Dy()))
	if math.Abs(factor-1) < .2 && isCentred(ink, height, width) {
		return ink, nil
	}
	w := max(int(float64(box.Dx())*factor+.5), 1)
	h := max(int(float64(box.Dy())*factor+.5), 1)
	crop := image.NewGray(image.Rect(0, 0, box.Dx(), box.Dy()))
	draw.Draw(crop, crop.Rect, ink, box.Min, draw.Src)
	small := scale(crop, image.Rect(0, 0, w, h))

	mass, mx, my := moments(small)
	out := image.NewGray(image.Rect(0, 0, width, height))
	if mass == 0 {
		return nil, errBlank
	}
	// mx/mass is twice the centre; rounding is to the nearest pixel.
	left := floorDiv(int64(width)*mass-mx+mass, 2*mass)
	top := floorDiv(int64(height)*mass-my+mass, 2*mass)
	draw.Draw(out, image.Rect(left, top, left+w, top+h), small, image.Point{}, draw.Src)
	return out, nil
}

// isCentred says whether a picture has the frame's size and its centre of
// mass within a pixel of the middle.
func isCentred(img *image.Gray, height, width int) bool {
	if img.Rect.Dx() != width || img.Rect.Dy() != height {
		return false
	}
	mass, mx, my := moments(img)
	dx, dy := mx-int64(width)*mass, my-int64(height)*mass
	return max(dx, -dx, dy, -dy) <= 2*mass
}

// moments returns the sum of a picture's pixels and twice the sums of the
// pixels times the place of their centre, along x and along y.
func moments(img *image.Gray) (mass, mx, my int64) {
	for y := range img.Rect.Dy() {
		for x, v := range img.Pix[y*img.Stride:][:img.Rect.Dx()] {
			mass += int64(v)
			mx += int64(v) * int64(2*x+1)
			my += int64(v) * int64(2*y+1)
		}
	}
	return mass, mx, my
}

// floorDiv is a/b rounded down, for b > 0.
func floorDiv(a, b int64) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return int(q)
}

// findInk returns the picture with a black ground and full contrast, and the
// rectangle around the ink.
func findInk(img *image.Gray) (*image.Gray, image.Rectangle, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	// The ground is the median of the border; the border's own deviation
	// from it tells how far grain and shadows reach.
	var border []uint8
	for x := range w {
		border = append(border, img.Pix[x], img.Pix[(h-1)*img.Stride+x])
	}
	for y := range h {
		border = append(border, img.Pix[y*img.Stride], img.Pix[y*img.Stride+w-1])
	}
	slices.Sort(border)
	ground := int(border[len(border)/2])
	deviations := make([]int, len(border))
	for i, v := range border {
		deviations[i] = max(int(v)-ground, ground-int(v))
	}
	slices.Sort(deviations)
	grain := deviations[len(deviations)*9/10]

	// Ink is on the side of the ground where more lies.
	var above, below int64
	for _, v := range img.Pix {
		above += int64(max(int(v)-ground, 0))
		below += int64(max(ground-int(v), 0))
	}
	sign := 1
	if below > above {
		sign = -1
	}
	var histogram [256]int
	for _, v := range img.Pix {
		histogram[max(sign*(int(v)-ground), 0)]++
	}
	full := 255
	for full > 0 && histogram[full] == 0 {
		full--
	}
	if full <= grain || full < 8 {
		return nil, image.Rectangle{}, errBlank
	}
	floor := 0
	if grain > 0 {
		// An uneven ground: cut off what may belong to it.
		floor = min(2*grain, full/2)
	}
	if max(w, h) > 2*frame {
		// A scan or a photograph: compression leaves faint traces around the
		// ink that would widen the box.
		floor = max(floor, full/8)
	}
	if full >= 128 && max(w, h) <= 2*frame {
		full = 255 // strong enough: MNIST itself stays as it is
	}
	ink := image.NewGray(image.Rect(0, 0, w, h))
	box := image.Rectangle{Min: image.Pt(w, h)}
	for y := range h {
		for x := range w {
			v := sign * (int(img.Pix[y*img.Stride+x]) - ground)
			if v <= floor {
				continue
			}
			ink.Pix[y*ink.Stride+x] = uint8(v * 255 / full)
			box.Min = image.Pt(min(box.Min.X, x), min(box.Min.Y, y))
			box.Max = image.Pt(max(box.Max.X, x+1), max(box.Max.Y, y+1))
		}
	}
	return ink, box, nil
}
