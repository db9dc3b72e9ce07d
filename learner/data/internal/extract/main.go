// Command extract takes the outlines of 0-9, A-Z and a-z out of openly
// licensed fonts and writes them as the data file that package data embeds.
// It is a module of its own so that the project does not depend on fonts.
//
// The file, gzipped, is: the number of faces as a byte; per face and per
// character, in the order 0-9 A-Z a-z, the number of segments as two bytes,
// big-endian (0: this face lacks the character); then, one after another for
// the whole file, all segment kinds (0 move, 1 line, 2 quadratic, 3 cubic),
// all x and all y, each coordinate a byte, as the difference modulo 256 to
// the point before it in the same character. x runs right and y down; the
// longer side of a glyph spans 0 to 255. Contours wind so that ink is to be
// found where the winding number is positive.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

const characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func main() {
	log.SetFlags(0)
	output := flag.String("o", "../../glyphs.bin.gz", "file to write")
	flag.Parse()

	var w writer
	for _, s := range sources {
		dir, err := moduleDir(s.module)
		if err != nil {
			log.Fatal(err)
		}
		for _, name := range s.files {
			file, style, _ := strings.Cut(name, "#")
			missing, err := w.face(filepath.Join(dir, file), alphabets[style])
			if err != nil {
				log.Fatalf("%s: %v", name, err)
			}
			fmt.Printf("%s/%s lacks %q\n", s.module, name, missing)
		}
	}
	data, err := w.bytes()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*output, data, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d faces, %d bytes\n", w.faces, len(data))
}

// moduleDir returns where the go command keeps a module at this module's
// version of it.
func moduleDir(path string) (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", path).Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w", path, err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", err
	}
	return m.Dir, nil
}

// writer collects the four streams of the file.
type writer struct {
	faces                 int
	counts, kinds, xs, ys []byte
}

// face adds one face and returns the characters it lacks.
func (w *writer) face(path string, a alphabet) (missing string, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	f, err := sfnt.Parse(raw)
	if err != nil {
		return "", err
	}
	var buf sfnt.Buffer
	for _, c := range characters {
		var segments sfnt.Segments
		if r := a.at(c); r != 0 {
			g, err := f.GlyphIndex(&buf, r)
			if err != nil {
				return "", err
			}
			if g != 0 {
				ppem := fixed.I(int(f.UnitsPerEm()))
				if segments, err = f.LoadGlyph(&buf, g, ppem, nil); err != nil {
					return "", fmt.Errorf("%c: %w", c, err)
				}
			}
		}
		if len(segments) == 0 {
			missing += string(c)
		}
		w.glyph(segments)
	}
	w.faces++
	return missing, nil
}

// operands is how many points a segment of each kind carries.
var operands = [...]int{sfnt.SegmentOpMoveTo: 1, sfnt.SegmentOpLineTo: 1, sfnt.SegmentOpQuadTo: 2, sfnt.SegmentOpCubeTo: 3}

// glyph adds one glyph, none for no segments.
func (w *writer) glyph(segments sfnt.Segments) {
	w.counts = append(w.counts, byte(len(segments)>>8), byte(len(segments)))
	if len(segments) == 0 {
		return
	}
	if area(segments) < 0 {
		segments = reverse(segments)
	}
	lo := [2]float64{math.Inf(1), math.Inf(1)}
	hi := [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, s := range segments {
		for _, arg := range s.Args[:operands[s.Op]] {
			for k, v := range point(arg) {
				lo[k], hi[k] = min(lo[k], v), max(hi[k], v)
			}
		}
	}
	scale := 255 / max(hi[0]-lo[0], hi[1]-lo[1])
	var x, y byte
	for _, s := range segments {
		w.kinds = append(w.kinds, byte(s.Op))
		for _, arg := range s.Args[:operands[s.Op]] {
			p := point(arg)
			nx := byte(math.Round((p[0] - lo[0]) * scale))
			ny := byte(math.Round((p[1] - lo[1]) * scale))
			w.xs, w.ys = append(w.xs, nx-x), append(w.ys, ny-y)
			x, y = nx, ny
		}
	}
}

// area returns about twice the area of a glyph, positive if its outer
// contours run clockwise as seen with y down.
func area(segments sfnt.Segments) float64 {
	var sum float64
	var start, last [2]float64
	for _, s := range segments {
		if s.Op == sfnt.SegmentOpMoveTo {
			sum += cross(last, start)
			start = point(s.Args[0])
			last = start
			continue
		}
		for _, arg := range s.Args[:operands[s.Op]] {
			p := point(arg)
			sum += cross(last, p)
			last = p
		}
	}
	return sum + cross(last, start)
}

// reverse turns the direction of every contour.
func reverse(segments sfnt.Segments) sfnt.Segments {
	var out sfnt.Segments
	for len(segments) > 0 {
		n := 1
		for n < len(segments) && segments[n].Op != sfnt.SegmentOpMoveTo {
			n++
		}
		contour := segments[:n]
		segments = segments[n:]
		end := func(i int) fixed.Point26_6 { return contour[i].Args[operands[contour[i].Op]-1] }
		first := sfnt.Segment{Op: sfnt.SegmentOpMoveTo}
		first.Args[0] = end(n - 1)
		out = append(out, first)
		for i := n - 1; i > 0; i-- {
			s := sfnt.Segment{Op: contour[i].Op}
			k := operands[s.Op]
			for j := range k - 1 {
				s.Args[j] = contour[i].Args[k-2-j]
			}
			s.Args[k-1] = end(i - 1)
			out = append(out, s)
		}
	}
	return out
}

func point(p fixed.Point26_6) [2]float64 { return [2]float64{float64(p.X), float64(p.Y)} }

func cross(a, b [2]float64) float64 { return a[0]*b[1] - a[1]*b[0] }

func (w *writer) bytes() ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, part := range [][]byte{{byte(w.faces)}, w.counts, w.kinds, w.xs, w.ys} {
		if _, err := z.Write(part); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
