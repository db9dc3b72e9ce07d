package dicom

import (
	"fmt"
	"image"
	"slices"
	"strconv"
	"strings"
)

// maxPixels bounds a picture before memory is taken for it: 64 megapixels.
const maxPixels = 64 << 20

// Image is the picture of a file and what of its header matters. It prints
// without the patient.
type Image struct {
	// Gray has the brightness of a MONOCHROME picture, 0 black to 65535 white;
	// it is nil for one in colour.
	Gray *image.Gray16
	// Color has a picture of three samples per pixel, opaque; it is nil for a
	// grey one.
	Color *image.RGBA
	// Patient is the Patient ID (0010,0020), as its bytes stand, "" if there
	// is none. It tells which pictures belong together and is for nothing
	// else: it must not be stored or logged.
	Patient string `json:"-"`
	// TransferSyntax is the UID of the way the file is written in.
	TransferSyntax string
	// Photometric is the photometric interpretation: MONOCHROME1,
	// MONOCHROME2, RGB, YBR_FULL or YBR_FULL_422.
	Photometric string
	// Modality is a code of up to 16 capitals, digits, spaces and
	// underscores, such as CR, DX or CT; "" if the file has none or no such
	// code.
	Modality string
	// Bits is how many bits of each sample were stored, 1 to 16.
	Bits int
	// Identifying has the keywords, such as PatientName, of the elements with
	// a value that tell of whom the picture is, who took it or where; of
	// these, Patient alone is kept. What is written into the pixels, nobody
	// sees here.
	Identifying []string
}

// Picture returns Gray or Color.
func (i Image) Picture() image.Image {
	if i.Gray != nil {
		return i.Gray
	}
	return i.Color
}

// String returns size, kind and modality, and nothing that identifies.
func (i Image) String() string {
	size := i.Picture().Bounds().Size()
	return fmt.Sprintf("%dx%d %s, %d bits, modality %q, transfer syntax %s", size.X, size.Y, i.Photometric, i.Bits, i.Modality, i.TransferSyntax)
}

// GoString is [Image.String], for %#v must not tell more.
func (i Image) GoString() string { return i.String() }

// Decode reads the bytes of a file, which it does not keep; see the package's
// description for what is read and how values become grey. The error is an
// [*UnsupportedError] or a [*TruncatedError], or wraps [ErrFormat] or
// [ErrTooLarge].
func Decode(b []byte) (*Image, error) {
	d, err := parse(b)
	if err != nil {
		return nil, err
	}
	f, err := d.format()
	if err != nil {
		return nil, err
	}
	img := &Image{
		Patient:        text(d.elements[tagPatientID].value),
		TransferSyntax: d.uid,
		Photometric:    f.photometric,
		Bits:           f.stored,
		Identifying:    d.identifying,
	}
	if code := d.first(tagModality); len(code) <= 16 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ") == "" {
		img.Modality = code
	}
	if f.samples == 1 {
		img.Gray, err = d.gray(f)
	} else {
		img.Color, err = d.color(f)
	}
	if err != nil {
		return nil, err
	}
	return img, nil
}

// format is the description of the pixel data (PS3.3, C.7.6.3).
type format struct {
	rows, columns int
	samples       int // per pixel: 1 or 3
	photometric   string
	planar        bool // three planes, not three samples next to each other
	allocated     int  // bits of a sample: 8 or 16
	stored        int  // bits of those that count, 1 to allocated
	shift         int  // bits below those
	signed        bool
}

// pixels returns how many there are, at most maxPixels.
func (f format) pixels() int { return f.rows * f.columns }

// bytes returns how many bytes the samples take.
func (f format) bytes() int { return f.pixels() * f.samples * f.allocated / 8 }

// photometrics are the photometric interpretations of PS3.3, C.7.6.3.1.2, and
// how many samples a pixel has. Only those with samples are read.
var photometrics = map[string]int{
	"MONOCHROME1": 1, "MONOCHROME2": 1, "RGB": 3, "YBR_FULL": 3, "YBR_FULL_422": 3,
	"PALETTE COLOR": 0, "YBR_PARTIAL_422": 0, "YBR_PARTIAL_420": 0, "YBR_ICT": 0, "YBR_RCT": 0, "XYB": 0,
	"HSV": 0, "ARGB": 0, "CMYK": 0,
}

// format reads and checks the description of the pixel data.
func (d *dataset) format() (format, error) {
	var f format
	var high, representation int
	for _, n := range []struct {
		tag  tag
		name string
		to   *int
	}{
		{tagSamples, "SamplesPerPixel", &f.samples},
		{tagRows, "Rows", &f.rows},
		{tagColumns, "Columns", &f.columns},
		{tagBitsAllocated, "BitsAllocated", &f.allocated},
		{tagBitsStored, "BitsStored", &f.stored},
		{tagHighBit, "HighBit", &high},
		{tagRepresentation, "PixelRepresentation", &representation},
	} {
		var err error
		if *n.to, err = d.word(n.tag, n.name); err != nil {
			return f, err
		}
	}
	f.photometric = d.first(tagPhotometric)
	f.signed = representation == 1
	f.shift = high + 1 - f.stored
	if err := d.one(); err != nil {
		return f, err
	}
	samples, known := photometrics[f.photometric]
	switch {
	case !known:
		return f, malformed("the photometric interpretation %s is missing or unknown", tagPhotometric)
	case samples == 0:
		return f, &UnsupportedError{"a picture in " + f.photometric, "", "convert it to RGB or MONOCHROME2 with another tool"}
	case samples != f.samples:
		return f, malformed("%d samples per pixel in %s", f.samples, f.photometric)
	case f.rows == 0 || f.columns == 0:
		return f, malformed("a picture of %dx%d pixels", f.columns, f.rows)
	case f.rows > maxPixels/f.columns:
		return f, fmt.Errorf("%w: %dx%d pixels; the most is 64 megapixels", ErrTooLarge, f.columns, f.rows)
	case f.allocated != 8 && (f.allocated != 16 || samples == 3):
		return f, &UnsupportedError{fmt.Sprintf("a picture of %d x %d bits per pixel", samples, f.allocated), "", "convert it to 8 or 16 bits of grey, or 3 x 8 bits of colour"}
	case f.stored < 1 || f.shift < 0 || high >= f.allocated || representation > 1:
		return f, malformed("%d bits up to bit %d of %d, representation %d", f.stored, high, f.allocated, representation)
	case samples == 3 && (f.stored != 8 || f.signed):
		return f, malformed("colour of %d bits, representation %d", f.stored, representation)
	}
	if samples == 3 {
		planar, err := d.word(tagPlanar, "PlanarConfiguration")
		if err != nil {
			return f, err
		}
		if planar > 1 {
			return f, malformed("the planar configuration %d", planar)
		}
		f.planar = planar == 1
	}
	return f, nil
}

// one checks that there is one frame and that its contrast is where it is
// looked for.
func (d *dataset) one() error {
	_, shared := d.elements[tagSharedGroups]
	_, frames := d.elements[tagFrameGroups]
	if s := d.first(tagFrames); s != "" {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil || n < 1:
			return malformed("the number of frames %s is no number from 1", tagFrames)
		case n > 1:
			return &UnsupportedError{fmt.Sprintf("the file has %d frames and", n), "", "save the frames that matter as files of one frame each"}
		}
	}
	if shared || frames {
		return &UnsupportedError{"an enhanced object, whose contrast stands in functional groups,", "", "convert it to an object of one frame that is not enhanced"}
	}
	return nil
}

// swapped returns a value's words of 16 bits with their bytes exchanged. A
// last byte without another one stays.
func swapped(b []byte) []byte {
	out := slices.Clone(b)
	for i := 1; i < len(out); i += 2 {
		out[i-1], out[i] = out[i], out[i-1]
	}
	return out
}
