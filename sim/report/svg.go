package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

// figureStyle gives the named inks their colours. Figures on their own and the
// HTML page both carry it.
const figureStyle = `.figure{font-family:"Go",Helvetica,Arial,sans-serif}` +
	`.figure .ink{color:#1f2328}.figure .faint{color:#5c636b}.figure .hair{color:#dde0e4}.figure .paper{color:#fff}` +
	`@media(prefers-color-scheme:dark){.figure .ink{color:#e8eaed}.figure .faint{color:#a5adb5}` +
	`.figure .hair{color:#3a4047}.figure .paper{color:#16191d}}`

// wide is the width in pixels from which texts are held to it.
const wide = 60

// svg writes the drawing as one svg element. On its own it has a background and
// the style; within a page the page has both.
func (d *drawing) svg(w io.Writer, alone bool) error {
	var b bytes.Buffer
	number := func(name string, v float64) {
		fmt.Fprintf(&b, ` %s="%s"`, name, decimal(v))
	}
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img"`)
	number("width", d.width)
	number("height", d.height)
	fmt.Fprintf(&b, ` viewBox="0 0 %s %s"><title>`, decimal(d.width), decimal(d.height))
	escape(&b, d.title)
	b.WriteString("</title>\n")
	if alone {
		b.WriteString("<style>" + figureStyle + "</style>\n")
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
			number("x", p.x)
			number("y", p.y)
			number("font-size", s.size)
			s.ink.svg(&b, "fill")
			if s.bold {
				b.WriteString(` font-weight="bold"`)
			}
			switch s.anchor {
			case middle:
				b.WriteString(` text-anchor="middle"`)
			case end:
				b.WriteString(` text-anchor="end"`)
			}
			if s.turn != level {
				fmt.Fprintf(&b, ` transform="rotate(%s %s %s)"`, turnAngle[s.turn], decimal(p.x), decimal(p.y))
			}
			// A reader without the font may have a wider one, which then must
			// not run out of the room that was measured.
			if w := width(s.text, s.size, s.bold); w > wide {
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
func (k ink) svg(b *bytes.Buffer, attribute string) {
	hex := fmt.Sprintf("#%02x%02x%02x", k.color.R, k.color.G, k.color.B)
	if k.name == "" {
		fmt.Fprintf(b, ` %s="%s"`, attribute, hex)
		return
	}
	fmt.Fprintf(b, ` class="%s" color="%s" %s="currentColor"`, k.name, hex, attribute)
}

func trace(b *bytes.Buffer, points []point) {
	for i, p := range points {
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(decimal(p.x) + " " + decimal(p.y))
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
