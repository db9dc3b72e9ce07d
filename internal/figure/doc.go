// Package figure is the drawing room: plain charts as SVG and PNG.
//
// A [Drawing] is a list of lines, areas and words, placed by hand in units of
// CSS pixels, y pointing down. [Drawing.WriteSVG], [Drawing.WriteInline] and
// [Drawing.WritePNG] write it. Beside the primitives there is what charts share:
// a [Scale] and its [Axis], a legend, [Bars], colours of a [Heat] map.
//
// # What always holds
//
//   - Equal drawings give equal bytes.
//   - No figure needs a network, a script or an installed font: words are
//     measured and drawn with the Go fonts, and an SVG holds them to their
//     measure where the reader has another font.
//   - Text is foreign. It is escaped wherever it is written; [Text.Fit] makes
//     one line of it that has room.
//   - Words, axes and grid lines follow the reader's dark mode ([Style]); a PNG
//     is in light mode.
//   - A figure can be read without colour, if its maker uses [Dash] as well.
package figure
