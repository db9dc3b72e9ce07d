package cohort

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What a store is made of. Beside these there is a lock, and for moments an
// unfinished file.
const (
	samplesName = "samples" // a directory of the images, by their hashes
	indexName   = "index.csv"
	auditName   = "audit.jsonl"
	keyName     = "patients.key"
	lockName    = ".lock"
)

// isStore says whether a directory is one that [Import] has finished.
func isStore(dir string) bool {
	samples, err := os.Stat(filepath.Join(dir, samplesName))
	if err != nil || !samples.IsDir() {
		return false
	}
	index, err := os.Stat(filepath.Join(dir, indexName))
	return err == nil && index.Mode().IsRegular()
}

// isPart says whether a file belongs to a store and is no image.
func isPart(file string) bool {
	return file == indexName || file == auditName || file == keyName
}

// sampleStore is a store that is being imported into.
type sampleStore struct {
	dir    string
	disk   disk
	lock   *os.File
	secret secret
	index  map[string]Image  // of each file; its patient is a pseudonym
	labels map[string]string // of each file
	splits map[string]string // of each pseudonym
	added  int               // files that the index on the disk has not
}

// openStore opens a store for one import at a time, and makes it first in a
// directory that is empty or not there yet.
func openStore(dir string, d disk, random io.Reader) (*sampleStore, error) {
	if err := os.MkdirAll(filepath.Join(dir, samplesName), 0o700); err != nil {
		return nil, writing(dir, err)
	}
	s := &sampleStore{dir: dir, disk: d, index: map[string]Image{}, labels: map[string]string{}, splits: map[string]string{}}
	if err := s.takeLock(); err != nil {
		return nil, err
	}
	err := s.readIndex()
	if err == nil {
		err = s.openSecret(random)
	}
	if err == nil {
		err = errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
	}
	if err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// takeLock waits for nobody. With the lock, what a crash has left unfinished
// goes away.
func (s *sampleStore) takeLock() error {
	path := filepath.Join(s.dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return writing(path, err)
	}
	if err := lockFile(f); err != nil {
		f.Close()
		if errors.Is(err, errLocked) {
			return fileError(s.dir, ErrBusy, "wait for its end")
		}
		return writing(path, err)
	}
	s.lock = f
	left, err := filepath.Glob(filepath.Join(s.dir, unfinished+"*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// readIndex reads what the store has.
func (s *sampleStore) readIndex() error {
	if !isStore(s.dir) {
		return nil
	}
	c, err := list(Source{Dir: s.dir})
	if err != nil {
		return err
	}
	// One import may bring one class, and the next the other.
	wrong := slices.DeleteFunc(c.problems, func(err error) bool { return errors.Is(err, ErrOneClass) })
	if err := tell(wrong); err != nil {
		return err
	}
	for _, image := range c.Images {
		s.index[image.File] = image
		s.labels[image.File] = c.Classes[image.Label]
		s.splits[image.Patient] = image.Split
	}
	return nil
}

// keep writes a sample, unless it is there, and returns its hash.
func (s *sampleStore) keep(png []byte) (sum [32]byte, err error) {
	sum = sha256.Sum256(png)
	path := filepath.Join(s.dir, filepath.FromSlash(sampleFile(sum)))
	if there, _, err := sumFile(context.Background(), path); err == nil && there == sum {
		return sum, nil
	}
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err == nil {
		err = syncDir(filepath.Dir(dir))
		if err != nil {
			return sum, writing(dir, err)
		}
	} else if !errors.Is(err, os.ErrExist) {
		return sum, writing(dir, err)
	}
	return sum, s.disk.writeFile(s.dir, path, png)
}

// sampleFile names the file of a sample in a store, with slashes.
func sampleFile(sum [32]byte) string {
	name := hex.EncodeToString(sum[:])
	return samplesName + "/" + name[:2] + "/" + name + ".png"
}

// add puts an image into the index. It is durable after commit. The reason
// says why it cannot be.
func (s *sampleStore) add(sample [32]byte, patient, label, split string) (outcome, reason string) {
	file := sampleFile(sample)
	there, ok := s.index[file]
	switch {
	case !ok:
	case there.Patient != patient:
		return outcomeRefused, "the same image is in the store, of another patient"
	case s.labels[file] != label:
		return outcomeRefused, "the same image is in the store, in another class"
	case there.Split != split:
		return outcomeRefused, "the same image is in the store, in another split"
	default:
		return outcomeKnown, ""
	}
	s.index[file] = Image{File: file, Patient: patient, Split: split}
	s.labels[file] = label
	s.splits[patient] = split
	s.added++
	return outcomeStored, ""
}

// commit writes the index. It is in the order of the hashes, which says
// nothing of the order in which images came.
func (s *sampleStore) commit() error {
	if s.added == 0 {
		return nil
	}
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	rows := [][]string{}
	for file, image := range s.index {
		rows = append(rows, []string{file, image.Patient, s.labels[file], image.Split})
	}
	slices.SortFunc(rows, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	if err := errors.Join(out.Write([]string{"file", "patient", "label", "split"}), out.WriteAll(rows)); err != nil {
		return writing(s.path(indexName), err)
	}
	if err := s.disk.writeFile(s.dir, s.path(indexName), text.Bytes()); err != nil {
		return err
	}
	s.added = 0
	return nil
}

func (s *sampleStore) path(name string) string { return filepath.Join(s.dir, name) }

// patients counts who is in the store.
func (s *sampleStore) patients() int { return len(s.splits) }

// divided says whether the store's images are in splits.
func (s *sampleStore) divided() bool {
	for _, split := range s.splits {
		return split != ""
	}
	return false
}

// mayHold says whether a directory can be or become a store.
func mayHold(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fileError(dir, cause(err), "name a directory that can be read and written")
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && name != samplesName && !isPart(name) {
			return fileError(dir, fmt.Errorf("%w: %s is in it", ErrNoStore, name), "name an empty directory, or one that does not exist yet")
		}
	}
	return nil
}
