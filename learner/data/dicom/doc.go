// Package dicom reads the one picture of a DICOM file, as radiographs come out
// of a hospital's archive, ready for a network: grey of 16 bits, or colour.
//
// [Decode] reads files with and without the preamble, in these transfer
// syntaxes (PS3.5, annexes A and G; the numbers here and below are of the
// standard, DICOM PS3): Implicit and Explicit VR Little Endian, Explicit VR
// Big Endian, Deflated Explicit VR Little Endian, RLE Lossless and JPEG
// Baseline. Any other one is an [*UnsupportedError] that names it and says
// what to do; so are several frames in one file, an enhanced object, whose
// contrast stands in functional groups, palettes, and colour of more than 8
// bits.
//
// # From a stored value to grey
//
//   - BitsStored bits below HighBit are taken of each sample, signed if
//     PixelRepresentation says so.
//   - A modality LUT, or else rescale slope and intercept, are applied
//     (PS3.3, C.11.1).
//   - The first window, if there is one, maps to black and white by its
//     function: LINEAR, LINEAR_EXACT or SIGMOID (PS3.3, C.11.2.1.2 and
//     C.11.2.1.3). A VOI LUT is applied where there is no window, its first
//     item. Without both, the least and the largest value of the picture
//     become black and white.
//   - MONOCHROME1 is inverted, so that black is the least light everywhere.
//   - Samples of PixelPaddingValue, or in the range up to
//     PixelPaddingRangeLimit, are no part of the picture (PS3.3, C.7.5.1.1.2):
//     they have no part in its range, and they are black.
//
// # What always holds
//
//   - No byte of a file is believed before it is checked. Rows and columns
//     give at most 64 megapixels, and memory for them is taken only when the
//     bytes that fill them are there, or could be: a JPEG stream takes two
//     bits for each block of 64 pixels at least. Nothing recurses, so that no
//     depth of sequences exhausts the stack.
//   - Pixel data that are cut off are a [*TruncatedError], which says how
//     many bytes are missing, and never a picture that is black from there on.
//   - No text of a file but the UID of its transfer syntax, in which there are
//     digits and dots alone, appears in an error: a damaged file can have a
//     name anywhere. [Image] prints without its patient.
//   - One file gives the same bits on every architecture, except by the
//     SIGMOID function, whose exponential may differ in the last of its 53
//     bits.
//
// # Why a reader of our own
//
// There is a library for Go, github.com/suyashkumar/dicom. Its version 1.1.0
// takes memory for whatever length an element declares (a file of 184 bytes
// made it allocate 2 GiB), reads nested sequences by recursion until the stack
// is exhausted, which ends the process and cannot be recovered from, panics
// where an element has another type than expected, decodes no RLE, and keeps
// every element, the patient's name included, in memory and in what it prints.
// A dozen numbers and the pixels are what is needed here; walking to them is
// the smaller part of this package.
package dicom
