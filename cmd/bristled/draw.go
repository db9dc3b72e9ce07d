package main

import (
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/learner/data"
)

func newDraw() *cobra.Command {
	var classes []string
	var each int
	var seed uint64
	cmd := &cobra.Command{
		Use:   "draw DIR",
		Short: "Draw digits or letters, a folder per class, to try things with",
		Long: `Draw writes pictures of characters, drawn by code and distorted at random, as PNG
files into one folder per class: data for a first federation. One seed gives the
same pictures everywhere.`,
		Example: `  bristled draw pictures
  bristled draw --classes 0,1,2,3 --each 30 --seed 7 pictures
  bristled draw --classes A,B,C letters`,
		Args: arguments(1, 1, "one directory to draw into"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if each < 1 || each > 100_000 {
				return usageError{fmt.Errorf("--each is %d: it must be from 1 to 100000", each)}
			}
			return draw(cmd.OutOrStdout(), args[0], classes, each, seed)
		},
	}
	cmd.Flags().StringSliceVar(&classes, "classes", data.Digits(0).Classes(), "characters to draw, of 0-9, A-Z, a-z")
	cmd.Flags().IntVar(&each, "each", 30, "pictures of each class")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "decides the shapes")
	return cmd
}

func draw(out io.Writer, dir string, classes []string, each int, seed uint64) error {
	for _, class := range classes { // all of them, or none
		if _, _, err := glyphsOf(class, seed); err != nil {
			return err
		}
	}
	for _, class := range classes {
		glyphs, label, err := glyphsOf(class, seed)
		if err != nil {
			return err
		}
		folder := filepath.Join(dir, class)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		for i := range each {
			if err := writePNG(filepath.Join(folder, fmt.Sprintf("%04d.png", i)), glyphs.Draw(i, label).Pixels); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "%d pictures of each of %s in %s\n", each, strings.Join(classes, ", "), dir)
	return nil
}

// glyphsOf returns the built-in set that has the class, and its label there.
func glyphsOf(class string, seed uint64) (*data.Glyphs, int, error) {
	for _, set := range []*data.Glyphs{data.Digits(seed), data.Letters(seed)} {
		if label := slices.Index(set.Classes(), class); label >= 0 {
			return set, label, nil
		}
	}
	return nil, 0, usageError{fmt.Errorf("there is no %q among the characters that can be drawn: name some of 0-9, A-Z, a-z", class)}
}

func writePNG(path string, pixels []uint8) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	img := &image.Gray{Pix: pixels, Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
	if err := png.Encode(f, img); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
