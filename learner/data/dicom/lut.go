package dicom

import "encoding/binary"

// lut is a table from a sequence of modality or VOI LUTs (PS3.3, C.11.1.1 and
// C.11.2.1.1).
type lut struct {
	first  int // the value that the first entry is for
	values []uint16
	bits   int // of an entry, 8 to 16
}

// at returns the entry for a value: for those below the table the first, for
// those above the last.
func (l lut) at(v int) uint16 { return l.values[min(max(v-l.first, 0), len(l.values)-1)] }

// lut reads the first table of a sequence. Without one, ok is false.
func (d *dataset) lut(sequence tag, signed bool) (l lut, ok bool, err error) {
	e := d.elements[sequence]
	if len(e.value) == 0 {
		return lut{}, false, nil
	}
	r := &reader{coding: e.coding, rest: e.value}
	item, err := r.next()
	switch {
	case err != nil:
		return lut{}, false, err
	case item.tag == tagSequenceEnd:
		return lut{}, false, nil
	case item.tag != tagItem || item.missing > 0:
		return lut{}, false, malformed("the sequence %s does not begin with an item", sequence)
	}
	if !item.undefined {
		r.rest = item.value
	}
	var descriptor, data element
	for len(r.rest) > 0 {
		part, err := r.next()
		if err != nil {
			return lut{}, false, err
		}
		if part.tag == tagItemEnd {
			break
		}
		if part.missing > 0 || part.undefined {
			return lut{}, false, malformed("the element %s in %s is too long", part.tag, sequence)
		}
		switch part.tag {
		case tagLUTDescriptor:
			descriptor = part
		case tagLUTData:
			data = part
		}
	}
	l, err = newLUT(descriptor, data, signed)
	return l, err == nil, err
}

// newLUT makes a table of its descriptor and its data.
func newLUT(descriptor, data element, signed bool) (lut, error) {
	if len(descriptor.value) != 6 {
		return lut{}, malformed("the LUT descriptor %s has %d bytes, not 6", tagLUTDescriptor, len(descriptor.value))
	}
	order := descriptor.order()
	n := int(order.Uint16(descriptor.value))
	if n == 0 {
		n = 1 << 16
	}
	l := lut{first: int(order.Uint16(descriptor.value[2:])), bits: int(order.Uint16(descriptor.value[4:]))}
	// The first value is signed if its type says so, or, where there are no
	// types, if the stored values are.
	if descriptor.vr == "SS" || descriptor.vr == "" && signed {
		l.first = int(int16(l.first))
	}
	if l.bits < 8 || l.bits > 16 {
		return lut{}, malformed("a LUT with entries of %d bits", l.bits)
	}
	b := data.value
	if data.big {
		b = swapped(b)
	}
	l.values = make([]uint16, n)
	switch {
	case len(b) == 2*n:
		for i := range l.values {
			l.values[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
	case len(b) == n+n%2 && l.bits == 8:
		for i := range l.values {
			l.values[i] = uint16(b[i])
		}
	default:
		return lut{}, malformed("a LUT of %d entries has %d bytes", n, len(b))
	}
	return l, nil
}
