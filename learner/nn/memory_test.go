package nn

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPlaceOverlapsNothing: blocks that are needed at the same time share no
// memory, and no more is taken than if none were ever shared.
func TestPlaceOverlapsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var blocks []*block[float32]
		sum := 0
		for range rapid.IntRange(0, 30).Draw(t, "blocks") {
			b := &block[float32]{size: rapid.IntRange(0, 100).Draw(t, "size"), first: rapid.IntRange(0, 20).Draw(t, "first")}
			b.end = b.first + rapid.IntRange(1, 10).Draw(t, "length")
			blocks = append(blocks, b)
			sum += (b.size + 63) / 64 * 64
		}
		total := place(blocks)
		if total > sum {
			t.Fatalf("%d numbers of memory for %d", total, sum)
		}
		for i, a := range blocks {
			if a.offset+a.size > total {
				t.Fatalf("block %d ends beyond the memory", i)
			}
			for j, b := range blocks[:i] {
				if a.first < b.end && b.first < a.end && a.offset < b.offset+b.size && b.offset < a.offset+a.size {
					t.Fatalf("blocks %d and %d overlap: %+v %+v", i, j, *a, *b)
				}
			}
		}
	})
}
