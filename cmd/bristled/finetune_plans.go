package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"

	"github.com/bristle-fl/bristled/learner/finetune"
)

const (
	maxPlans     = 64
	maxPlansFile = 1 << 20
)

// planName is what an arm of one's own may be called: files are named after it.
var planName = regexp.MustCompile(`^[a-z0-9][a-z0-9+._-]{0,59}$`)

// known returns the names of all arms there are.
func (f *finetuneFlags) known() []string {
	var names []string
	for _, p := range f.own {
		names = append(names, p.Name)
	}
	return append(names, finetune.PlanNames()...)
}

// readPlans reads the file of --plans. Without --arms its plans are the arms.
func (f *finetuneFlags) readPlans(armsGiven bool) error {
	if f.plans == "" {
		return nil
	}
	info, err := os.Stat(f.plans)
	if err != nil {
		return fmt.Errorf("--plans %w", inFile(f.plans, err))
	}
	if !info.Mode().IsRegular() || info.Size() > maxPlansFile {
		return fmt.Errorf("--plans %s: it is no file of at most %d bytes", f.plans, maxPlansFile)
	}
	b, err := os.ReadFile(f.plans)
	if err != nil {
		return fmt.Errorf("--plans %w", inFile(f.plans, err))
	}
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	if err := in.Decode(&f.own); err != nil {
		return fmt.Errorf("--plans %s: %w: write a list of plans, as docs/hospital.md shows", f.plans, err)
	}
	if in.More() || len(f.own) == 0 || len(f.own) > maxPlans {
		return fmt.Errorf("--plans %s: write one list of 1 to %d plans", f.plans, maxPlans)
	}
	var names []string
	for _, p := range f.own {
		switch {
		case !planName.MatchString(p.Name):
			return fmt.Errorf("--plans %s: the name %.80q must be of small letters, digits and + . _ -", f.plans, p.Name)
		case slices.Contains(names, p.Name) || slices.Contains(finetune.PlanNames(), p.Name):
			return fmt.Errorf("--plans %s: %w", f.plans, errors.New("two arms are called "+p.Name))
		}
		names = append(names, p.Name)
	}
	if !armsGiven {
		f.arms = names
	}
	return nil
}
