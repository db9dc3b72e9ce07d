package report

import (
	"encoding/binary"
	"io"
	"math"
	"math/bits"
)

// A Parquet library would add 5 MB to the program for tables this plain, so
// they are written by hand after the format's specification
// (github.com/apache/parquet-format, README.md, Encodings.md, parquet.thrift):
// required columns only, version 1 data pages, no compression. Numbers are in
// PLAIN encoding. Names are in a dictionary with run lengths, which makes
// little of them, since rows of one cell follow each other.

// WriteParquet writes the table of [WriteCSV] as Apache Parquet. Names are
// strings, seed is an unsigned and other counts a signed 64-bit integer, the
// rest doubles.
func WriteParquet(w io.Writer, cells []Cell) error {
	if err := check(cells); err != nil {
		return err
	}
	return cellTable(cells).parquet(w)
}

// WriteCurvesParquet writes the table of [WriteCurvesCSV] as Apache Parquet,
// with types as in [WriteParquet].
func WriteCurvesParquet(w io.Writer, cells []Cell) error {
	if err := check(cells); err != nil {
		return err
	}
	return curveTable(cells).parquet(w)
}

const (
	parquetMagic = "PAR1"
	createdBy    = "bristled"
	// groupRows is the number of rows past which a row group ends. It bounds
	// the memory that a file takes.
	groupRows = 1 << 16
)

// The format's numbers.
const (
	typeInt64, typeDouble, typeByteArray              = 2, 5, 6
	convertedUTF8, convertedUint64                    = 0, 14
	logicalString, logicalInteger                     = 1, 10
	required                                          = 0
	encodingPlain, encodingRLE, encodingRLEDictionary = 0, 3, 8
	pageData, pageDictionary                          = 0, 2
	uncompressed                                      = 0
)

// chunk is where one column of one row group lies in the file.
type chunk struct {
	dictionary, data int64 // offsets of the pages; dictionary is 0 without one
	size             int64
}

// rowGroup is a written row group.
type rowGroup struct {
	rows   int
	chunks []chunk
}

// parquetFile writes pages and keeps the offset and the first error.
type parquetFile struct {
	w   io.Writer
	at  int64
	err error
}

func (f *parquetFile) write(b []byte) {
	if f.err != nil {
		return
	}
	n, err := f.w.Write(b)
	f.at += int64(n)
	f.err = err
}

func (t table) parquet(w io.Writer) error {
	f := &parquetFile{w: w}
	f.write([]byte(parquetMagic))
	var groups []rowGroup
	for first := 0; first < len(t.cells); {
		rows, end := 0, first
		for ; end < len(t.cells) && rows < groupRows; end++ {
			rows += t.rows(&t.cells[end])
		}
		if rows > 0 {
			groups = append(groups, t.group(f, t.cells[first:end], rows))
		}
		first = end
	}
	footer := t.footer(groups)
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	f.write(append(footer, parquetMagic...))
	return f.err
}

// group writes the rows of cells, one column after the other.
func (t table) group(f *parquetFile, cells []Cell, rows int) rowGroup {
	g := rowGroup{rows: rows}
	for _, c := range t.columns {
		start := f.at
		var k chunk
		if c.kind == text {
			dictionary, n, indices := t.dictionary(c, cells)
			k.dictionary = f.at
			f.page(pageDictionary, encodingPlain, n, dictionary)
			k.data = f.at
			f.page(pageData, encodingRLEDictionary, rows, indices)
		} else {
			k.data = f.at
			f.page(pageData, encodingPlain, rows, t.plain(c, cells, rows))
		}
		k.size = f.at - start
		g.chunks = append(g.chunks, k)
	}
	return g
}

// plain returns a column of numbers as little-endian 64-bit words.
func (t table) plain(c column, cells []Cell, rows int) []byte {
	b := make([]byte, 0, 8*rows)
	for i := range cells {
		for row := range t.rows(&cells[i]) {
			var v uint64
			if c.kind == real {
				v = math.Float64bits(c.real(&cells[i], row))
			} else {
				v = c.whole(&cells[i], row)
			}
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	return b
}

// dictionary returns the n values of a column of names, each once in order of
// appearance and with its length before it, and the rows as indices into them.
func (t table) dictionary(c column, cells []Cell) (values []byte, n int, indices []byte) {
	index := map[string]int{}
	type run struct{ index, rows int }
	var runs []run
	for i := range cells {
		rows := t.rows(&cells[i])
		if rows == 0 {
			continue
		}
		s := c.text(&cells[i])
		v, ok := index[s]
		if !ok {
			v = len(index)
			index[s] = v
			values = binary.LittleEndian.AppendUint32(values, uint32(len(s)))
			values = append(values, s...)
		}
		if l := len(runs) - 1; l >= 0 && runs[l].index == v {
			runs[l].rows += rows
		} else {
			runs = append(runs, run{v, rows})
		}
	}
	// Each run is its length, shifted to mark it as one, and its value in as
	// many whole bytes as the greatest index takes.
	width := max(1, bits.Len(uint(len(index)-1)))
	indices = append(indices, byte(width))
	for _, r := range runs {
		indices = binary.AppendUvarint(indices, uint64(r.rows)<<1)
		for b := 0; b < width; b += 8 {
			indices = append(indices, byte(r.index>>b))
		}
	}
	return values, len(index), indices
}

// page writes a page of n values with its header.
func (f *parquetFile) page(kind, encoding int64, n int, body []byte) {
	var h thrift
	h.begin()
	h.i32(1, kind)
	h.i32(2, int64(len(body)))
	h.i32(3, int64(len(body)))
	if kind == pageDictionary {
		h.structure(7)
		h.i32(1, int64(n))
		h.i32(2, encoding)
	} else {
		h.structure(5)
		h.i32(1, int64(n))
		h.i32(2, encoding)
		h.i32(3, encodingRLE) // of levels, which required columns do not have
		h.i32(4, encodingRLE)
	}
	h.end()
	h.end()
	f.write(h.b)
	f.write(body)
}

// footer returns the file's metadata.
func (t table) footer(groups []rowGroup) []byte {
	var h thrift
	h.begin()
	h.i32(1, 1) // version
	h.list(2, thriftStruct, 1+len(t.columns))
	h.begin()
	h.string(4, "schema")
	h.i32(5, int64(len(t.columns)))
	h.end()
	for _, c := range t.columns {
		c.schema(&h)
	}
	rows := 0
	for _, g := range groups {
		rows += g.rows
	}
	h.i64(3, int64(rows))
	h.list(4, thriftStruct, len(groups))
	for _, g := range groups {
		h.begin()
		h.list(1, thriftStruct, len(g.chunks))
		size := int64(0)
		for i, k := range g.chunks {
			t.columns[i].chunk(&h, k, g.rows)
			size += k.size
		}
		h.i64(2, size)
		h.i64(3, int64(g.rows))
		h.end()
	}
	h.string(6, createdBy)
	h.end()
	return h.b
}

func (c column) physical() int64 {
	switch c.kind {
	case text:
		return typeByteArray
	case real:
		return typeDouble
	}
	return typeInt64
}

func (c column) schema(h *thrift) {
	h.begin()
	h.i32(1, c.physical())
	h.i32(3, required)
	h.string(4, c.name)
	switch c.kind {
	case text:
		h.i32(6, convertedUTF8)
		h.structure(10)
		h.structure(logicalString)
		h.end()
		h.end()
	case seed:
		h.i32(6, convertedUint64)
		h.structure(10)
		h.structure(logicalInteger)
		h.field(1, thriftByte) // bits
		h.b = append(h.b, 64)
		h.field(2, thriftFalse) // signed
		h.end()
		h.end()
	}
	h.end()
}

// chunk writes the metadata of a column in one row group.
func (c column) chunk(h *thrift, k chunk, rows int) {
	encodings := []int64{encodingPlain}
	first := k.data
	if c.kind == text {
		encodings = []int64{encodingPlain, encodingRLEDictionary}
		first = k.dictionary
	}
	h.begin()
	h.i64(2, first)
	h.structure(3)
	h.i32(1, c.physical())
	h.list(2, thriftI32, len(encodings))
	for _, e := range encodings {
		h.integer(e)
	}
	h.list(3, thriftString, 1)
	h.bytes(c.name)
	h.i32(4, uncompressed)
	h.i64(5, int64(rows))
	h.i64(6, k.size)
	h.i64(7, k.size)
	h.i64(9, k.data)
	if c.kind == text {
		h.i64(11, k.dictionary)
	}
	h.end()
	h.end()
}
