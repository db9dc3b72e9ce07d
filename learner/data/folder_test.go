package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// drawing is a dark cross on a light ground.
func drawing(w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Pix[y*w+x] = 250
			if (abs(float64(x-w/2)) < 4 || abs(float64(y-h/2)) < 4) && x > w/5 && x < w*4/5 && y > h/5 && y < h*4/5 {
				img.Pix[y*w+x] = 20
			}
		}
	}
	return img
}

func encoded(t testing.TB, img image.Image, format string) []byte {
	t.Helper()
	var buf bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&buf, img)
	case "jpeg":
		err = jpeg.Encode(&buf, img, nil)
	case "gif":
		err = gif.Encode(&buf, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

var oneByte28 = [3]int{1, 28, 28}

func TestReadFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "cat", "b.jpg"), encoded(t, drawing(60, 80), "jpeg"))
	write(t, filepath.Join(dir, "cat", "a.png"), encoded(t, drawing(80, 60), "png"))
	write(t, filepath.Join(dir, "cat", ".DS_Store"), []byte("?"))
	write(t, filepath.Join(dir, "ant", "c.gif"), encoded(t, drawing(50, 50), "gif"))
	write(t, filepath.Join(dir, "ant", "notes.txt"), []byte("not a picture"))
	write(t, filepath.Join(dir, "ant", "cut.png"), encoded(t, drawing(50, 50), "png")[:60])
	write(t, filepath.Join(dir, "ant", "blank.png"), encoded(t, image.NewGray(image.Rect(0, 0, 9, 9)), "png"))
	write(t, filepath.Join(dir, ".git", "x"), []byte("?"))
	write(t, filepath.Join(dir, "readme.txt"), []byte("files beside the folders are nobody's"))

	set, skipped, err := ReadFolder(dir, nil, oneByte28, prepareCentre)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(set.Classes, " "); got != "ant cat" || set.Shape != oneByte28 {
		t.Errorf("classes %q, shape %v", got, set.Shape)
	}
	if len(set.Samples) != 3 || set.Samples[0].Label != 0 || set.Samples[1].Label != 1 {
		t.Errorf("samples %v", set.Samples)
	}
	wide := set.Samples[1].Pixels // a.png comes before b.jpg
	if wide[14*28+6] == 0 || wide[5*28+14] != 0 {
		t.Error("the first picture of the second class is not a.png")
	}
	if len(skipped) != 3 {
		t.Fatalf("skipped %v", skipped)
	}
	for i, want := range []struct {
		name string
		err  error
	}{{"blank.png", errBlank}, {"cut.png", ErrFormat}, {"notes.txt", ErrFormat}} {
		if !strings.Contains(skipped[i].Error(), want.name) || !errors.Is(skipped[i], want.err) {
			t.Errorf("skipped[%d] is %v, want %s: %v", i, skipped[i], want.name, want.err)
		}
	}

	set, _, err = ReadFolder(dir, []string{"dog", "cat", "ant"}, [3]int{3, 32, 32}, prepareResize)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Samples) != 4 || set.Samples[0].Label != 1 || len(set.Samples[0].Pixels) != 3*32*32 {
		t.Errorf("with classes given: %d samples, first label %d", len(set.Samples), set.Samples[0].Label)
	}
}

func TestReadFolderErrors(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	write(t, filepath.Join(empty, "a", "x.png"), []byte("no picture"))
	strange := filepath.Join(dir, "strange")
	write(t, filepath.Join(strange, "walrus", "x.png"), encoded(t, drawing(9, 9), "png"))
	file := write(t, filepath.Join(dir, "file"), nil)
	for _, c := range []struct {
		name, dir string
		classes   []string
		shape     [3]int
		mode      string
		want      error
		says      string
	}{
		{"absent", filepath.Join(dir, "absent"), nil, oneByte28, prepareCentre, fs.ErrNotExist, "absent"},
		{"not a folder", file, nil, oneByte28, prepareCentre, nil, "file"},
		{"no usable picture", empty, nil, oneByte28, prepareCentre, ErrEmpty, "x.png"},
		{"unknown class", strange, []string{"cat"}, oneByte28, prepareCentre, ErrLabel, "walrus"},
		{"unknown way", strange, nil, oneByte28, "crop", errPrepare, "crop"},
		{"two channels", strange, nil, [3]int{2, 28, 28}, prepareCentre, errPrepare, "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, _, err := ReadFolder(c.dir, c.classes, c.shape, c.mode)
			if err == nil || !strings.Contains(err.Error(), c.says) || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("got %d samples and %v, want %v that says %q", len(set.Samples), err, c.want, c.says)
			}
		})
	}
}

// pngBomb is the head of a PNG file that claims to be 60000 x 60000.
func pngBomb() []byte {
	head := []byte("\x89PNG\r\n\x1a\n")
	body := append([]byte("IHDR"), 0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 6, 0, 0, 0)
	head = binary.BigEndian.AppendUint32(head, 13)
	head = append(head, body...)
	return binary.BigEndian.AppendUint32(head, crc32.ChecksumIEEE(body))
}

func TestReadImage(t *testing.T) {
	dir := t.TempDir()
	img, err := ReadImage(write(t, filepath.Join(dir, "a.png"), encoded(t, drawing(7, 5), "png")))
	if err != nil || img.Bounds() != image.Rect(0, 0, 7, 5) {
		t.Errorf("got %v, %v", img, err)
	}
	if _, err := ReadImage(write(t, filepath.Join(dir, "bomb.png"), pngBomb())); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a picture of 3.6 gigapixels: %v", err)
	}
	if _, err := ReadImage(dir); !errors.Is(err, ErrFormat) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := ReadImage(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
}

func FuzzDecodeImage(f *testing.F) {
	f.Add(encoded(f, drawing(9, 9), "png"))
	f.Add(encoded(f, drawing(9, 9), "jpeg"))
	f.Add(encoded(f, drawing(9, 9), "gif"))
	f.Add(pngBomb())
	f.Fuzz(func(t *testing.T, raw []byte) {
		// The decoders are the standard library's; what is ours is the limit
		// and the preparation of whatever comes out of them.
		config, _, err := image.DecodeConfig(bytes.NewReader(raw))
		if err == nil && config.Width*config.Height > 1<<16 {
			return // slow, and for the readers' own fuzzing
		}
		img, err := decodeImage(bytes.NewReader(raw))
		if err != nil {
			return
		}
		for _, mode := range []string{prepareCentre, prepareResize} {
			pixels, err := Prepare(img, oneByte28, mode)
			if err == nil && len(pixels) != 28*28 {
				t.Fatalf("%s: %d pixels", mode, len(pixels))
			}
			if err != nil && !errors.Is(err, errBlank) {
				t.Fatalf("%s: %v", mode, err)
			}
		}
	})
}

func rgba(img *image.Gray, ink color.NRGBA) image.Image {
	out := image.NewNRGBA(img.Rect)
	for i, v := range img.Pix {
		if v < 128 {
			out.SetNRGBA(i%img.Stride, i/img.Stride, ink)
		}
	}
	return out
}
