package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

const (
	// wisdmReadings is the length of a window: five seconds at 20 Hz.
	wisdmReadings = 100

	// wisdmFiner is how many steps there are between two readings, and
	// wisdmSteps how many that makes: what the network of the Bristle
	// experiments takes. It was pretrained on readings taken more often, and
	// its features tell activities apart as well on five seconds of such steps
	// as on the 15 that 298 readings take (75% of windows of unseen subjects
	// either way, and 72% on 100 readings as they are), from a third of the
	// data.
	wisdmFiner = 3
	wisdmSteps = (wisdmReadings-1)*wisdmFiner + 1

	// wisdmReach is the acceleration in m/s² that is the greatest byte, and
	// minus it the least: a little more than the 2 g at which phones clip.
	wisdmReach = 20

	// wisdmGap is the time between two readings, in nanoseconds, above which
	// they do not belong to one recording. The readings are 50 ms apart.
	wisdmGap = 200_000_000

	// wisdmEvery says which subjects are the test set: every third.
	wisdmEvery = 3

	// maxWISDMLine bounds one line of a file, in bytes.
	maxWISDMLine = 1 << 10
)

// wisdmClasses are the activities that a network of the Bristle experiments
// tells apart, as far as this collection has them: letters A to E of its
// activity key.
var wisdmClasses = []string{"walking", "jogging", "stairs", "sitting", "standing"}

const hintWISDM = "the folder must hold files such as data_1600_accel_phone.txt, with or without .gz: raw/phone/accel of the WISDM collection"

// ReadWISDM reads the raw phone accelerometer of the WISDM collection of 51
// subjects (G. Weiss, K. Yoneda and T. Hayajneh, Smartphone and
// Smartwatch-Based Biometrics Using Activities of Daily Living, 2019), or of
// some of the subjects: files data_*.txt, each with or without .gz, with lines
//
//	subject,activity letter,time in ns,x,y,z;
//
// Of its activities those that the older WISDM set has are kept: walking,
// jogging, stairs, sitting and standing.
//
// A sample is a series of 3 axes x 1 x 298 steps: 100 readings, five seconds
// at 20 Hz, and two more steps on the line between any two of them. Its owner
// is the subject. Windows do not overlap, and a window does not go over a
// change of activity, a gap of more than 200 ms, or a time that does not grow;
// readings left over at the end of a recording are dropped, and times do not
// matter otherwise. A step of a m/s² is the byte (a+20)·255/40, rounded;
// readings beyond ±20 count as ±20. So p/255, which networks take, is the
// acceleration above -20 in units of 40 m/s², and [Set.MeanStd] says how to
// standardise it.
//
// Every third subject, in the order of their names, is the test set: a window
// resembles the others of its recording so much that windows held back of the
// same subjects would flatter. At least three subjects must be there. All
// errors are a [*FileError].
func ReadWISDM(dir string) (train, test Set, err error) {
	paths, err := findParts(dir, "data_", ".txt")
	if err != nil {
		return Set{}, Set{}, &FileError{dir, cause(err), hintWISDM}
	}
	if len(paths) == 0 {
		return Set{}, Set{}, &FileError{filepath.Join(dir, "data_*.txt"), fs.ErrNotExist, hintWISDM}
	}
	var all []Sample
	var owners []string
	for _, path := range paths {
		samples, err := readWISDM(path)
		if err != nil {
			return Set{}, Set{}, err
		}
		for _, s := range samples {
			if !slices.Contains(owners, s.Owner) {
				owners = append(owners, s.Owner)
			}
		}
		all = append(all, samples...)
	}
	if len(owners) < wisdmEvery {
		return Set{}, Set{}, &FileError{dir, fmt.Errorf("%w: windows of %d subjects, and %d are needed to hold one back", ErrEmpty, len(owners), wisdmEvery), "add the files of more subjects"}
	}
	slices.Sort(owners)
	shape := [3]int{3, 1, wisdmSteps}
	train = Set{Shape: shape, Classes: slices.Clone(wisdmClasses)}
	test = Set{Shape: shape, Classes: slices.Clone(wisdmClasses)}
	for _, s := range all {
		to := &train
		if slices.Index(owners, s.Owner)%wisdmEvery == wisdmEvery-1 {
			to = &test
		}
		to.Samples = append(to.Samples, s)
	}
	return train, test, nil
}

// IsWISDM says whether a folder holds files of the names that [ReadWISDM]
// looks for.
func IsWISDM(dir string) bool {
	paths, err := findParts(dir, "data_", ".txt")
	return err == nil && len(paths) > 0
}

func readWISDM(path string) ([]Sample, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &FileError{path, cause(err), "check the path and its permissions"}
	}
	defer f.Close()
	samples, err := decodeWISDM(f)
	if err != nil {
		hint := hintDownload
		if !errors.Is(err, ErrTruncated) {
			hint = "lines must be like 1600,A,252207666810782,-0.36,8.79,1.05;"
		}
		return nil, &FileError{path, err, hint}
	}
	return samples, nil
}

// reading is one line of a file.
type reading struct {
	subject string
	label   int // -1: an activity that is passed over
	time    int64
	axes    [3]float64
}

// recording is what was read of an uninterrupted run of one subject and
// activity since its last whole window.
type recording struct {
	last    reading
	started bool
	read    int // readings in window
	window  [3][wisdmReadings]float64
}

// add appends a reading, and returns a sample when it completes a window.
func (r *recording) add(next reading) (sample Sample, whole bool) {
	apart := next.time - r.last.time
	if !r.started || next.subject != r.last.subject || next.label != r.last.label || apart <= 0 || apart > wisdmGap {
		r.read = 0
	}
	r.last, r.started = next, true
	if next.label < 0 {
		return Sample{}, false
	}
	for axis, a := range next.axes {
		r.window[axis][r.read] = a
	}
	if r.read++; r.read < wisdmReadings {
		return Sample{}, false
	}
	r.read = 0
	pixels := make([]uint8, 0, len(r.window)*wisdmSteps)
	for axis := range r.window {
		pixels = appendSteps(pixels, &r.window[axis])
	}
	return Sample{Pixels: pixels, Label: next.label, Owner: next.subject}, true
}

// decodeWISDM reads a stream of lines, which may be gzipped, and returns its
// windows in the order of their ends. Memory grows with what the stream really
// holds.
func decodeWISDM(r io.Reader) ([]Sample, error) {
	r, err := unpacked(r)
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: r, N: maxUnpacked}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, maxWISDMLine), maxWISDMLine)
	var run recording
	var samples []Sample
	number := 0
	for lines.Scan() {
		number++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		next, err := parseWISDM(line, run.last.subject)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if s, whole := run.add(next); whole {
			samples = append(samples, s)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%w: line %d has more than %d bytes", ErrFormat, number+1, maxWISDMLine)
	case err != nil:
		return nil, streamError(err)
	case limited.N == 0:
		return nil, fmt.Errorf("%w: it holds %d bytes or more", ErrTooLarge, maxUnpacked)
	case !run.started:
		return nil, ErrEmpty
	}
	return samples, nil
}

// parseWISDM reads a line. The subject is known, if it is the one before, to
// spare a copy of its name.
func parseWISDM(line []byte, known string) (reading, error) {
	body, closed := bytes.CutSuffix(line, []byte(";"))
	if !closed {
		return reading{}, fmt.Errorf("%w: it does not end with a semicolon", ErrTruncated)
	}
	var fields [6][]byte
	for i := range fields {
		field, rest, more := bytes.Cut(body, []byte(","))
		if more != (i < len(fields)-1) {
			return reading{}, fmt.Errorf("%w: it does not have %d fields", ErrFormat, len(fields))
		}
		fields[i], body = bytes.TrimSpace(field), rest
	}
	next := reading{subject: known}
	if string(fields[0]) != known {
		next.subject = string(fields[0])
	}
	if next.subject == "" {
		return reading{}, fmt.Errorf("%w: it names no subject", ErrFormat)
	}
	// The activity key goes from A to S and has no N.
	if len(fields[1]) != 1 || fields[1][0] < 'A' || fields[1][0] > 'S' || fields[1][0] == 'N' {
		return reading{}, fmt.Errorf("%w: %.20q is no letter of the activity key, A to S", ErrLabel, fields[1])
	}
	if next.label = int(fields[1][0] - 'A'); next.label >= len(wisdmClasses) {
		next.label = -1
	}
	var err error
	if next.time, err = strconv.ParseInt(string(fields[2]), 10, 64); err != nil || next.time < 0 {
		return reading{}, fmt.Errorf("%w: %.40q is no time in nanoseconds", ErrFormat, fields[2])
	}
	for axis := range next.axes {
		a, err := strconv.ParseFloat(string(fields[3+axis]), 64)
		if err != nil || math.IsNaN(a) || math.IsInf(a, 0) {
			return reading{}, fmt.Errorf("%w: %.40q is no acceleration", ErrFormat, fields[3+axis])
		}
		next.axes[axis] = max(-wisdmReach, min(wisdmReach, a))
	}
	return next, nil
}

// appendSteps appends the steps of one axis of a window.
func appendSteps(pixels []uint8, window *[wisdmReadings]float64) []uint8 {
	for i, a := range window[:wisdmReadings-1] {
		for j := range wisdmFiner {
			between := float64(a*float64(wisdmFiner-j)) + float64(window[i+1]*float64(j))
			pixels = append(pixels, accelerationByte(between/wisdmFiner))
		}
	}
	return append(pixels, accelerationByte(window[wisdmReadings-1]))
}

// accelerationByte is the byte of an acceleration within the reach, in m/s².
func accelerationByte(a float64) uint8 {
	return uint8(math.Floor(float64((a+wisdmReach)*(255./(2*wisdmReach))) + .5))
}
