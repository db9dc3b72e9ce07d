package data

import (
	"embed"
	"io/fs"
	"strings"
)

// The outlines are in every binary, and most of their licences ask that the
// notices come along: so these files are embedded beside them.
//
//go:embed FONTS.md licences/*.txt
var notices embed.FS

// Licences returns where the embedded outlines come from, whose they are, and
// the full text of each of their licences.
func Licences() string {
	files, err := fs.Glob(notices, "licences/*.txt")
	if err != nil {
		panic("data: embedded licences: " + err.Error())
	}
	var b strings.Builder
	for i, name := range append([]string{"FONTS.md"}, files...) {
		text, err := notices.ReadFile(name)
		if err != nil {
			panic("data: embedded licences: " + err.Error())
		}
		if i > 0 {
			b.WriteString("\n==== " + name + " ====\n\n")
		}
		b.WriteString(strings.TrimRight(string(text), "\n") + "\n")
	}
	return b.String()
}
