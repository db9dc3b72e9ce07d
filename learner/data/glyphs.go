package data

import (
	"math/rand/v2"
	"strings"
)

// Glyphs is an endless list of pictures of characters drawn by code: outlines
// of fonts and strokes of a pen, distorted at random and centred the way
// MNIST is, 28 x 28 pixels, white on black. Picture i depends on the seed and
// on i alone and has the same bits on every machine. Methods are safe for
// concurrent use.
type Glyphs struct {
	seed    uint64
	recipe  *recipe
	classes []string
	first   int // index in [characters] of class 0
}

// Digits returns the built-in digits: ten classes, "0" to "9".
func Digits(seed uint64) *Glyphs {
	return &Glyphs{seed, &digitRecipe, strings.Split(characters[:10], ""), 0}
}

// Letters returns the built-in letters: 52 classes, "A" to "Z" and "a" to
// "z". They are distorted more than the digits. Since a glyph always fills
// its frame, letters such as O and o look alike.
func Letters(seed uint64) *Glyphs {
	return &Glyphs{seed, &letterRecipe, strings.Split(characters[10:], ""), 10}
}

// Classes returns the names of the classes.
func (g *Glyphs) Classes() []string { return g.classes }

// Sample returns picture i, of class i modulo the number of classes.
func (g *Glyphs) Sample(i int) Sample { return g.Draw(i, i%len(g.classes)) }

// Draw returns picture i as one of the given class.
func (g *Glyphs) Draw(i, class int) Sample {
	// An odd multiplier spreads neighbouring pictures over the seeds of PCG.
	rng := rand.New(rand.NewPCG(g.seed, uint64(i)*0x9e3779b97f4a7c15))
	return Sample{Pixels: drawGlyph(rng, g.recipe, g.first+class), Label: class}
}

// Set returns pictures first to first+n-1.
func (g *Glyphs) Set(first, n int) Set {
	s := Set{Shape: [3]int{1, side, side}, Samples: make([]Sample, n), Classes: g.classes}
	for i := range s.Samples {
		s.Samples[i] = g.Sample(first + i)
	}
	return s
}
