package sim

import (
	"container/heap"
	"slices"
)

// agenda says who works at which time.
type agenda struct {
	times times
	who   map[int64][]int
}

// add enters a peer at a time.
func (a *agenda) add(at int64, peer int) {
	if a.who == nil {
		a.who = map[int64][]int{}
	}
	if _, ok := a.who[at]; !ok {
		heap.Push(&a.times, at)
	}
	a.who[at] = append(a.who[at], peer)
}

// next returns the earliest time. Every peer always has its next round on the
// agenda, so there is one.
func (a *agenda) next() int64 { return a.times[0] }

// take removes the earliest time and returns its peers, ascending.
func (a *agenda) take() []int {
	at := heap.Pop(&a.times).(int64)
	peers := a.who[at]
	delete(a.who, at)
	slices.Sort(peers)
	return peers
}

// times is a heap.
type times []int64

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(int64)) }
func (t *times) Pop() any {
	old := *t
	last := old[len(old)-1]
	*t = old[:len(old)-1]
	return last
}
