package cohort

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"slices"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

const (
	perClass    = 12 // images of a class on a contact sheet
	mostClasses = 64 // classes on it
	gap         = 4  // pixels around an image
	caption     = 22 // pixels of the line above a class
)

// thumb is a small image for the contact sheet.
type thumb struct {
	hash   [32]byte
	pixels []uint8
}

// keepThumb keeps the images of a class with the smallest hashes: a choice that
// is as good as a random one, does not depend on the order of the files, and
// shows equal images once.
func (s *Sheet) keepThumb(label int, r prepared) {
	if label >= mostClasses {
		return
	}
	kept := s.thumbs[label]
	at, there := slices.BinarySearchFunc(kept, r.hash, func(t thumb, h [32]byte) int { return bytes.Compare(t.hash[:], h[:]) })
	if there || at == perClass {
		return
	}
	kept = slices.Insert(kept, at, thumb{r.hash, slices.Clone(r.pixels)})
	s.thumbs[label] = kept[:min(len(kept), perClass)]
}

// WriteContact writes a contact sheet as PNG: for each class its name and up
// to twelve of its images, small and squeezed into squares as a network would
// see them. No patient or file is named on it; what is written in the images
// themselves stays. A 65th class and those after it are left out, and counted
// at the bottom.
func (s *Sheet) WriteContact(w io.Writer) error {
	side := inspected[1]
	shown := min(len(s.Classes), mostClasses)
	height := gap + shown*(caption+side+gap)
	if len(s.Classes) > shown {
		height += caption
	}
	img := image.NewRGBA(image.Rect(0, 0, gap+perClass*(side+gap), height))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	y := gap
	for i, class := range s.Classes[:shown] {
		write(img, y, fmt.Sprintf("%s: %d", class.Name, class.Images))
		y += caption
		for k, t := range s.thumbs[i] {
			x := gap + k*(side+gap)
			thumbnail := asImage(t.pixels, s.shape)
			draw.CatmullRom.Scale(img, image.Rect(x, y, x+side, y+side), thumbnail, thumbnail.Bounds(), draw.Src, nil)
		}
		y += side + gap
	}
	if len(s.Classes) > shown {
		write(img, y, fmt.Sprintf("and %d more classes", len(s.Classes)-shown))
	}
	return png.Encode(w, img)
}

// write writes a line at a height, as far as there is room for it.
func write(img draw.Image, y int, text string) {
	face := basicfont.Face7x13
	most := (img.Bounds().Dx() - 2*gap) / face.Advance
	if letters := []rune(text); len(letters) > most {
		text = string(letters[:most-3]) + "..."
	}
	d := font.Drawer{Dst: img, Src: image.NewUniform(color.Black), Face: face, Dot: fixed.P(gap, y+face.Ascent+(caption-face.Height)/2)}
	d.DrawString(text)
}
