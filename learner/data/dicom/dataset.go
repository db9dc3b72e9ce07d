package dicom

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// The elements that are looked at, by their keyword (PS3.6, 6).
const (
	tagTransferSyntax   tag = 0x0002_0010
	tagModality         tag = 0x0008_0060
	tagPatientID        tag = 0x0010_0020
	tagSamples          tag = 0x0028_0002
	tagPhotometric      tag = 0x0028_0004
	tagPlanar           tag = 0x0028_0006
	tagFrames           tag = 0x0028_0008
	tagRows             tag = 0x0028_0010
	tagColumns          tag = 0x0028_0011
	tagBitsAllocated    tag = 0x0028_0100
	tagBitsStored       tag = 0x0028_0101
	tagHighBit          tag = 0x0028_0102
	tagRepresentation   tag = 0x0028_0103
	tagPadding          tag = 0x0028_0120
	tagPaddingLimit     tag = 0x0028_0121
	tagWindowCenter     tag = 0x0028_1050
	tagWindowWidth      tag = 0x0028_1051
	tagRescaleIntercept tag = 0x0028_1052
	tagRescaleSlope     tag = 0x0028_1053
	tagVOIFunction      tag = 0x0028_1056
	tagModalityLUT      tag = 0x0028_3000
	tagLUTDescriptor    tag = 0x0028_3002
	tagLUTData          tag = 0x0028_3006
	tagVOILUT           tag = 0x0028_3010
	tagSharedGroups     tag = 0x5200_9229
	tagFrameGroups      tag = 0x5200_9230
)

// identifying names elements that tell of whom a picture is, who took it or
// where, of those that PS3.15, table E.1-1, has removed or replaced.
var identifying = map[tag]string{
	0x0008_0018: "SOPInstanceUID",
	0x0008_0020: "StudyDate",
	0x0008_0021: "SeriesDate",
	0x0008_0022: "AcquisitionDate",
	0x0008_0023: "ContentDate",
	0x0008_0030: "StudyTime",
	0x0008_0050: "AccessionNumber",
	0x0008_0080: "InstitutionName",
	0x0008_0081: "InstitutionAddress",
	0x0008_0090: "ReferringPhysicianName",
	0x0008_1010: "StationName",
	0x0008_1048: "PhysiciansOfRecord",
	0x0008_1050: "PerformingPhysicianName",
	0x0008_1060: "NameOfPhysiciansReadingStudy",
	0x0008_1070: "OperatorsName",
	0x0010_0010: "PatientName",
	0x0010_0020: "PatientID",
	0x0010_0030: "PatientBirthDate",
	0x0010_0032: "PatientBirthTime",
	0x0010_0040: "PatientSex",
	0x0010_1000: "OtherPatientIDs",
	0x0010_1001: "OtherPatientNames",
	0x0010_1005: "PatientBirthName",
	0x0010_1010: "PatientAge",
	0x0010_1040: "PatientAddress",
	0x0010_1060: "PatientMotherBirthName",
	0x0010_2154: "PatientTelephoneNumbers",
	0x0010_2160: "EthnicGroup",
	0x0010_2180: "Occupation",
	0x0010_21b0: "AdditionalPatientHistory",
	0x0010_4000: "PatientComments",
	0x0018_1000: "DeviceSerialNumber",
	0x0020_000d: "StudyInstanceUID",
	0x0020_000e: "SeriesInstanceUID",
	0x0020_0010: "StudyID",
	0x0020_4000: "ImageComments",
}

// looked says whether the value of an element is looked at.
func looked(t tag) bool {
	switch t {
	case tagModality, tagPatientID, tagSharedGroups, tagFrameGroups:
		return true
	}
	return t>>16 == 0x0028
}

// dataset is what is looked at in a file.
type dataset struct {
	uid         string // of the transfer syntax
	syntax      syntax
	elements    map[tag]element // of the outermost level
	identifying []string        // keywords of those that have a value
	pixels      element         // native pixel data
	fragments   [][]byte        // or encapsulated ones
}

// start is where a file with a preamble begins in earnest (PS3.10, 7.1).
const start = 132

// parse reads a file up to its pixel data.
func parse(b []byte) (*dataset, error) {
	d := &dataset{uid: implicitLittle, elements: map[tag]element{}}
	meta := IsFile(b)
	if meta {
		b = b[start:]
	} else {
		switch {
		case bytes.HasPrefix(b, []byte{2, 0}) && len(b) >= 8 && upper(b[4]) && upper(b[5]):
			meta = true
		case !bytes.HasPrefix(b, []byte{8, 0}) || len(b) < 8:
			return nil, malformed("there is no preamble and no data set")
		case upper(b[4]) && upper(b[5]):
			d.uid = explicitLittle
		}
	}
	r := &reader{rest: b}
	if meta {
		var err error
		if d.uid, err = r.transferSyntax(); err != nil {
			return nil, err
		}
	}
	var err error
	if d.syntax, err = syntaxOf(d.uid); err != nil {
		return nil, err
	}
	r.coding = d.syntax.coding
	if d.syntax.deflated {
		if r.rest, err = inflate(r.rest); err != nil {
			return nil, err
		}
	}
	return d, d.read(r)
}

// IsFile says whether bytes, of which the first 132 are enough, begin as a
// DICOM file does: with a preamble of 128 bytes and "DICM" (PS3.10, 7.1).
func IsFile(b []byte) bool {
	return len(b) >= start && string(b[start-4:start]) == "DICM"
}

// transferSyntax reads the file meta information, all of group 2.
func (r *reader) transferSyntax() (uid string, err error) {
	for len(r.rest) >= 2 && r.rest[0] == 2 && r.rest[1] == 0 {
		e, err := r.next()
		switch {
		case err != nil:
			return "", err
		case e.missing > 0:
			return "", e.cutOff()
		case e.undefined:
			return "", malformed("the element %s has no length", e.tag)
		case e.tag == tagTransferSyntax:
			uid = text(e.value)
		}
	}
	return uid, nil
}

// maxInflated bounds what a deflated file becomes.
const maxInflated = 256 << 20

func inflate(b []byte) ([]byte, error) {
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(flate.NewReader(bytes.NewReader(b)), maxInflated+1))
	switch {
	case n > maxInflated:
		return nil, fmt.Errorf("%w: the deflated data set holds more than 256 MiB", ErrTooLarge)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, malformed("the deflated data set is cut off")
	case err != nil:
		return nil, malformed("the deflated data set is damaged")
	}
	return out.Bytes(), nil
}

// read collects the elements up to the pixel data.
func (d *dataset) read(r *reader) error {
	last := tag(0)
	for len(r.rest) > 0 {
		e, err := r.next()
		if err != nil {
			return err
		}
		if e.tag == tagPixelData {
			d.pixels = e
			if e.undefined {
				d.fragments, err = r.fragments()
			}
			return err
		}
		if e.missing > 0 {
			return e.cutOff()
		}
		if e.undefined {
			if err := r.sequence(&e); err != nil {
				return err
			}
		}
		if name := identifying[e.tag]; name != "" && text(e.value) != "" {
			d.identifying = append(d.identifying, name)
		}
		if looked(e.tag) {
			if _, twice := d.elements[e.tag]; twice {
				return malformed("the element %s is there twice", e.tag)
			}
			d.elements[e.tag] = e
		}
		last = e.tag
	}
	return malformed("there are no pixel data: the file ends behind the element %s", last)
}

// text returns a value without the spaces and zeros that pad it.
func text(b []byte) string { return string(bytes.Trim(b, " \x00")) }

// word returns an unsigned number of 16 bits.
func (d *dataset) word(t tag, name string) (int, error) {
	e, ok := d.elements[t]
	if !ok || len(e.value) == 0 {
		return 0, malformed("%s %s is missing", name, t)
	}
	if len(e.value) != 2 {
		return 0, malformed("%s %s has %d bytes, not 2", name, t, len(e.value))
	}
	return int(e.order().Uint16(e.value)), nil
}

// first returns the first of the values of a text element, "" if there is
// none.
func (d *dataset) first(t tag) string {
	one, _, _ := bytes.Cut(d.elements[t].value, []byte{'\\'})
	return text(one)
}

// decimal returns the first number of an element of decimal strings. Without
// one, ok is false.
func (d *dataset) decimal(t tag, name string) (x float64, ok bool, err error) {
	s := d.first(t)
	if s == "" {
		return 0, false, nil
	}
	x, err = strconv.ParseFloat(s, 64)
	// ParseFloat takes hexadecimal numbers and names besides (PS3.5, 6.2).
	if err != nil || strings.Trim(s, "+-.0123456789Ee") != "" || math.Abs(x) > math.MaxFloat32 {
		return 0, false, malformed("%s %s is not a number", name, t)
	}
	return x, true, nil
}
