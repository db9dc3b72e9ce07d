// Package data brings pictures and series to the learner: readers of real data
// and a built-in set that needs no download.
//
//   - [ReadIDX] and [ReadMNIST] read IDX files, plain or gzipped,
//     [ReadCIFAR10] the binary version of CIFAR-10, and [ReadWISDM] the
//     acceleration of phones that people carried: series as pictures of one
//     row per axis, each sample with its owner.
//   - [ReadNPZ] reads NumPy archives as MedMNIST has them.
//   - [ReadFolder] reads one folder per class of PNG, JPEG, GIF and DICOM
//     files, [ReadImage] a single file, and [ReadDICOM] one with what its
//     header says; [Prepare] turns a picture into a backbone's input, if wanted
//     the way MNIST was made.
//   - [Digits] and [Letters] draw characters by code: outlines of openly
//     licensed fonts (FONTS.md) and pen strokes of our own, randomly turned,
//     slanted, stretched, bent, thinned and thickened, then centred as MNIST
//     is. The default backbone is trained on the letters; the digits are what
//     the demo learns. [Licences] returns the notices that the outlines' owners
//     ask for.
//
// # What always holds
//
//   - A picture of the built-in set depends on its seed and its number alone,
//     to the last bit, on every architecture: the backbone learned from these
//     pictures is named by the hash of its bytes.
//   - Every sample of a [Set] has the set's shape and a label among its
//     classes.
//   - What a file claims about itself is checked before memory is taken for
//     it. A file that is cut off, damaged, of another format or too large is
//     an error that names it and says what to do.
//   - Grey of 16 bits keeps them until it has its final size.
//   - Whose picture a DICOM file has, no error tells.
//   - Preparing a picture that already looks like one of MNIST's does not
//     change it.
//
// Pixels are bytes, and so are the steps of a series: the first layer of a
// frozen network takes bytes in any case. Scaling them to 0..1, and
// standardising them where a network wants that ([Set.MeanStd]), is the
// learner's business. The package imports none of the project's others.
package data
