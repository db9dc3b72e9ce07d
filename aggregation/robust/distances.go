package robust

import (
	"cmp"
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// mostPieces bounds in how many pieces the distances are summed, and mostPartial
// how many numbers they may hold together: with many vectors there are fewer.
const (
	mostPieces  = 16
	mostPartial = 1 << 22
)

// distances are the squared Euclidean distances of all pairs of vectors.
type distances struct {
	team
	task    func(task, worker int)
	vectors [][]float32
	n       int
	pieces  int
	packed  [][]float32 // per worker, n x chunk
	partial []float64   // per piece, n x n below the diagonal
	d       []float64   // n x n
}

func newDistances(workers int) *distances {
	d := &distances{team: newTeam(workers), packed: make([][]float32, max(1, workers))}
	d.task = d.piece
	return d
}

func chunks(d int) int { return (d + chunk - 1) / chunk }

// measure computes the distances, chunk by chunk; a piece is some chunks, and pieces
// are added in order.
func (d *distances) measure(vectors [][]float32) {
	n := len(vectors)
	d.vectors, d.n = vectors, n
	d.pieces = max(1, min(mostPieces, mostPartial/(n*n), chunks(len(vectors[0]))))
	d.partial = grow(d.partial, d.pieces*n*n)
	d.d = grow(d.d, n*n)
	d.run(d.pieces, d.task)
	clear(d.d)
	for p := range d.pieces {
		for i, v := range d.partial[p*n*n : (p+1)*n*n] {
			d.d[i] += v
		}
	}
	for i := range n {
		for j := range i {
			d.d[j*n+i] = d.d[i*n+j]
		}
	}
	d.vectors = nil
}

func (d *distances) piece(piece, worker int) {
	n, width := d.n, len(d.vectors[0])
	all := chunks(width)
	sums := d.partial[piece*n*n : (piece+1)*n*n]
	clear(sums)
	d.packed[worker] = grow(d.packed[worker], n*chunk)
	for c := piece * all / d.pieces; c < (piece+1)*all/d.pieces; c++ {
		from, to := c*chunk, min(width, (c+1)*chunk)
		// Side by side the chunk's columns of 64 vectors have room in the second-level
		// cache; where they lie, at equal distances, they would push each other out.
		v, size := d.packed[worker], to-from
		for i, x := range d.vectors {
			copy(v[i*size:(i+1)*size], x[from:to])
		}
		// Four vectors at a time stay in the first-level cache while those below
		// pass by. What this adds above the diagonal is overwritten in the end.
		j := 0
		for ; j+4 <= n; j += 4 {
			kernel.SquaredDistances4(sums[(j+1)*n+j:], n, v[(j+1)*size:n*size], v[j*size:(j+4)*size], size)
		}
		for i := j + 1; i < n; i++ {
			for k := j; k < i; k++ {
				sums[i*n+k] += float64(kernel.SquaredDistance(v[i*size:(i+1)*size], v[k*size:(k+1)*size]))
			}
		}
	}
}

// at returns the squared distance of vectors i and j.
func (d *distances) at(i, j int) float64 { return d.d[i*d.n+j] }

// row returns the squared distances of vector i from all, itself included.
func (d *distances) row(i int) []float64 { return d.d[i*d.n : (i+1)*d.n] }

// toOne measures squared distances of vectors from one point.
type toOne struct {
	team
	task    func(task, worker int)
	vectors [][]float32
	point   []float32 // nil is the origin
	partial []float64 // per chunk, n
	d       []float64
}

func newToOne(workers int) *toOne {
	t := &toOne{team: newTeam(workers)}
	t.task = func(task, _ int) {
		from, to := task*chunk, min(len(t.vectors[0]), (task+1)*chunk)
		n := len(t.vectors)
		for i, x := range t.vectors {
			if t.point == nil {
				t.partial[task*n+i] = float64(kernel.Dot(x[from:to], x[from:to]))
			} else {
				t.partial[task*n+i] = float64(kernel.SquaredDistance(x[from:to], t.point[from:to]))
			}
		}
	}
	return t
}

// measure returns the squared distances, valid until the next call.
func (t *toOne) measure(vectors [][]float32, point []float32) []float64 {
	n, all := len(vectors), chunks(len(vectors[0]))
	t.vectors, t.point = vectors, point
	t.partial, t.d = grow(t.partial, n*all), grow(t.d, n)
	t.run(all, t.task)
	clear(t.d)
	for c := range all {
		for i := range t.d {
			t.d[i] += t.partial[c*n+i]
		}
	}
	t.vectors, t.point = nil, nil
	return t.d
}

// ascending returns 0 to n-1 in ascending order of their values; the first
// wins a tie.
func ascending(order []int, values []float64) []int {
	order = grow(order, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(values[a], values[b]), cmp.Compare(a, b)) })
	return order
}
