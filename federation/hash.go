package federation

import (
	"encoding/hex"
	"fmt"
)

// Hash is a SHA-256 digest. Its text form is 64 hexadecimal digits.
type Hash [32]byte

// ID names a federation: the SHA-256 of its manifest's canonical bytes.
type ID = Hash

// ParseHash reads 64 hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	err := h.UnmarshalText([]byte(s))
	return h, err
}

// String returns the digest in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns the digest in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	var v Hash
	if len(text) != hex.EncodedLen(len(v)) {
		return fmt.Errorf("a SHA-256 has %d hexadecimal digits, not %d", hex.EncodedLen(len(v)), len(text))
	}
	if _, err := hex.Decode(v[:], text); err != nil {
		return fmt.Errorf("not a SHA-256 in hexadecimal: %w", err)
	}
	*h = v
	return nil
}
