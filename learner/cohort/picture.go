package cohort

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/data/dicom"
)

// picture is an image as it was read.
type picture struct {
	image.Image
	format  string   // PNG, JPEG, GIF, NPZ, or DICOM with the transfer syntax
	patient string   // what a DICOM file says
	dropped []string // keywords of a DICOM file's identifying elements
}

// path returns where image i is.
func (c *Cohort) path(i int) string {
	if c.kind == inNPZ {
		return c.source.Dir
	}
	return filepath.Join(c.source.Dir, filepath.FromSlash(c.Images[i].File))
}

// read decodes image i. The error is a [*data.FileError]; the format is there
// besides if it is known.
func (c *Cohort) read(i int) (picture, error) {
	path := c.path(i)
	if c.kind == inNPZ {
		return picture{Image: asImage(c.samples[i].Pixels, c.shape), format: "NPZ"}, nil
	}
	// Opening something else, such as a pipe, could wait for ever.
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		if err == nil {
			err = fmt.Errorf("%w: not a regular file", data.ErrFormat)
		}
		return picture{}, fileError(path, cause(err), "")
	}
	if data.IsDICOM(path) {
		return readDICOM(path)
	}
	img, err := data.ReadImage(path)
	return picture{Image: img, format: format(path)}, err
}

// readDICOM is [data.ReadImage] with what else there is to know.
func readDICOM(path string) (picture, error) {
	img, err := data.ReadDICOM(path)
	if unsupported, ok := errors.AsType[*dicom.UnsupportedError](err); ok && unsupported.TransferSyntax != "" {
		return picture{format: "DICOM " + unsupported.TransferSyntax}, err
	}
	if err != nil {
		return picture{format: "DICOM"}, err
	}
	return picture{img.Picture(), "DICOM " + img.TransferSyntax, img.Patient, img.Identifying}, nil
}

// format names the format of a file by its first bytes; "" if they are of none.
func format(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	_, name, err := image.DecodeConfig(f)
	if err != nil {
		return ""
	}
	return strings.ToUpper(name)
}

// asImage returns planes, one of grey or three of colour, as an image.
func asImage(pixels []uint8, shape [3]int) image.Image {
	plane := shape[1] * shape[2]
	frame := image.Rect(0, 0, shape[2], shape[1])
	if shape[0] == 1 {
		return &image.Gray{Pix: pixels, Stride: shape[2], Rect: frame}
	}
	img := image.NewRGBA(frame)
	for i := range plane {
		copy(img.Pix[4*i:], []uint8{pixels[i], pixels[plane+i], pixels[2*plane+i], 255})
	}
	return img
}
