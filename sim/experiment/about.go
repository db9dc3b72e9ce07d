package experiment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bristle-fl/bristled/sim/report"
)

// readAbout reads what results come from. It is empty where that is not known.
func readAbout(dir string) (a report.About, err error) {
	path := filepath.Join(dir, aboutFile)
	b, err := readBounded(path, maxPlan)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

func writeAbout(dir string, a report.About) error {
	b, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, aboutFile), append(b, '\n'))
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
	return writeAbout(dir, about)
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
