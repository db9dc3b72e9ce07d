package aggregation

// trimmedMean is the coordinate-wise trimmed mean, the screening of BRIDGE-T
// (Yang and Bajwa, 2019): in each coordinate the b greatest and the b least
// values are dropped and the rest is averaged. Up to b liars leave every weight
// within the range of the honest ones.
//
// As in the code of Bristle's author (docs/bristle.md, c) the own value is
// screened like any other, where BRIDGE always keeps it, and with fewer than
// 2b+1 heads the own one stays as it is.
type trimmedMean struct {
	inbox
	columnSorter
	heads [][]float32
	b     int
}

func trimmedMeanInfo() Info {
	return Info{
		Name:    "trimmed-mean",
		Summary: "coordinate-wise mean without the b greatest and b least values (BRIDGE)",
		Constants: []Constant{
			{Name: "b", Default: 4, Min: 0, Max: 65536, Whole: true,
				Doc: "values to drop at each end of each coordinate; needs 2b+1 heads with the own one"},
		},
	}
}

func newTrimmedMean(_ string, v values) Rule { return &trimmedMean{b: v.whole("b")} }

func (r *trimmedMean) Name() string       { return "trimmed-mean" }
func (r *trimmedMean) WholeHead() bool    { return true }
func (r *trimmedMean) Consolidates() bool { return false }

func (r *trimmedMean) Integrate(in Input) (Result, error) {
	if err := r.open(&in); err != nil {
		return Result{}, err
	}
	r.screenHeads()
	if 1+len(r.live) < 2*r.b+1 {
		r.dropAll(TooFew)
		return r.result(), nil
	}
	r.considerAll()
	r.weighAll()
	r.heads = r.gather(r.heads)
	n := len(r.heads)
	r.prepare(n, r.b, n-r.b)
	for from := 0; from < len(r.head.Weights); from += blockColumns {
		width := r.sort(r.heads, from)
		var sums [blockColumns]float64
		for i := r.b; i < n-r.b; i++ {
			for k, x := range &r.keys[i] {
				sums[k] += value(x)
			}
		}
		out := r.head.Weights[from:]
		for k := range width {
			out[k] = float32(sums[k] / float64(n-2*r.b))
		}
	}
	return r.result(), nil
}
