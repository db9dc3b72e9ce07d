package dicom

import (
	"encoding/binary"
	"fmt"
)

// tag is the group of an element in the upper 16 bits and its number in the
// lower.
type tag uint32

// String returns a tag as the standard writes it, such as (7FE0,0010).
func (t tag) String() string { return fmt.Sprintf("(%04X,%04X)", uint32(t)>>16, uint32(t)&0xffff) }

// The tags that give a data set its structure.
const (
	tagItem         tag = 0xfffe_e000
	tagItemEnd      tag = 0xfffe_e00d
	tagSequenceEnd  tag = 0xfffe_e0dd
	tagPixelData    tag = 0x7fe0_0010
	undefinedLength     = 0xffff_ffff
)

// coding is how elements are written: with or without their type (VR), in
// which order of bytes.
type coding struct{ implicit, big bool }

func (c coding) order() binary.ByteOrder {
	if c.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// element is one element of a data set.
type element struct {
	tag
	coding           // of what its value is made of
	vr        string // two letters; empty where the coding is implicit
	value     []byte // what of it is there
	missing   int64  // bytes of the value behind the end of the file
	undefined bool   // the value is a sequence that ends with a delimiter
}

// cutOff is the error for an element whose value is not all there.
func (e element) cutOff() error {
	return &TruncatedError{"the element " + e.tag.String(), int64(len(e.value)) + e.missing, e.missing}
}

// reader walks over the elements of a data set.
type reader struct {
	coding
	rest []byte
}

// next returns the next element. Behind one of undefined length stands what is
// in its sequence.
func (r *reader) next() (element, error) {
	if len(r.rest) < 8 {
		return element{}, headCutOff(8, len(r.rest))
	}
	order := r.order()
	e := element{tag: tag(order.Uint16(r.rest))<<16 | tag(order.Uint16(r.rest[2:])), coding: r.coding}
	var length uint32
	head := 8
	switch {
	case r.implicit || e.tag>>16 == 0xfffe:
		length = order.Uint32(r.rest[4:])
	case !upper(r.rest[4]) || !upper(r.rest[5]):
		return element{}, malformed("the element %s has no type", e.tag)
	default:
		e.vr = string(r.rest[4:6])
		if short(e.vr) {
			length = uint32(order.Uint16(r.rest[6:]))
			break
		}
		if head = 12; len(r.rest) < head {
			return element{}, headCutOff(head, len(r.rest))
		}
		length = order.Uint32(r.rest[8:])
	}
	r.rest = r.rest[head:]
	if e.vr == "UN" {
		e.coding = coding{implicit: true} // PS3.5, 6.2.2
	}
	if length == undefinedLength {
		e.undefined = true
		return e, nil
	}
	n := min(int64(length), int64(len(r.rest)))
	e.value, e.missing = r.rest[:n:n], int64(length)-n
	r.rest = r.rest[n:]
	return e, nil
}

func headCutOff(want, have int) error {
	return &TruncatedError{"an element's head", int64(want), int64(want - have)}
}

func upper(b byte) bool { return 'A' <= b && b <= 'Z' }

// short says whether the length of an explicit type has 16 bits. Types that
// the standard will add have 32 (PS3.5, 7.1.2).
func short(vr string) bool {
	switch vr {
	case "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US":
		return true
	}
	return false
}

// maxDepth bounds how deep sequences of undefined length may be nested.
const maxDepth = 64

// sequence passes over the sequence of an element of undefined length and puts
// it, with its delimiter, into the element's value.
func (r *reader) sequence(e *element) error {
	type level struct {
		coding
		end tag
	}
	begin, outer := r.rest, r.coding
	open := make([]level, 1, maxDepth)
	open[0] = level{e.coding, tagSequenceEnd}
	for len(open) > 0 {
		inner := open[len(open)-1]
		r.coding = inner.coding
		part, err := r.next()
		switch {
		case err != nil:
			return err
		case part.missing > 0:
			return part.cutOff()
		case part.tag == inner.end:
			open = open[:len(open)-1]
			continue
		case part.tag>>16 == 0xfffe && (part.tag != tagItem || inner.end == tagItemEnd):
			return malformed("the sequence %s is not closed as it was opened", e.tag)
		case inner.end == tagSequenceEnd && part.tag != tagItem:
			return malformed("the sequence %s has an element outside its items", e.tag)
		case !part.undefined:
			continue
		case len(open) == maxDepth:
			return malformed("the sequence %s has more than %d levels", e.tag, maxDepth)
		case part.tag == tagItem:
			open = append(open, level{inner.coding, tagItemEnd})
		default:
			open = append(open, level{part.coding, tagSequenceEnd})
		}
	}
	e.value, r.coding = begin[:len(begin)-len(r.rest):len(begin)-len(r.rest)], outer
	return nil
}

// fragments returns what is in the items behind pixel data of undefined
// length, without the first, the table of offsets (PS3.5, A.4).
func (r *reader) fragments() ([][]byte, error) {
	var all [][]byte
	for table := true; ; table = false {
		item, err := r.next()
		switch {
		case err != nil:
			return nil, err
		case item.missing > 0:
			return nil, &TruncatedError{"the pixel data", int64(len(item.value)) + item.missing, item.missing}
		case item.tag == tagSequenceEnd:
			return all, nil
		case item.tag != tagItem || item.undefined:
			return nil, malformed("the pixel data are not in items")
		case !table:
			all = append(all, item.value)
		}
	}
}
