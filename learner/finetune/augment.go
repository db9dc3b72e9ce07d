package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Augment is how pictures are varied anew each time they are trained on. The
// zero value leaves them as they are.
type Augment struct {
	Rotate float64 `json:"rotate"` // at most so many degrees to either side, up to 180
	Flip   bool    `json:"flip"`   // left and right, half of the time
	Scale  float64 `json:"scale"`  // crop or shrink by a factor of at most 1±Scale, below 1
	Blur   float64 `json:"blur"`   // probability of a Gaussian blur of 0.05 to 2 pixels over 9 x 9
	Mask   float64 `json:"mask"`   // probability that a quarter of the pixels goes black
}

// Radiographs is the augmentation of Site-Level Fine-Tuning with Progressive
// Layer Freezing (in the authors' code).
// Whoever's labels depend on the side turns Flip off.
func Radiographs() Augment { return Augment{Rotate: 5, Flip: true, Scale: .05, Blur: .5, Mask: .1} }

func (a Augment) check() error {
	if !(a.Rotate >= 0 && a.Rotate <= 180 && a.Scale >= 0 && a.Scale < 1 && a.Blur >= 0 && a.Blur <= 1 && a.Mask >= 0 && a.Mask <= 1) {
		return fmt.Errorf("finetune: augmentation %+v is out of range", a)
	}
	return nil
}

// none says that pictures stay as they are.
func (a Augment) none() bool { return a == Augment{} }

const (
	blurRadius         = 4
	blurLeast, blurTop = .05, 2
	maskShare          = .25
)

// augmenter varies pictures of one shape. It belongs to one goroutine.
type augmenter struct {
	Augment
	shape  [3]int
	plane  []float32
	second []float32
	kernel [2*blurRadius + 1]float32
}

func newAugmenter(a Augment, shape [3]int) *augmenter {
	n := shape[1] * shape[2]
	return &augmenter{Augment: a, shape: shape, plane: make([]float32, n), second: make([]float32, n)}
}

// apply writes a variation of a picture to dst, which has the picture's
// length. All its planes are varied alike.
func (a *augmenter) apply(dst, src []uint8, rng *rand.Rand) {
	// What is drawn does not depend on what is used, so that turning one thing
	// off leaves the others alone.
	angle := (2*rng.Float64() - 1) * a.Rotate * math.Pi / 180
	factor := 1 + (2*rng.Float64()-1)*a.Scale
	flip := rng.Float64() < .5 && a.Flip
	blur := rng.Float64() < a.Blur
	sigma := blurLeast + rng.Float64()*(blurTop-blurLeast)
	mask := rng.Float64() < a.Mask
	seed := rng.Uint64()

	n := a.shape[1] * a.shape[2]
	if blur {
		a.gaussian(sigma)
	}
	for c := range a.shape[0] {
		from, to := src[c*n:(c+1)*n], dst[c*n:(c+1)*n]
		if c > 0 && slices.Equal(from, src[:n]) {
			copy(to, dst[:n]) // grey
			continue
		}
		a.turn(from, angle, factor, flip)
		if blur {
			a.smooth()
		}
		for i, v := range a.plane {
			to[i] = uint8(min(max(v, 0), 255) + .5)
		}
		if mask {
			hide := rand.New(rand.NewPCG(seed, 0))
			for i := range to {
				if hide.Float64() < maskShare {
					to[i] = 0
				}
			}
		}
	}
}

// turn writes a plane, turned, scaled and mirrored about its middle, to
// a.plane. What lies outside is black; between pixels is linear.
func (a *augmenter) turn(src []uint8, angle, factor float64, flip bool) {
	h, w := a.shape[1], a.shape[2]
	sin, cos := math.Sincos(angle)
	mirror := 1.0
	if flip {
		mirror = -1
	}
	cx, cy := float64(w-1)/2, float64(h-1)/2
	at := func(x, y int) float64 {
		if x < 0 || y < 0 || x >= w || y >= h {
			return 0
		}
		return float64(src[y*w+x])
	}
	for y := range h {
		for x := range w {
			dx, dy := mirror*(float64(x)-cx)/factor, (float64(y)-cy)/factor
			sx, sy := cx+cos*dx-sin*dy, cy+sin*dx+cos*dy
			x0, y0 := math.Floor(sx), math.Floor(sy)
			fx, fy := sx-x0, sy-y0
			i, j := int(x0), int(y0)
			top := at(i, j)*(1-fx) + at(i+1, j)*fx
			bottom := at(i, j+1)*(1-fx) + at(i+1, j+1)*fx
			a.plane[y*w+x] = float32(top*(1-fy) + bottom*fy)
		}
	}
}

// gaussian sets the kernel.
func (a *augmenter) gaussian(sigma float64) {
	var sum float64
	for i := range a.kernel {
		d := float64(i - blurRadius)
		v := math.Exp(-d * d / (2 * sigma * sigma))
		a.kernel[i] = float32(v)
		sum += v
	}
	for i := range a.kernel {
		a.kernel[i] /= float32(sum)
	}
}

// smooth blurs a.plane, along rows and then along columns; the border is
// repeated.
func (a *augmenter) smooth() {
	h, w := a.shape[1], a.shape[2]
	for y := range h {
		for x := range w {
			var sum float32
			for k, v := range a.kernel {
				sum += v * a.plane[y*w+min(max(x+k-blurRadius, 0), w-1)]
			}
			a.second[y*w+x] = sum
		}
	}
	for y := range h {
		for x := range w {
			var sum float32
			for k, v := range a.kernel {
				sum += v * a.second[min(max(y+k-blurRadius, 0), h-1)*w+x]
			}
			a.plane[y*w+x] = sum
		}
	}
}
