package figure

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

// Style is the CSS that gives the named inks their colours in light and dark
// mode. A figure on its own carries it; a page of figures must.
const Style = `.figure{font-family:"Go",Helvetica,Arial,sans-serif}` +
	`.figure .ink{color:#1f2328}.figure .faint{color:#5c636b}.figure .hair{color:#dde0e4}.figure .paper{color:#fff}` +
	`@media(prefers-color-scheme:dark){.figure .ink{color:#e8eaed}.figure .faint{color:#a5adb5}` +
	`.figure .hair{color:#3a4047}.figure .paper{color:#16191d}}`

// wide is the width in pixels from which texts are held to it.
const wide = 60

// WriteSVG writes the drawing as a document of its own, with [Style] and a
// background.
func (d *Drawing) WriteSVG(w io.Writer) error { return d.svg(w, true) }

// WriteInline writes the drawing as an svg element of a page, which has both.
func (d *Drawing) WriteInline(w io.Writer) error { return d.svg(w, false) }

func (d *Drawing) svg(w io.Writer, alone bool) error {
	var b bytes.Buffer
	number := func(name string, v float64) {
		fmt.Fprintf(&b, ` %s="%s"`, name, decimal(v))
	}
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img"`)
	number("width", d.Width)
	number("height", d.Height)
	fmt.Fprintf(&b, ` viewBox="0 0 %s %s"><title>`, decimal(d.Width), decimal(d.Height))
	escape(&b, d.Title)
	b.WriteString("</title>\n")
	if alone {
		b.WriteString("<style>" + Style + "</style>\n")
		b.WriteString(`<rect width="100%" height="100%" class="paper" color="#ffffff" fill="currentColor"/>` + "\n")
	}
	for _, s := range d.shapes {
		switch s.kind {
		case polygon:
			b.WriteString(`<path d="`)
			trace(&b, s.points)
			b.WriteString(`Z"`)
			s.ink.svg(&b, "fill")
			if s.opacity < 1 {
				number("fill-opacity", s.opacity)
			}
			b.WriteString("/>\n")
		case polyline:
			b.WriteString(`<path fill="none" stroke-linejoin="round" d="`)
			trace(&b, s.points)
			b.WriteByte('"')
			s.ink.svg(&b, "stroke")
			number("stroke-width", s.width)
			if s.dash != nil {
				b.WriteString(` stroke-dasharray="`)
				for i, v := range s.dash {
					if i > 0 {
						b.WriteByte(' ')
					}
					b.WriteString(decimal(v))
				}
				b.WriteByte('"')
			}
			b.WriteString("/>\n")
		case words:
			p := s.points[0]
			b.WriteString("<text")
			number("x", p.X)
			number("y", p.Y)
			number("font-size", s.style.Size)
			s.ink.svg(&b, "fill")
			if s.style.Bold {
				b.WriteString(` font-weight="bold"`)
			}
			switch s.style.Anchor {
			case Middle:
				b.WriteString(` text-anchor="middle"`)
			case End:
				b.WriteString(` text-anchor="end"`)
			}
			if s.style.Turn != Level {
				fmt.Fprintf(&b, ` transform="rotate(%s %s %s)"`, turnAngle[s.style.Turn], decimal(p.X), decimal(p.Y))
			}
			// A reader without the font may have a wider one, which then must
			// not run out of the room that was measured.
			if w := s.style.Width(s.text); w > wide {
				fmt.Fprintf(&b, ` textLength="%s" lengthAdjust="spacingAndGlyphs"`, decimal(w))
			}
			b.WriteByte('>')
			escape(&b, s.text)
			b.WriteString("</text>\n")
		}
	}
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

// svg writes the ink as an attribute. A named ink goes through the property
// color, which the style sets and which stands in for readers that ignore
// styles.
func (k Ink) svg(b *bytes.Buffer, attribute string) {
	hex := fmt.Sprintf("#%02x%02x%02x", k.color.R, k.color.G, k.color.B)
	if k.name == "" {
		fmt.Fprintf(b, ` %s="%s"`, attribute, hex)
		return
	}
	fmt.Fprintf(b, ` class="%s" color="%s" %s="currentColor"`, k.name, hex, attribute)
}

func trace(b *bytes.Buffer, points []Point) {
	for i, p := range points {
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(decimal(p.X) + " " + decimal(p.Y))
	}
}

// decimal writes a coordinate to a hundredth of a pixel.
func decimal(v float64) string {
	b := strconv.AppendFloat(nil, v, 'f', 2, 64)
	b = bytes.TrimRight(b, "0")
	b = bytes.TrimSuffix(b, []byte("."))
	if string(b) == "-0" {
		return "0"
	}
	return string(b)
}

// escape writes foreign text. Characters that XML does not allow become U+FFFD.
func escape(b *bytes.Buffer, s string) {
	// A bytes.Buffer does not fail.
	_ = xml.EscapeText(b, []byte(s))
}
