package p2p

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
)

func TestIdentityFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	if _, err := LoadIdentity(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("loaded what is not there: %v", err)
	}
	created, err := CreateIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.ID() != created.ID() || !loaded.key.Equals(created.key) {
		t.Errorf("created %s, loaded %s", created, loaded)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateIdentity(path); !errors.Is(err, ErrIdentityExists) {
		t.Errorf("created over the old one: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed (%v)", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
}

func TestWriteNewDoesNotReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	// As if it had come after the look.
	if err := os.Symlink("nowhere", path); err != nil {
		t.Skip(err)
	}
	if err := writeNew(path, nil); !errors.Is(err, ErrIdentityExists) {
		t.Errorf("wrote through a dangling link: %v", err)
	}
}

func TestCreateIdentityWithoutFolder(t *testing.T) {
	if _, err := CreateIdentity(filepath.Join(t.TempDir(), "missing", "identity")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestIdentityPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits on Windows")
	}
	path := filepath.Join(t.TempDir(), "identity")
	if _, err := CreateIdentity(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Fatalf("created with %v (%v)", info.Mode(), err)
	}
	for mode, exposed := range map[fs.FileMode]bool{
		0o600: false, 0o400: false, 0o700: false,
		0o640: true, 0o604: true, 0o644: true, 0o660: true, 0o610: true, 0o601: true,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadIdentity(path)
		if got := errors.Is(err, ErrIdentityExposed); got != exposed {
			t.Errorf("%04o: %v", mode, err)
		}
		if exposed && (!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "chmod 600")) {
			t.Errorf("%04o: the error does not help: %v", mode, err)
		}
	}
}

func TestCorruptIdentity(t *testing.T) {
	identity := testIdentity(t)
	good, err := encodeIdentity(identity.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(good)))
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte {
		b := bytes.Clone(raw)
		b[at] ^= 1
		return []byte(base64.StdEncoding.EncodeToString(b))
	}
	secp, _, err := crypto.GenerateSecp256k1Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherKind, err := encodeIdentity(secp)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"empty":        nil,
		"cut off":      good[:len(good)/2],
		"no base64":    []byte("%%%"),
		"seed":         flip(len(raw) - 64),
		"public key":   flip(len(raw) - 1),
		"another kind": otherKind,
		"too long":     bytes.Repeat([]byte("A"), maxIdentityFile+1),
		"twice":        append(bytes.Clone(good), good...),
	} {
		path := filepath.Join(t.TempDir(), "identity")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadIdentity(path)
		if !errors.Is(err, ErrIdentityCorrupt) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No way of printing shows the key.
func TestIdentityIsNotPrinted(t *testing.T) {
	identity := testIdentity(t)
	raw, err := identity.key.Raw()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "identity", identity, "config", Config{Identity: identity})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "identity", identity, "config", Config{Identity: identity})
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, format+"\n", identity)
		fmt.Fprintf(&log, format+"\n", Config{Identity: identity})
		fmt.Fprintf(&log, format+"\n", &Config{Identity: identity})
	}
	seed := raw[:32]
	for name, secret := range map[string]string{
		"hex":     fmt.Sprintf("%x", seed),
		"decimal": strings.Trim(fmt.Sprintf("%d", seed), "[]"),
		"base64":  base64.StdEncoding.EncodeToString(seed[:30]),
		"go":      strings.Trim(fmt.Sprintf("%#v", seed), "[]byte{}"),
		"raw":     string(seed),
	} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the key is printed in %s", name)
		}
	}
	if !strings.Contains(log.String(), string(identity.ID())) {
		t.Error("the peer ID is not")
	}
}

func FuzzDecodeIdentity(f *testing.F) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	good, err := encodeIdentity(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	f.Add([]byte("CAESQA=="))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := decodeIdentity(text)
		if err != nil {
			if !errors.Is(err, ErrIdentityCorrupt) {
				t.Errorf("untyped error: %v", err)
			}
			return
		}
		if sig, err := key.Sign([]byte("x")); err != nil {
			t.Errorf("key cannot sign: %v", err)
		} else if ok, err := key.GetPublic().Verify([]byte("x"), sig); !ok || err != nil {
			t.Errorf("key does not verify its own signature: %v", err)
		}
	})
}

// Secrets follow from the key and the purpose and from nothing else.
func TestSecret(t *testing.T) {
	secret := func(i Identity, purpose string) [32]byte {
		t.Helper()
		s, err := i.Secret(purpose)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	path := filepath.Join(t.TempDir(), "identity")
	one, err := CreateIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	other := testIdentity(t)
	if secret(one, "a") != secret(again, "a") {
		t.Error("another secret after a restart")
	}
	if secret(one, "a") == secret(one, "b") || secret(one, "a") == secret(other, "a") {
		t.Error("two secrets are equal")
	}
	raw, err := one.key.Raw()
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, raw[:32])
	mac.Write([]byte("bristled a"))
	if got := secret(one, "a"); !bytes.Equal(got[:], mac.Sum(nil)) {
		t.Errorf("%x", got)
	}
}
