package cohort

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bristle-fl/bristled/learner/data"
)

const (
	maxTable = 256 << 20 // bytes of a labels file
	maxField = 1024      // bytes of a field that is used
)

// usual has the names of columns that need not be given.
var usual = struct{ file, patient, label, split []string }{
	file:    []string{"file"},
	patient: []string{"patient", "patientid", "patient_id"},
	label:   []string{"label", "class", "finding"},
	split:   []string{"split"},
}

// hintCSV is what to do about a file that is no CSV.
const hintCSV = "save the table as CSV in UTF-8, with commas or semicolons"

// readTable lists what the labels file names.
func (c *Cohort) readTable() error {
	f, err := os.Open(c.labels)
	if err != nil {
		return fileError(c.labels, cause(err), "name a CSV file with the columns file, patient and label")
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return fileError(c.labels, cause(err), "check its permissions")
	case !info.Mode().IsRegular():
		return fileError(c.labels, fmt.Errorf("%w: not a regular file", data.ErrFormat), "name a CSV file")
	case info.Size() > maxTable:
		return fileError(c.labels, fmt.Errorf("%w: %d bytes, of at most %d", data.ErrTooLarge, info.Size(), maxTable), "divide it")
	}
	named, err := c.readRows(io.LimitReader(f, maxTable))
	if err != nil {
		return err
	}
	return c.findUnlisted(info, named)
}

// readRows reads header and rows. It returns the files that these name, with
// the line if it has a label.
func (c *Cohort) readRows(r io.Reader) (named map[string]int, err error) {
	text := bufio.NewReaderSize(r, 1<<16)
	begin, _ := text.Peek(1 << 16) // a shorter file is no error here
	if bytes.HasPrefix(begin, []byte("\xef\xbb\xbf")) {
		if _, err := text.Discard(3); err != nil {
			return nil, fileError(c.labels, cause(err), "")
		}
		begin = begin[3:]
	}
	header, _, _ := bytes.Cut(begin, []byte("\n"))
	in := csv.NewReader(text)
	in.ReuseRecord = true
	if bytes.Count(header, []byte(";")) > bytes.Count(header, []byte(",")) {
		in.Comma = ';'
	}
	record, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, fileError(c.labels, fmt.Errorf("%w: the file is empty", data.ErrEmpty), "it begins with a header: file,patient,label")
	}
	if err != nil {
		return nil, c.parseError(err)
	}
	columns, err := c.findColumns(record)
	if err != nil {
		return nil, err
	}
	t := rows{Cohort: c, columns: columns, named: map[string]int{}}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return nil, c.parseError(err)
		}
		line, _ := in.FieldPos(0)
		if err != nil {
			c.problem(line, fmt.Errorf("%w: %d fields, the header has %d", data.ErrFormat, len(record), in.FieldsPerRecord), "put fields with "+string(in.Comma)+" in them into quotes")
			continue
		}
		if t.seen++; t.seen > maxImages {
			return nil, fileError(c.labels, fmt.Errorf("%w: more than %d rows", data.ErrTooLarge, maxImages), "divide it")
		}
		t.row(line, record)
	}
	c.setClasses(t.names)
	return t.named, nil
}

// parseError says where a file stops being CSV.
func (c *Cohort) parseError(err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return &RowError{c.labels, parse.Line, fmt.Errorf("%w: %w", data.ErrFormat, parse.Err), hintCSV}
	}
	return fileError(c.labels, cause(err), "")
}

// columns has the numbers of columns, -1 for one that is not there.
type columns struct{ file, patient, label, split int }

func (c *Cohort) findColumns(header []string) (columns, error) {
	for i, name := range header {
		if !graphic(name) {
			return columns{}, &RowError{c.labels, 1, fmt.Errorf("%w: column %d has a name that is no UTF-8 text", data.ErrFormat, i+1), hintCSV}
		}
	}
	given := c.source.Columns
	if c.kind == inStore {
		given = Columns{}
	}
	var found columns
	for _, want := range []struct {
		to    *int
		given string
		usual []string
		what  string
	}{
		{&found.file, given.File, usual.file, "file"},
		{&found.patient, given.Patient, usual.patient, "patient"},
		{&found.label, given.Label, usual.label, "label"},
		{&found.split, given.Split, usual.split, "split"},
	} {
		names := want.usual
		if want.given != "" {
			names = []string{want.given}
		}
		*want.to = -1
		for i := len(names) - 1; i >= 0; i-- {
			for k, name := range header {
				if strings.EqualFold(strings.TrimSpace(name), names[i]) {
					*want.to = k
				}
			}
		}
		if *want.to < 0 && (want.what != "split" || want.given != "") {
			return columns{}, &RowError{c.labels, 1, fmt.Errorf("%w: there is no %s", ErrColumn, strings.Join(names, ", ")), fmt.Sprintf("the columns are %s: name the one of the %s", shortened(header), want.what)}
		}
	}
	return found, nil
}

// shortened lists names, the first of many.
func shortened(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

// rows adds rows to a cohort.
type rows struct {
	*Cohort
	columns columns
	names   []string       // classes of Images
	named   map[string]int // lines of the files; 0 for a file without an image
	seen    int
}

// row adds a row, or what is wrong with it.
func (t *rows) row(line int, record []string) {
	field := func(column int) string {
		if column < 0 {
			return ""
		}
		return strings.TrimSpace(record[column])
	}
	// Names that came from Windows have the other slash.
	file := strings.ReplaceAll(field(t.columns.file), `\`, "/")
	patient, label, split := field(t.columns.patient), field(t.columns.label), strings.ToLower(field(t.columns.split))
	for _, text := range []string{file, patient, label, split} {
		if len(text) > maxField || !graphic(text) {
			t.problem(line, fmt.Errorf("%w: a field is no UTF-8 text of at most %d bytes", data.ErrFormat, maxField), hintCSV)
			return
		}
	}
	clean := path.Clean(file)
	before := t.named[clean]
	t.named[clean] = before
	if label == "" {
		t.LeftOut++
		return
	}
	if hint, err := t.wrong(file, patient, split); err != nil {
		t.problem(line, err, hint)
		return
	}
	if before > 0 {
		t.problem(line, fmt.Errorf("%w: %s is in line %d too", ErrTwice, clean, before), "keep one of them")
		return
	}
	t.named[clean] = line
	t.Images = append(t.Images, Image{File: clean, Patient: patient, Split: split, line: line})
	t.names = append(t.names, label)
}

// wrong says what is wrong with the fields of a row.
func (t *rows) wrong(file, patient, split string) (hint string, err error) {
	local := filepath.FromSlash(file)
	switch {
	case file == "":
		return "name a file below " + t.source.Dir, fmt.Errorf("%w: the row names none", ErrNotThere)
	case !filepath.IsLocal(local):
		return "write paths below " + t.source.Dir + ", without ..", fmt.Errorf("%w: %s", ErrOutside, file)
	case patient == "":
		return "say whose it is, or leave its label empty to leave it out", fmt.Errorf("%w: %s", ErrNoPatient, file)
	case split != "" && split != Train && split != Val && split != Test:
		return "write train, val or test", fmt.Errorf("%w %q of %s", ErrSplit, split, file)
	}
	info, err := os.Stat(filepath.Join(t.source.Dir, local))
	switch {
	case err != nil:
		return "correct the name, or take the row out", fmt.Errorf("%w: %s: %w", ErrNotThere, file, cause(err))
	case info.IsDir():
		return "name a file", fmt.Errorf("%w: %s is a directory", ErrNotThere, file)
	}
	return "", nil
}

// findUnlisted looks for files that no row names. The labels file does not
// count, nor does what else a store is made of.
func (c *Cohort) findUnlisted(labels os.FileInfo, named map[string]int) error {
	ofStore := isStore(c.source.Dir)
	return c.walk("", func(file string) {
		if _, ok := named[file]; ok || ofStore && isPart(file) {
			return
		}
		info, err := os.Stat(filepath.Join(c.source.Dir, filepath.FromSlash(file)))
		if err != nil || !os.SameFile(info, labels) {
			c.unlisted(file)
		}
	})
}

// graphic says whether a text is UTF-8 without control characters, which a
// terminal would obey.
func graphic(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })
}
