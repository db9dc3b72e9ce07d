package report

import "encoding/binary"

// thrift writes Thrift's compact protocol, in which Parquet's headers are
// written (Apache Thrift, "Thrift Compact protocol encoding"), as far as they
// need it. Fields of a struct must be written in rising order.
type thrift struct {
	b    []byte
	last []int16 // the last field of each open struct
}

// Compact protocol types.
const (
	thriftFalse  = 2
	thriftByte   = 3
	thriftI32    = 5
	thriftI64    = 6
	thriftString = 8
	thriftList   = 9
	thriftStruct = 12
)

// begin opens a struct that is not a field: the outermost or one in a list.
func (t *thrift) begin() { t.last = append(t.last, 0) }

// end closes the struct opened last.
func (t *thrift) end() {
	t.b = append(t.b, 0)
	t.last = t.last[:len(t.last)-1]
}

// field writes the head of a field; ids are less than 16 apart.
func (t *thrift) field(id int16, kind byte) {
	top := &t.last[len(t.last)-1]
	t.b = append(t.b, byte(id-*top)<<4|kind)
	*top = id
}

func (t *thrift) i32(id int16, v int64) {
	t.field(id, thriftI32)
	t.integer(v)
}

func (t *thrift) i64(id int16, v int64) {
	t.field(id, thriftI64)
	t.integer(v)
}

func (t *thrift) string(id int16, s string) {
	t.field(id, thriftString)
	t.bytes(s)
}

// structure opens a struct that is a field.
func (t *thrift) structure(id int16) {
	t.field(id, thriftStruct)
	t.begin()
}

// list writes the head of a list of n elements, which must follow.
func (t *thrift) list(id int16, kind byte, n int) {
	t.field(id, thriftList)
	if n < 15 {
		t.b = append(t.b, byte(n)<<4|kind)
		return
	}
	t.b = append(t.b, 0xf0|kind)
	t.b = binary.AppendUvarint(t.b, uint64(n))
}

// integer writes a bare number in zigzag, as an element of a list is.
func (t *thrift) integer(v int64) { t.b = binary.AppendVarint(t.b, v) }

func (t *thrift) bytes(s string) {
	t.b = binary.AppendUvarint(t.b, uint64(len(s)))
	t.b = append(t.b, s...)
}
