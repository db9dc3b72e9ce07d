package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/data"
)

// pictures draws some of the classes 0 and 1 into a directory.
func drawn(t *testing.T, each int) string {
	dir := t.TempDir()
	for label := range 2 {
		folder := filepath.Join(dir, fmt.Sprint(label))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range each {
			if err := writePNG(filepath.Join(folder, fmt.Sprintf("%03d.png", i)), data.Digits(1).Draw(i, label).Pixels); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestAlbumReadsWhatReadFolderDoes(t *testing.T) {
	dir := drawn(t, 40)
	want, _, err := data.ReadFolder(dir, nil, [3]int{3, 16, 20}, "resize")
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{1, 3} {
		a, err := openAlbum(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.classes, want.Classes) {
			t.Fatalf("classes %v, want %v", a.classes, want.Classes)
		}
		at := 0
		skipped, err := a.each(context.Background(), a.all(), want.Shape, workers, func(numbers []int, pixels []uint8) error {
			for k, number := range numbers {
				s := want.Samples[at]
				if number != at || a.pictures[number].label != s.Label || !slices.Equal(pixels[k*len(s.Pixels):(k+1)*len(s.Pixels)], s.Pixels) {
					t.Fatalf("picture %d (%s) differs", at, a.pictures[number].name)
				}
				at++
			}
			return nil
		})
		if err != nil || len(skipped) > 0 || at != len(want.Samples) {
			t.Fatalf("%d pictures, skipped %v, error %v", at, skipped, err)
		}
	}
}

func TestAlbumLeavesOutWhatCannotBeUsed(t *testing.T) {
	dir := drawn(t, 3)
	if err := os.WriteFile(filepath.Join(dir, "0", "001.png"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := openAlbum(dir)
	if err != nil {
		t.Fatal(err)
	}
	var used []int
	skipped, err := a.each(context.Background(), a.all(), [3]int{1, 28, 28}, 2, func(numbers []int, _ []uint8) error {
		used = append(used, numbers...)
		return nil
	})
	if err != nil || len(skipped) != 1 || !slices.Equal(used, []int{0, 2, 3, 4, 5}) {
		t.Errorf("used %v, skipped %v, error %v", used, skipped, err)
	}
	if _, ok := errors.AsType[*data.FileError](skipped[0]); !ok {
		t.Errorf("skipped because of %T", skipped[0])
	}
}

func TestAlbumWithoutClasses(t *testing.T) {
	a, err := openAlbum(filepath.Join(drawn(t, 3), "1"))
	if err != nil {
		t.Fatal(err)
	}
	if a.classes != nil || len(a.pictures) != 3 || a.pictures[0].label != -1 {
		t.Errorf("%+v", a)
	}
}

func TestAlbumOfNothing(t *testing.T) {
	if _, err := openAlbum(t.TempDir()); !errors.Is(err, data.ErrEmpty) {
		t.Errorf("error %v", err)
	}
}

func TestAlbumStops(t *testing.T) {
	a, err := openAlbum(drawn(t, 40))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	_, err = a.each(ctx, a.all(), [3]int{1, 28, 28}, 1, func([]int, []uint8) error {
		calls++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
	if err = stopped(ctx, err, "counting"); err.Error() != "counting was stopped: nothing was written" {
		t.Error(err)
	}
}

func TestDeal(t *testing.T) {
	for _, c := range []struct{ pictures, test, most, calibrating, held int }{
		{1, 0, 200, 1, 0},
		{2, 0, 200, 2, 0},
		{8, 0, 200, 6, 2},
		{100, 0, 200, 75, 25},
		{5000, 0, 200, 200, 1000},
		{300, 100, 200, 200, 100},
		{3000, 2500, 1000, 500, 1000},
	} {
		a := &album{pictures: make([]picture, c.pictures), test: c.test}
		calibrating, held := a.deal(c.most, 1)
		if len(calibrating) != c.calibrating || len(held) != c.held {
			t.Errorf("%+v: %d and %d", c, len(calibrating), len(held))
		}
		both := slices.Concat(calibrating, held)
		slices.Sort(both)
		if len(slices.Compact(both)) != c.calibrating+c.held {
			t.Errorf("%+v: a picture is in both", c)
		}
		again, _ := a.deal(c.most, 1)
		if !slices.Equal(calibrating, again) {
			t.Errorf("%+v: another deal from the same seed", c)
		}
	}
}
