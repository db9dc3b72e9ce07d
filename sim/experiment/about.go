package experiment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bristle-fl/bristled/sim/report"
)

// aboutName is the file in which a sweep says what its results come from. Each shard
// has its own, because shards may end in one instant.
func aboutName(o Options) string {
	if o.Shards > 1 {
		return fmt.Sprintf("about-%d-of-%d.json", o.Shard, o.Shards)
	}
	return aboutFile
}

// readAbout reads what results come from. It is empty where that is not known.
func readAbout(dir string) (all report.About, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, fmt.Errorf("look for what the results come from: %w", err)
	}
	for _, e := range entries {
		if shard, _ := filepath.Match("about-*-of-*.json", e.Name()); !shard && e.Name() != aboutFile {
			continue
		}
		var a report.About
		path := filepath.Join(dir, e.Name())
		b, err := readBounded(path, maxPlan)
		if err == nil {
			err = json.Unmarshal(b, &a)
		}
		if err != nil {
			return all, fmt.Errorf("%s: %w", path, err)
		}
		all = together(all, a)
	}
	return all, nil
}

func writeAbout(path string, a report.About) error {
	b, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return err
	}
	return writeFile(path, append(b, '\n'))
}

// mergeAbout says in one directory what the results of several come from.
func mergeAbout(dir string, from []string) error {
	about, err := readAbout(dir)
	if err != nil {
		return err
	}
	for _, d := range from {
		other, err := readAbout(d)
		if err != nil {
			return err
		}
		about = together(about, other)
	}
	return writeAbout(filepath.Join(dir, aboutFile), about)
}

// together is what two shards of one experiment come from: the time from when the
// first began to when the last ended, and all machines.
func together(a, b report.About) report.About {
	if b.Started.IsZero() { // nothing is known of it
		return a
	}
	if a.Started.IsZero() {
		return b
	}
	if b.Started.Before(a.Started) {
		a.Started = b.Started
	}
	a.Finished = slices.MaxFunc([]time.Time{a.Finished, b.Finished}, time.Time.Compare)
	const separator = "; "
	machines := strings.Split(a.Machine, separator)
	for _, m := range strings.Split(b.Machine, separator) {
		if !slices.Contains(machines, m) {
			machines = append(machines, m)
		}
	}
	slices.Sort(machines)
	a.Machine = strings.Join(machines, separator)
	return a
}
