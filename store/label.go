package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bristle-fl/bristled/federation"
)

// schema is the version of everything under a store's directory. Version 1 knew
// no prototypes.
const schema = 2

// labelFile says whose store this is. It is read before anything else is
// touched and written once, when the store is created.
const labelFile = "store.json"

type label struct {
	Schema     int           `json:"schema"`
	Federation federation.ID `json:"federation"`
}

// readLabel checks that the store is ours to open, and says whether it is
// new and has no label yet.
func (s *Store) readLabel() (isNew bool, err error) {
	b, err := os.ReadFile(filepath.Join(s.dir, labelFile))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	// The schema comes first: in a later one the rest may mean anything.
	var version struct{ Schema int }
	if err := json.Unmarshal(b, &version); err != nil {
		return false, fmt.Errorf("%w (%s: %w)", ErrCorrupt, labelFile, err)
	}
	if version.Schema > schema {
		return false, fmt.Errorf("%w (it has schema %d, this program knows up to %d)", ErrNewer, version.Schema, schema)
	}
	var l label
	if err := json.Unmarshal(b, &l); err != nil {
		return false, fmt.Errorf("%w (%s: %w)", ErrCorrupt, labelFile, err)
	}
	switch {
	case l.Schema < 1:
		return false, fmt.Errorf("%w (%s: schema %d)", ErrCorrupt, labelFile, l.Schema)
	case l.Schema < schema:
		return false, fmt.Errorf("%w (it has schema %d, this program writes %d)", ErrOlder, l.Schema, schema)
	case l.Federation != s.opts.Federation:
		return false, fmt.Errorf("%w (it belongs to %s, this peer to %s)", ErrOtherFederation, l.Federation, s.opts.Federation)
	}
	return false, nil
}

func (s *Store) writeLabel() error {
	b, err := json.Marshal(label{schema, s.opts.Federation})
	if err != nil {
		return err
	}
	return s.replaceFile(labelFile, append(b, '\n'))
}
