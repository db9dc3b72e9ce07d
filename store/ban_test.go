package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/federation"
)

// Bans outlive everything, in their order, small ones and such as are files.
func TestBans(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Federation: testFederation, Keep: 1})
	must(t, err)
	large := make([]byte, 3*inlineLimit)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range large {
		large[i] = byte(rng.Uint32())
	}
	when := time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC)
	bans := []Ban{{"z", when, []byte("two messages")}, {"large", when.Add(time.Hour), large}, {"a", when, nil}}
	for i, b := range bans {
		must(t, s.Ban(b))
		must(t, s.Commit(withSets(testRound(uint64(i+1), 2, 2))))
	}
	check := func(want []Ban) {
		t.Helper()
		got, err := s.Bans()
		must(t, err)
		if diff := cmp.Diff(want, got, cmp.Transformer("bytes", func(b []byte) string { return string(b) })); diff != "" {
			t.Error(diff)
		}
	}
	check(bans)
	// Again: the first evidence stays, and late evidence is taken.
	must(t, s.Ban(Ban{"z", when.Add(time.Minute), []byte("more")}))
	must(t, s.Ban(Ban{"z", when.Add(time.Minute), nil}))
	check(bans)
	bans[2] = Ban{"a", when.Add(time.Minute), large[:100]}
	must(t, s.Ban(bans[2]))
	check(bans)
	must(t, s.Close())
	if s, err = Open(dir, Options{Federation: testFederation, Keep: 1}); err != nil {
		t.Fatal(err)
	}
	check(bans)
	must(t, s.Ban(Ban{"next", when, nil}))
	bans = append(bans, Ban{"next", when, nil})
	check(bans)
	for _, key := range []federation.PeerID{"", federation.PeerID(make([]byte, 129))} {
		if err := s.Ban(Ban{Key: key}); err == nil {
			t.Errorf("banned a key of %d bytes", len(key))
		}
	}
	must(t, s.Close())
	if err := s.Ban(bans[0]); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := s.Bans(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}

	// A damaged one costs nobody else's.
	damage(t, filepath.Join(dir, "blobs", "b-2-*"))
	s = open(t, dir)
	check([]Ban{bans[0], bans[2], bans[3]})
	must(t, s.Ban(Ban{"last", when, nil}))
	check([]Ban{bans[0], bans[2], bans[3], {"last", when, nil}})
}

func TestBansAreBounded(t *testing.T) {
	s, err := Open(ramDir(t), Options{Federation: testFederation})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, s.Ban(Ban{Key: "heavy", Evidence: make([]byte, maxEvidence-10)}))
	if err := s.Ban(Ban{Key: "heavier", Evidence: make([]byte, 11)}); !errors.Is(err, ErrTooManyBans) {
		t.Error(err)
	}
	for i := range maxBans - 1 {
		s.index.banned[federation.PeerID(fmt.Sprint(i))] = banned{at: uint64(i) + 2}
	}
	if err := s.Ban(Ban{Key: "one more"}); !errors.Is(err, ErrTooManyBans) {
		t.Error(err)
	}
}

func TestBanOnAFullDisk(t *testing.T) {
	free := uint64(2 * Reserve)
	s, err := Open(t.TempDir(), Options{Federation: testFederation, FreeSpace: func(string) (uint64, error) { return free, nil }})
	must(t, err)
	free = Reserve
	if err := s.Ban(Ban{Key: "a", Evidence: []byte("x")}); !errors.Is(err, ErrDiskFull) {
		t.Error(err)
	}
	free = 2 * Reserve
	must(t, s.Ban(Ban{Key: "a", Evidence: []byte("x")}))
	if bans, err := s.Bans(); err != nil || len(bans) != 1 {
		t.Errorf("%v, %v", bans, err)
	}
	must(t, s.Close())
}
