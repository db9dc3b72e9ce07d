package p2p

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/bristle-fl/bristled/federation"
)

var (
	// ErrIdentityExists: there is an identity already. Replacing it would
	// make the peer a stranger to its federation, so nothing here does.
	ErrIdentityExists = errors.New("identity file exists already; move it away if this peer shall become another one")

	// ErrIdentityExposed: others than its owner may read the identity file.
	ErrIdentityExposed = errors.New("identity file is readable by others; chmod 600 it, and make a new identity if somebody may have copied it")

	// ErrIdentityCorrupt: the file does not hold one whole identity.
	ErrIdentityCorrupt = errors.New("identity file is corrupt; restore it from a backup, or delete it to start as a new peer")
)

// maxIdentityFile is more than an Ed25519 identity takes (about 92 bytes) and
// little enough to read without thinking.
const maxIdentityFile = 4096

// Identity is the Ed25519 key pair of a peer. Whatever prints it prints the
// public [federation.PeerID].
type Identity struct {
	key crypto.PrivKey
	id  peer.ID
}

// ID returns the name that the key pair gives its peer.
func (i Identity) ID() federation.PeerID { return peerID(i.id) }

// String returns the peer ID.
func (i Identity) String() string { return i.id.String() }

// GoString returns the peer ID: %#v would otherwise walk into the key.
func (i Identity) GoString() string { return "p2p.Identity(" + i.id.String() + ")" }

func peerID(p peer.ID) federation.PeerID { return federation.PeerID(p.String()) }

// CreateIdentity generates a key pair and stores it in a new file at path,
// which only its owner may read. Either the whole file is there afterwards or
// none. An existing file is [ErrIdentityExists].
func CreateIdentity(path string) (Identity, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return Identity{}, fmt.Errorf("creating identity: %w", err)
	}
	text, err := encodeIdentity(key)
	if err != nil {
		return Identity{}, fmt.Errorf("creating identity: %w", err)
	}
	if err := writeNew(path, text); err != nil {
		return Identity{}, fmt.Errorf("creating identity: %w", err)
	}
	return newIdentity(key)
}

// LoadIdentity reads the key pair in the file at path. The error wraps
// fs.ErrNotExist, [ErrIdentityExposed] or [ErrIdentityCorrupt] where they
// apply, and never quotes the file.
func LoadIdentity(path string) (Identity, error) {
	f, err := os.Open(path)
	if err != nil {
		return Identity{}, fmt.Errorf("reading identity: %w", err)
	}
	defer func() { _ = f.Close() }()
	// The mode of the opened file, not of whatever is at path by now.
	info, err := f.Stat()
	if err != nil {
		return Identity{}, fmt.Errorf("reading identity: %w", err)
	}
	// Windows has no such bits; Go makes them up there.
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return Identity{}, fmt.Errorf("reading identity: %s has mode %04o: %w", path, mode, ErrIdentityExposed)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxIdentityFile+1))
	if err != nil {
		return Identity{}, fmt.Errorf("reading identity: %w", err)
	}
	key, err := decodeIdentity(text)
	if err != nil {
		return Identity{}, fmt.Errorf("reading identity: %s: %w", path, err)
	}
	return newIdentity(key)
}

func newIdentity(key crypto.PrivKey) (Identity, error) {
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return Identity{}, fmt.Errorf("naming the identity: %w", err)
	}
	return Identity{key, id}, nil
}

// Secret returns 32 bytes that follow from the private key and the purpose, for
// what nobody else may be able to compute: HMAC-SHA256 of the purpose under the
// key's seed. They tell nothing of the key, nor of those for other purposes.
func (i Identity) Secret(purpose string) (secret [32]byte, err error) {
	raw, err := i.key.Raw()
	if err != nil || len(raw) != ed25519.PrivateKeySize {
		return secret, fmt.Errorf("deriving a secret from the identity: not an Ed25519 private key: %w", err)
	}
	mac := hmac.New(sha256.New, raw[:ed25519.SeedSize])
	mac.Write([]byte("bristled " + purpose))
	return [32]byte(mac.Sum(nil)), nil
}

// encodeIdentity returns the one line of the file: libp2p's own encoding of a
// private key in base64, which its other tools read too.
func encodeIdentity(key crypto.PrivKey) ([]byte, error) {
	b, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(base64.StdEncoding.AppendEncode(nil, b), '\n'), nil
}

// decodeIdentity reads what encodeIdentity wrote and nothing else. Errors say
// what is wrong without the bytes that are.
func decodeIdentity(text []byte) (crypto.PrivKey, error) {
	if len(text) > maxIdentityFile {
		return nil, fmt.Errorf("%w (longer than %d bytes)", ErrIdentityCorrupt, maxIdentityFile)
	}
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, bytes.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("%w (not base64)", ErrIdentityCorrupt)
	}
	key, err := crypto.UnmarshalPrivateKey(b)
	if err != nil || key.Type() != crypto.Ed25519 {
		return nil, fmt.Errorf("%w (not an Ed25519 private key)", ErrIdentityCorrupt)
	}
	// The file holds the seed and the public key. libp2p believes both; a
	// flipped bit in either would be a peer that signs for somebody else.
	raw, err := key.Raw()
	if err != nil || len(raw) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w (not an Ed25519 private key)", ErrIdentityCorrupt)
	}
	if !bytes.Equal(ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize]), raw) {
		return nil, fmt.Errorf("%w (its two halves do not belong together)", ErrIdentityCorrupt)
	}
	return key, nil
}

// writeNew writes a file of mode 0600 that is either whole or absent, and
// never replaces one: a rename would, a hard link does not.
func writeNew(path string, data []byte) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, ErrIdentityExists)
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".identity-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrIdentityExists)
	}
	if err != nil {
		// No hard links here (FAT, some network disks). Two processes that
		// create at once could both get past Lstat above; one identity of
		// two that nobody has seen yet is lost then.
		if err = os.Rename(f.Name(), path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// syncDir makes a new name in a folder survive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be opened there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
