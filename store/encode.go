package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/bristle-fl/bristled/federation"
)

// The state of a round is written as
//
//	number u64 | seconds i64 | nanoseconds u32
//	classes u32 | features u32 | weights
//	steps u64 | n u32 | first moments | second moments
//	count u32 | peers          each, ascending: length u8 | ID | sequence u64
//	count u32 | sets           each, ascending: length u8 | ID | SHA-256
//	count u32 | banned         each, ascending: length u8 | ID
//
// with little-endian numbers and weights and moments as float32. Whoever
// stores it adds a checksum.

// maxPeerID is the longest peer ID in bytes, which its length byte can hold.
const maxPeerID = federation.MaxSender

// stateSize returns how many bytes writeState writes.
func stateSize(r *Round) int64 {
	n := 8 + 8 + 4 + 8 + 8 + 4 + 4 + 4 + 4
	n += 4 * (len(r.Head.Weights) + len(r.Optimizer.First) + len(r.Optimizer.Second))
	for id := range r.Peers {
		n += 1 + len(id) + 8
	}
	for id := range r.Sets {
		n += 1 + len(id) + len(federation.Hash{})
	}
	for _, id := range r.Banned {
		n += 1 + len(id)
	}
	return int64(n)
}

// check refuses rounds that writeState could not write or readState not read.
func (r *Round) check() error {
	if h := r.Head; h.Classes < 0 || h.Classes > federation.MaxClasses || h.Features < 0 || h.Features > federation.MaxFeatures ||
		len(h.Weights) != h.Classes*h.Features {
		return fmt.Errorf("round %d: head of %d classes and %d features with %d weights",
			r.Number, h.Classes, h.Features, len(h.Weights))
	}
	if len(r.Optimizer.First) != len(r.Optimizer.Second) {
		return fmt.Errorf("round %d: %d first and %d second moments", r.Number, len(r.Optimizer.First), len(r.Optimizer.Second))
	}
	if max(len(r.Record), len(r.Verdicts)) > maxUnpacked {
		return fmt.Errorf("round %d: record of %d and verdicts of %d bytes, at most %d are allowed",
			r.Number, len(r.Record), len(r.Verdicts), maxUnpacked)
	}
	for _, id := range slices.Concat(slices.Collect(maps.Keys(r.Peers)), slices.Collect(maps.Keys(r.Sets)), r.Banned) {
		if len(id) == 0 || len(id) > maxPeerID {
			return fmt.Errorf("round %d: peer ID of %d bytes", r.Number, len(id))
		}
	}
	for i, id := range r.Banned {
		if i > 0 && id <= r.Banned[i-1] {
			return fmt.Errorf("round %d: the banned keys do not ascend", r.Number)
		}
	}
	for id, b := range r.Sets {
		if len(b) > maxSet {
			return fmt.Errorf("round %d: a set of prototypes of %s of %d bytes, at most %d are allowed", r.Number, id, len(b), maxSet)
		}
	}
	return nil
}

// setSums returns the hashes of a round's sets.
func setSums(r *Round) map[federation.PeerID]federation.Hash {
	sums := make(map[federation.PeerID]federation.Hash, len(r.Sets))
	for id, b := range r.Sets {
		sums[id] = sha256.Sum256(b)
	}
	return sums
}

// writeState writes what Latest needs of a round that passes check: all but
// its record and verdicts, and of its sets the hashes.
func writeState(w io.Writer, r *Round, sets map[federation.PeerID]federation.Hash) error {
	b := bufio.NewWriterSize(w, 64<<10)
	u32 := func(v uint32) { b.Write(binary.LittleEndian.AppendUint32(b.AvailableBuffer(), v)) }
	u64 := func(v uint64) { b.Write(binary.LittleEndian.AppendUint64(b.AvailableBuffer(), v)) }
	floats := func(w []float32) {
		for len(w) > 0 {
			if b.Available() < 4 {
				b.Flush()
			}
			n := min(len(w), b.Available()/4)
			buf := b.AvailableBuffer()
			for _, v := range w[:n] {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
			}
			b.Write(buf)
			w = w[n:]
		}
	}
	u64(r.Number)
	u64(uint64(r.Time.Unix()))
	u32(uint32(r.Time.Nanosecond()))
	u32(uint32(r.Head.Classes))
	u32(uint32(r.Head.Features))
	floats(r.Head.Weights)
	u64(r.Optimizer.Steps)
	u32(uint32(len(r.Optimizer.First)))
	floats(r.Optimizer.First)
	floats(r.Optimizer.Second)
	name := func(id federation.PeerID) {
		b.WriteByte(byte(len(id)))
		b.WriteString(string(id))
	}
	u32(uint32(len(r.Peers)))
	for _, id := range slices.Sorted(maps.Keys(r.Peers)) {
		name(id)
		u64(r.Peers[id])
	}
	u32(uint32(len(sets)))
	for _, id := range slices.Sorted(maps.Keys(sets)) {
		name(id)
		sum := sets[id]
		b.Write(sum[:])
	}
	u32(uint32(len(r.Banned)))
	for _, id := range r.Banned {
		name(id)
	}
	return b.Flush() // bufio keeps the first error
}

var errState = errors.New("the state of a round ends early or has a count that cannot be")

// readState reads what writeState wrote, and nothing else: a round without its
// sets, and their hashes.
func readState(b []byte) (*Round, map[federation.PeerID]federation.Hash, error) {
	d := decoder{b: b}
	r := &Round{Number: d.u64()}
	seconds, nanoseconds := int64(d.u64()), d.u32()
	r.Time = time.Unix(seconds, int64(nanoseconds)).UTC()
	r.Head = d.head()
	r.Optimizer.Steps = d.u64()
	n := uint64(d.u32())
	r.Optimizer.First = d.floats(n)
	r.Optimizer.Second = d.floats(n)
	d.names(func(id federation.PeerID, left int) {
		if r.Peers == nil {
			r.Peers = make(map[federation.PeerID]uint64, left)
		}
		r.Peers[id] = d.u64()
	})
	var sets map[federation.PeerID]federation.Hash
	d.names(func(id federation.PeerID, left int) {
		if sets == nil {
			sets = make(map[federation.PeerID]federation.Hash, left)
		}
		var sum federation.Hash
		copy(sum[:], d.take(uint64(len(sum))))
		sets[id] = sum
	})
	d.names(func(id federation.PeerID, _ int) { r.Banned = append(r.Banned, id) })
	if d.failed || len(d.b) > 0 || nanoseconds >= 1e9 {
		return nil, nil, errState
	}
	return r, sets, nil
}

// decoder takes little-endian numbers off b. After the first failure it
// returns zeros.
type decoder struct {
	b      []byte
	failed bool
}

var zeros [8]byte

func (d *decoder) fail() { d.b, d.failed = nil, true }

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return zeros[:min(n, uint64(len(zeros)))]
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

// names reads a list of peer IDs, which ascend, and calls read for what follows
// each. left is how many more there can be, this one among them.
func (d *decoder) names(read func(id federation.PeerID, left int)) {
	count := d.u32()
	last := federation.PeerID("")
	for range count {
		id := federation.PeerID(d.take(uint64(d.take(1)[0])))
		if id <= last {
			d.fail()
		}
		if d.failed {
			return
		}
		read(id, int(min(count, uint32(len(d.b)/10)+1)))
		last = id
	}
}

func (d *decoder) u32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }
func (d *decoder) u64() uint64 { return binary.LittleEndian.Uint64(d.take(8)) }

func (d *decoder) floats(n uint64) []float32 {
	b := d.take(4 * n)
	if d.failed || n == 0 {
		return nil
	}
	w := make([]float32, n)
	for i := range w {
		w[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return w
}

func (d *decoder) head() federation.Head {
	classes, features := d.u32(), d.u32()
	if classes > federation.MaxClasses || features > federation.MaxFeatures {
		d.fail()
		return federation.Head{}
	}
	return federation.Head{
		Classes: int(classes), Features: int(features),
		Weights: d.floats(uint64(classes) * uint64(features)),
	}
}
