package federation

import "errors"

// The errors of [DecodeUpdate], [Update.Encode] and their like for
// prototypes. Every refusal wraps exactly one of them with the detail, so
// errors.Is tells what a peer did.
// When several apply, the first in this order that the bytes reveal is
// reported: size, then federation, then the fields in their order.
var (
	// ErrTooLarge: the message is longer than the manifest allows: max_message
	// for updates, and what follows from the classes and features for others.
	ErrTooLarge = errors.New("message is larger than the federation allows")

	// ErrMalformed: the bytes are not the one canonical encoding of a
	// message: truncated, unsorted, an unknown, repeated or misplaced field,
	// a number in more bytes than it needs, an int8 row that quantising
	// would not have produced.
	ErrMalformed = errors.New("message is malformed")

	// ErrWrongFederation: the message belongs to peers that agreed on
	// another manifest.
	ErrWrongFederation = errors.New("message is of another federation")

	// ErrUnknownClass: a claim, a row or a mean names a class that the manifest
	// does not have.
	ErrUnknownClass = errors.New("message names an unknown class")

	// ErrRepeatedClass: a class is claimed twice or has two rows.
	ErrRepeatedClass = errors.New("message repeats a class")

	// ErrShape: a row is not as long as the manifest's feature vector.
	ErrShape = errors.New("message has the wrong shape")

	// ErrNotFinite: a weight is NaN or infinite.
	ErrNotFinite = errors.New("message has a weight that is not finite")

	// ErrMissingRow: a class is claimed and its row does not come with it.
	ErrMissingRow = errors.New("update claims a class without sending its row")
)

// ErrInvalidManifest is wrapped by every error of [Manifest.Validate] and
// [ReadManifest] that is about what the manifest says.
var ErrInvalidManifest = errors.New("manifest is invalid")
