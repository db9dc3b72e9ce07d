package federation

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a manifest's fields that nothing else needs to know.
const (
	maxName      = 64 // bytes of the federation's name, and of a class's
	maxConstants = 64
	maxToken     = 64 // bytes of the name of a rule or a constant
	maxChannels  = 16
	maxSide      = 4096 // pixels
	maxBatch     = 65536
	maxSteps     = 1_000_000
	maxProbe     = 10_000
	maxPeers     = 65536
	maxLeast     = 10_000
	maxNoise     = 10
	minRMS       = 1e-9
	maxRMS       = 1e9
)

// Validate checks every field against its range (federation.proto states
// them) and that the largest update fits into wire.max_message. Its errors
// wrap [ErrInvalidManifest], name the field as it is called in the file and
// say what is allowed.
func (m *Manifest) Validate() error {
	for _, err := range []error{
		checkText("name", m.Name),
		checkClassNames(m.Classes),
		m.Backbone.validate(),
		m.Rule.validate(),
		m.Training.validate(),
		m.Wire.validate(),
		m.Prototypes.validate(),
	} {
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidManifest, err)
		}
	}
	if need := m.MaxUpdateSize(); m.Wire.MaxMessage < need {
		return fmt.Errorf("%w: wire.max_message is %d; an update with all %d classes takes up to %d bytes",
			ErrInvalidManifest, m.Wire.MaxMessage, len(m.Classes), need)
	}
	return nil
}

func (s *BackboneSpec) validate() error {
	if s.SHA256 == (Hash{}) {
		return fmt.Errorf("backbone.sha256 is missing: it is the SHA-256 of the ONNX file")
	}
	if err := checkInt("backbone.features", s.Features, 1, MaxFeatures); err != nil {
		return err
	}
	for i, limit := range []int{maxChannels, maxSide, maxSide} {
		if err := checkInt(fmt.Sprintf("backbone.input[%d]", i), s.Input[i], 1, limit); err != nil {
			return err
		}
	}
	if s.Prepare != PrepareCentre && s.Prepare != PrepareResize {
		return fmt.Errorf("backbone.prepare is %q, not %q or %q", s.Prepare, PrepareCentre, PrepareResize)
	}
	if err := checkFloat("backbone.raw_rms", s.RawRMS, minRMS, maxRMS); err != nil {
		return err
	}
	return checkFloat("backbone.rms", s.RMS, minRMS, maxRMS)
}

func (s *RuleSpec) validate() error {
	if err := checkToken("rule.name", s.Name, ":+_-|"); err != nil {
		return err
	}
	if len(s.Constants) > maxConstants {
		return fmt.Errorf("rule.constants has %d entries, at most %d are allowed", len(s.Constants), maxConstants)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Constants)) {
		if err := checkToken("a name in rule.constants", name, "_.-"); err != nil {
			return err
		}
		if err := checkFloat("rule.constants."+name, s.Constants[name], -math.MaxFloat64, math.MaxFloat64); err != nil {
			return err
		}
	}
	return nil
}

func (s *TrainingSpec) validate() error {
	if s.LearningRate == 0 {
		return fmt.Errorf("training.learning_rate is 0; it is above 0 and at most 1")
	}
	if err := checkFloat("training.learning_rate", s.LearningRate, 0, 1); err != nil {
		return err
	}
	if err := checkFloat("training.l2", s.L2, 0, 1); err != nil {
		return err
	}
	if err := checkInt("training.batch", s.Batch, 1, maxBatch); err != nil {
		return err
	}
	if err := checkInt("training.steps", s.Steps, 1, maxSteps); err != nil {
		return err
	}
	return checkInt("training.probe", s.Probe, 1, maxProbe)
}

func (s *WireSpec) validate() error {
	if s.Rows != RowsInt8 && s.Rows != RowsFloat32 {
		return fmt.Errorf("wire.rows is %q, not %q or %q", s.Rows, RowsInt8, RowsFloat32)
	}
	if err := checkInt("wire.max_message", s.MaxMessage, 1, MaxMessage); err != nil {
		return err
	}
	return checkInt("wire.max_peers", s.MaxPeers, 1, maxPeers)
}

func (s *PrototypeSpec) validate() error {
	if err := checkInt("prototypes.least", s.Least, 0, maxLeast); err != nil {
		return err
	}
	if s.Use && s.Least == 0 {
		return fmt.Errorf("prototypes.least is 0; a class mean is of 1 to %d samples at least", maxLeast)
	}
	return checkFloat("prototypes.noise", s.Noise, 0, maxNoise)
}

// checkClassNames refuses names that Windows, macOS or Linux would not give a
// folder and those that lead out of the data folder. Two that differ in
// capitals alone are two classes, since letters need it, though a file system
// that does not tell capitals apart cannot hold both their folders.
func checkClassNames(classes []string) error {
	if len(classes) < 2 || len(classes) > MaxClasses {
		return fmt.Errorf("classes has %d entries, 2 to %d are allowed", len(classes), MaxClasses)
	}
	seen := make(map[string]int, len(classes))
	for i, c := range classes {
		field := fmt.Sprintf("classes[%d]", i)
		if err := checkText(field, c); err != nil {
			return err
		}
		if at := strings.IndexAny(c, `/\:*?"<>|`); at >= 0 {
			return fmt.Errorf("%s is %q; classes are names of folders, which %q cannot be in", field, c, c[at])
		}
		if c[0] == '.' || c[len(c)-1] == '.' {
			return fmt.Errorf("%s is %q; classes are names of folders and neither begin nor end with a dot", field, c)
		}
		if isDevice(c) {
			return fmt.Errorf("%s is %q; classes are names of folders, and Windows keeps this one for a device", field, c)
		}
		if first, ok := seen[c]; ok {
			return fmt.Errorf("%s is %q, as classes[%d] is", field, c, first)
		}
		seen[c] = i
	}
	return nil
}

// isDevice says whether Windows takes a name for a device's: one of a short
// list in any capitals, whatever extension follows.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	port, ok := strings.CutPrefix(base, "COM")
	if !ok {
		port, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && slices.Contains(portNumbers, port)
}

// portNumbers come behind COM and LPT. Windows takes the superscript digits
// of Latin-1 for digits.
var portNumbers = strings.Split("1 2 3 4 5 6 7 8 9 ¹ ² ³", " ")

// checkText asks for 1 to maxName bytes of printable UTF-8 without spaces at
// the ends, which nobody sees and everybody forgets.
func checkText(field, s string) error {
	if len(s) == 0 || len(s) > maxName {
		return fmt.Errorf("%s has %d bytes, 1 to %d are allowed", field, len(s), maxName)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is %q, which is not UTF-8", field, s)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%s is %q, in which %U cannot be printed", field, s, r)
		}
	}
	if strings.TrimSpace(s) != s {
		return fmt.Errorf("%s is %q, with a space at an end", field, s)
	}
	return nil
}

// checkToken asks for 1 to maxToken bytes of a-z, 0-9 and the extra ones.
func checkToken(field, s, extra string) error {
	if len(s) == 0 || len(s) > maxToken {
		return fmt.Errorf("%s is %q; it has 1 to %d characters", field, s, maxToken)
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(extra, c) < 0 {
			return fmt.Errorf("%s is %q; it is made of a-z, 0-9 and %q", field, s, extra)
		}
	}
	return nil
}

func checkInt(field string, v, low, high int) error {
	if v < low || v > high {
		return fmt.Errorf("%s is %d, %d to %d are allowed", field, v, low, high)
	}
	return nil
}

func checkFloat(field string, v, low, high float64) error {
	if !(v >= low && v <= high) { // also when v is NaN
		return fmt.Errorf("%s is %v, %v to %v are allowed", field, v, low, high)
	}
	return nil
}
