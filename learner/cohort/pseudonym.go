package cohort

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// secret is the key of a store's pseudonyms. Whoever has it can find out
// whether a given patient is in the store.
type secret [32]byte

// pseudonym returns what a patient is called in the store: P- and 48 bits of
// HMAC-SHA256. Of n patients two have the same with a probability of n²/2⁴⁹,
// one in five million for ten thousand; they would count as one.
func (s secret) pseudonym(patient string) string {
	mac := hmac.New(sha256.New, s[:])
	mac.Write([]byte(patient))
	return "P-" + hex.EncodeToString(mac.Sum(nil)[:6])
}

// maxKey is more than the file of a key has: 64 digits and the end of a line.
const maxKey = 128

// ofNobody stands for the patient of an image of which nobody says whose it
// is: the image itself, so that the same image is always of the same.
func ofNobody(sum [32]byte) string { return "\x00image " + hex.EncodeToString(sum[:]) }

// openSecret reads the store's key, or makes one for a new store. Errors never
// quote it.
func (s *sampleStore) openSecret(random io.Reader) error {
	path := s.path(keyName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s.makeSecret(random)
	}
	if err != nil {
		return fileError(path, cause(err), "check its permissions")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fileError(path, cause(err), "")
	}
	// Windows has no such bits; Go makes them up there.
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return fileError(path, fmt.Errorf("%w: others may read it, its mode is %04o", ErrKey, mode), "chmod 600 it")
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return fileError(path, cause(err), "")
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != len(s.secret) {
		return fileError(path, fmt.Errorf("%w: it is damaged", ErrKey), "put a copy of it back, or import everything into a new store")
	}
	copy(s.secret[:], key)
	return nil
}

func (s *sampleStore) makeSecret(random io.Reader) error {
	path := s.path(keyName)
	if len(s.index) > 0 {
		return fileError(path, fmt.Errorf("%w: it is not there", ErrKey), "put it back: with another one, patients of this store would get a second pseudonym")
	}
	if _, err := io.ReadFull(random, s.secret[:]); err != nil {
		return fmt.Errorf("making the key of the pseudonyms: %w", err)
	}
	return s.disk.writeFile(s.dir, path, []byte(hex.EncodeToString(s.secret[:])+"\n"))
}
