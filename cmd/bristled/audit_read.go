package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// readName is the log that `data import` keeps in a store of images.
const readName = "audit.jsonl"

const (
	maxReadLine = 1 << 16 // bytes of a line of that log; longer ones are no lines
	maxDropped  = 256     // names of elements that are listed
	maxOutcomes = 16      // there are three
)

// imports is what was read into a store of images.
type imports struct {
	File     string      `json:"file"` // the log
	Outcomes []importRow `json:"outcomes"`
	// Dropped are the identifying DICOM elements that were in what was read
	// and are not in the store, by their keywords.
	Dropped []string `json:"dropped"`
	Bad     int      `json:"unreadable"` // lines
}

// importRow adds up what became of files.
type importRow struct {
	Outcome string    `json:"outcome"`
	Files   int       `json:"files"`
	Bytes   uint64    `json:"bytes"` // of the files
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// readImports reads the log of a store of images. Without one it returns nil.
func readImports(dir string, since time.Time) (*imports, error) {
	if dir == "" {
		return nil, nil
	}
	path := filepath.Join(dir, readName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r := &imports{File: path, Outcomes: []importRow{}, Dropped: []string{}}
	in := bufio.NewReaderSize(f, maxReadLine)
	for whole := true; ; {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			whole = false // the rest of the line follows
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%s: %w", path, underlying(err))
		}
		if whole {
			r.add(line, since)
		} else {
			r.Bad++
		}
		whole = true
		if err != nil {
			return r, nil
		}
	}
}

// add takes in a line.
func (r *imports) add(line []byte, since time.Time) {
	if len(line) == 0 {
		return // behind the last one
	}
	var l struct {
		Time    time.Time `json:"time"`
		Bytes   uint64    `json:"bytes"`
		Outcome string    `json:"outcome"`
		Dropped []string  `json:"dropped"`
	}
	if json.Unmarshal(line, &l) != nil || l.Outcome == "" {
		r.Bad++
		return
	}
	if l.Time.Before(since) {
		return
	}
	at := slices.IndexFunc(r.Outcomes, func(o importRow) bool { return o.Outcome == l.Outcome })
	if at < 0 {
		if len(r.Outcomes) >= maxOutcomes {
			r.Bad++
			return
		}
		at = len(r.Outcomes)
		r.Outcomes = append(r.Outcomes, importRow{Outcome: l.Outcome, First: l.Time})
	}
	o := &r.Outcomes[at]
	o.Files++
	o.Bytes += l.Bytes
	o.Last = l.Time
	for _, name := range l.Dropped {
		if place, found := slices.BinarySearch(r.Dropped, name); !found && len(r.Dropped) < maxDropped {
			r.Dropped = slices.Insert(r.Dropped, place, name)
		}
	}
}
