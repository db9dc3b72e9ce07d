package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// BenchmarkCommit commits heads of the paper's size and of a thousand classes
// on 800 features, with the verdicts of 30 peers.
func BenchmarkCommit(b *testing.B) {
	for _, classes := range []int{10, 1000} {
		b.Run(fmt.Sprintf("%dx800", classes), func(b *testing.B) {
			dir := b.TempDir()
			s := open(b, dir)
			r := testRound(1, classes, 800)
			r.Verdicts = []byte(strings.Join(slices.Repeat([]string{
				`{"peer":"12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ01","f1":[0.1,0.2,0.3,0.4],"weight":[1,2,3,4]}`}, 30), ","))
			for b.Loop() {
				r.Number++
				if err := s.Commit(r); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(stateSize(r))
			b.ReportMetric(float64(used(b, dir))/1e6, "MB-on-disk")
		})
	}
}

func BenchmarkLatest(b *testing.B) {
	s := open(b, b.TempDir())
	if err := s.Commit(testRound(1, 10, 800)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Latest(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNextSeq(b *testing.B) {
	s := open(b, b.TempDir())
	for b.Loop() {
		if _, err := s.NextSeq(); err != nil {
			b.Fatal(err)
		}
	}
}
