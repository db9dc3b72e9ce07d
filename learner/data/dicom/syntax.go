package dicom

import (
	"fmt"
	"strings"
)

// packing is how pixel data are stored.
type packing int

const (
	native packing = 1 + iota
	rle
	jpegBaseline
)

// syntax is a transfer syntax that is read.
type syntax struct {
	coding
	packing  packing
	deflated bool
}

// implicitLittle is the default transfer syntax, and what a file without
// preamble has that does not show another.
const (
	implicitLittle = "1.2.840.10008.1.2"
	explicitLittle = "1.2.840.10008.1.2.1"
)

var syntaxes = map[string]syntax{
	implicitLittle:           {coding: coding{implicit: true}, packing: native},
	explicitLittle:           {packing: native},
	"1.2.840.10008.1.2.1.99": {packing: native, deflated: true},
	"1.2.840.10008.1.2.2":    {coding: coding{big: true}, packing: native},
	"1.2.840.10008.1.2.4.50": {packing: jpegBaseline},
	"1.2.840.10008.1.2.5":    {packing: rle},
}

// unread names the other transfer syntaxes of PS3.6, table A-1.
var unread = map[string]string{
	"1.2.840.10008.1.2.1.98":  "Encapsulated Uncompressed Explicit VR Little Endian",
	"1.2.840.10008.1.2.4.51":  "JPEG Extended",
	"1.2.840.10008.1.2.4.53":  "JPEG Spectral Selection",
	"1.2.840.10008.1.2.4.55":  "JPEG Full Progression",
	"1.2.840.10008.1.2.4.57":  "JPEG Lossless",
	"1.2.840.10008.1.2.4.70":  "JPEG Lossless, First-Order Prediction",
	"1.2.840.10008.1.2.4.80":  "JPEG-LS Lossless",
	"1.2.840.10008.1.2.4.81":  "JPEG-LS Near-Lossless",
	"1.2.840.10008.1.2.4.90":  "JPEG 2000 Lossless",
	"1.2.840.10008.1.2.4.91":  "JPEG 2000",
	"1.2.840.10008.1.2.4.92":  "JPEG 2000 Part 2 Multi-component Lossless",
	"1.2.840.10008.1.2.4.93":  "JPEG 2000 Part 2 Multi-component",
	"1.2.840.10008.1.2.4.94":  "JPIP Referenced",
	"1.2.840.10008.1.2.4.95":  "JPIP Referenced Deflate",
	"1.2.840.10008.1.2.4.100": "MPEG2 Main Level",
	"1.2.840.10008.1.2.4.101": "MPEG2 High Level",
	"1.2.840.10008.1.2.4.102": "MPEG-4 AVC/H.264 Level 4.1",
	"1.2.840.10008.1.2.4.103": "MPEG-4 AVC/H.264 BD-compatible",
	"1.2.840.10008.1.2.4.104": "MPEG-4 AVC/H.264 Level 4.2 for 2D Video",
	"1.2.840.10008.1.2.4.105": "MPEG-4 AVC/H.264 Level 4.2 for 3D Video",
	"1.2.840.10008.1.2.4.106": "MPEG-4 AVC/H.264 Stereo",
	"1.2.840.10008.1.2.4.107": "HEVC/H.265 Main",
	"1.2.840.10008.1.2.4.108": "HEVC/H.265 Main 10",
	"1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
	"1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
	"1.2.840.10008.1.2.4.112": "JPEG XL",
	"1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000 Lossless",
	"1.2.840.10008.1.2.4.202": "High-Throughput JPEG 2000 RPCL Lossless",
	"1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000",
}

const hintConvert = "convert it to Explicit VR Little Endian with another tool, as gdcmconv --raw does"

// syntaxOf returns the transfer syntax of a UID.
func syntaxOf(uid string) (syntax, error) {
	if s, ok := syntaxes[uid]; ok {
		return s, nil
	}
	if uid == "" || len(uid) > 64 || strings.Trim(uid, ".0123456789") != "" {
		return syntax{}, malformed("the transfer syntax (0002,0010) is missing or no UID")
	}
	name, ok := unread[uid]
	if !ok {
		name = "a private or newer one"
	}
	return syntax{}, &UnsupportedError{fmt.Sprintf("the transfer syntax %s (%s)", uid, name), uid, hintConvert}
}
