package site

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestAnyResultsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawResults(t)
		var b bytes.Buffer
		if err := WriteResults(&b, r); err != nil {
			t.Fatal(err)
		}
		got, err := ReadResults(&b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}

func TestNaNIsNull(t *testing.T) {
	r := fake(2)
	r.Arms[0].Metrics[1].Mean, r.Pairs[0].P = math.NaN(), math.NaN()
	var b bytes.Buffer
	if err := WriteResults(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"mean": null`, `"p": null`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	// A p that is not there must not be read as one of 0.
	text := strings.Replace(b.String(), `"p": null`, `"metric": "AUROC"`, 1)
	got, err := ReadResults(strings.NewReader(text))
	if err != nil || !math.IsNaN(got.Pairs[0].P) || !math.IsNaN(got.Arms[0].Metrics[1].Mean) {
		t.Errorf("got %v, %v", got.Pairs, err)
	}
}

func TestImpossibleResultsAreRefused(t *testing.T) {
	nan, long := math.NaN(), strings.Repeat("x", mostText+1)
	for name, test := range map[string]struct {
		change func(r *Results)
		want   string
	}{
		"long title":         {func(r *Results) { r.Title = long }, "a text of 16385 bytes"},
		"long setting":       {func(r *Results) { r.Settings[0].Value = long }, "a text of"},
		"long class":         {func(r *Results) { r.Data.Classes[0] = long }, "a text of"},
		"long split":         {func(r *Results) { r.Data.Splits[0].Name = long }, "a text of"},
		"long file":          {func(r *Results) { r.Final.File = long }, "a text of"},
		"long group":         {func(r *Results) { r.Backbone.Groups[0] = long }, "a text of"},
		"many settings":      {func(r *Results) { r.Settings = make([]Setting, mostList+1) }, "1025 settings"},
		"many notes":         {func(r *Results) { r.Data.Notes = make([]string, mostList+1) }, "1025 notes"},
		"negative folds":     {func(r *Results) { r.Folds = -1 }, "a count is -1"},
		"negative images":    {func(r *Results) { r.Data.Images[0] = -2 }, "a count is -2"},
		"negative shape":     {func(r *Results) { r.Data.Shape[2] = -3 }, "a count is -3"},
		"negative input":     {func(r *Results) { r.Backbone.Input[0] = -4 }, "a count is -4"},
		"negative split":     {func(r *Results) { r.Data.Splits[1].Patients = -5 }, "a count is -5"},
		"negative trained":   {func(r *Results) { r.Arms[0].Trained = -6 }, "a count is -6"},
		"images of no class": {func(r *Results) { r.Data.Images = []int{1} }, "2 classes, but images of 1"},
		"many classes": {func(r *Results) {
			n := mostClasses + 1
			r.Data.Classes, r.Data.Images, r.Data.Patients = make([]string, n), make([]int, n), make([]int, n)
			for i := range r.Arms {
				r.Arms[i].Confusion = nil
			}
		}, "257 classes"},
		"many arms": {func(r *Results) {
			for i := range mostArms {
				r.Arms = append(r.Arms, Arm{Name: strconv.Itoa(i)})
			}
		}, "18 arms"},
		"arm without name": {func(r *Results) { r.Arms[0].Name = "" }, "arm 1: a name of 0 bytes"},
		"arm twice":        {func(r *Results) { r.Arms[1].Name = r.Arms[0].Name }, `two arms are called "probe"`},
		"other metrics":    {func(r *Results) { r.Arms[1].Metrics[0].Name = "other" }, "has other metrics"},
		"missing metrics":  {func(r *Results) { r.Arms[1].Metrics = r.Arms[1].Metrics[1:] }, "has other metrics"},
		"nameless metric":  {func(r *Results) { r.Arms[0].Metrics[0].Name = "" }, "a name of 0 bytes"},
		"infinite mean":    {func(r *Results) { r.Arms[0].Metrics[0].Mean = math.Inf(1) }, `"AUROC" is +Inf`},
		"infinite low":     {func(r *Results) { r.Arms[0].Metrics[0].Low = math.Inf(-1) }, `"AUROC" is -Inf`},
		"upside down":      {func(r *Results) { r.Arms[0].Metrics[0].Low = .9 }, "is upside down"},
		"matrix too small": {func(r *Results) { r.Arms[0].Confusion = r.Arms[0].Confusion[1:] }, "has 1 rows for 2 classes"},
		"short row":        {func(r *Results) { r.Arms[0].Confusion[1] = nil }, "row 2 of the confusion matrix has 0"},
		"NaN count":        {func(r *Results) { r.Arms[0].Confusion[1][0] = nan }, "holds NaN"},
		"negative count":   {func(r *Results) { r.Arms[0].Confusion[0][0] = -1 }, "holds -1"},
		"falling ROC":      {func(r *Results) { r.Arms[0].ROC[3] = [2]float64{} }, "point 4 of the ROC curve is"},
		"NaN in ROC":       {func(r *Results) { r.Arms[0].ROC[3][1] = nan }, "point 4 of the ROC curve is"},
		"ROC over 1":       {func(r *Results) { r.Arms[0].ROC[len(r.Arms[0].ROC)-1][0] = 1.1 }, "of the ROC curve is [1.1"},
		"NaN bin":          {func(r *Results) { r.Arms[0].Reliability[0].Accuracy = nan }, "bin 1 is"},
		"empty bin":        {func(r *Results) { r.Arms[0].Reliability[0].Count = 0 }, "bin 1 is"},
		"epoch 0":          {func(r *Results) { r.Arms[0].Loss[0].Epoch = 0 }, "epoch 0 follows epoch 0"},
		"epoch twice":      {func(r *Results) { r.Arms[0].Loss[1].Epoch = 1 }, "epoch 1 follows epoch 1"},
		"far epoch":        {func(r *Results) { r.Arms[0].Loss[1].Epoch = math.MaxInt }, "follows epoch 1"},
		"NaN loss":         {func(r *Results) { r.Arms[0].Loss[0].Mean = nan }, "epoch 1: {Epoch:1 Mean:NaN"},
		"negative rate":    {func(r *Results) { r.Arms[0].Loss[0].Rate = -1 }, "epoch 1: "},
		"empty phase":      {func(r *Results) { r.Arms[0].Phases[0].To = 0 }, "a phase from epoch 0 to 0"},
		"endless phase":    {func(r *Results) { r.Arms[0].Phases[0].To = math.MaxInt }, "a phase from epoch 0 to"},
		"early phase":      {func(r *Results) { r.Arms[0].Phases[0].From = -1 }, "a phase from epoch -1"},
		"NaN phase":        {func(r *Results) { r.Arms[0].Phases[0].MaxRate = nan }, "learning rate NaN"},
		"nameless phase":   {func(r *Results) { r.Arms[0].Phases[0].Group = "" }, "a name of 0 bytes"},
		"many groups": {func(r *Results) {
			for i := range mostGroups {
				r.Arms[0].Phases = append(r.Arms[0].Phases, Phase{Group: strconv.Itoa(i), To: 1})
			}
		}, "65 groups of layers"},
		"NaN seconds":     {func(r *Results) { r.Arms[0].SecondsPerRun = nan }, "NaN seconds"},
		"long probing":    {func(r *Results) { r.Arms[0].ProbeEpochs = math.MaxInt }, "epochs of probing"},
		"unknown arm":     {func(r *Results) { r.Pairs[0].A = "other" }, `arms "other" and "probe"`},
		"arm with itself": {func(r *Results) { r.Pairs[0].A = r.Pairs[0].B }, "which are not two"},
		"p over 1":        {func(r *Results) { r.Pairs[0].P = 1.5 }, "p is 1.5"},
		"negative p":      {func(r *Results) { r.Pairs[0].P = -.5 }, "p is -0.5"},
		"pair upside down": {func(r *Results) {
			r.Pairs[0].Low, r.Pairs[0].High = 1, 0
		}, "the interval from 1 to 0"},
		"infinite difference": {func(r *Results) { r.Pairs[0].Difference = math.Inf(1) }, "is +Inf"},
		"other model":         {func(r *Results) { r.Final.Arm = "other" }, `of arm "other"`},
	} {
		r := fake(2)
		test.change(&r)
		for format, write := range writers {
			var b bytes.Buffer
			err := write(&b, r)
			if !errors.Is(err, ErrResults) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s as %s: got error %v, want one with %q", name, format, err, test.want)
			}
			if b.Len() > 0 {
				t.Errorf("%s as %s: %d bytes were written", name, format, b.Len())
			}
		}
		if card := ModelCard(r); !strings.HasPrefix(card, "# Model card: ") {
			t.Errorf("%s: no card", name)
		}
	}
}

// writers are all functions that write results.
var writers = map[string]func(io.Writer, Results) error{
	"json": WriteResults, "picture": WritePicture,
	"html": func(w io.Writer, r Results) error { return WriteHTML(w, r, nil) },
}

func TestWriteErrorsComeBack(t *testing.T) {
	pr, pw := io.Pipe()
	want := errors.New("disk full")
	pr.CloseWithError(want)
	for format, write := range writers {
		if err := write(pw, fake(1)); !errors.Is(err, want) {
			t.Errorf("%s: %v", format, err)
		}
	}
	if _, err := ReadResults(pr); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("read: %v", err)
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	var good bytes.Buffer
	if err := WriteResults(&good, fake(2)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"nothing":       {"", "EOF"},
		"cut off":       {good.String()[:good.Len()/2], "unexpected EOF"},
		"unknown field": {`{"titel": "x"}`, "another version"},
		"more":          {good.String() + "{}", "something after them"},
		"impossible":    {strings.Replace(good.String(), `"folds": 5`, `"folds": -5`, 1), "a count is -5"},
		"wrong type":    {`{"title": 5}`, "another version"},
		"wrong mean":    {strings.Replace(good.String(), `"mean": 0.71`, `"mean": "x"`, 1), "another version"},
		"wrong pair":    {strings.Replace(good.String(), `"a": "full"`, `"a": 1`, 1), "another version"},
		"large":         {strings.Repeat(" ", mostBytes+1), "more than 32 MiB"},
		"amplified":     {`{"arms":[{}` + strings.Repeat(",{}", mostObjects) + "]}", "more than 262144 objects"},
	} {
		r, err := ReadResults(strings.NewReader(test.text))
		if !errors.Is(err, ErrResults) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
		if len(r.Arms) > 0 {
			t.Errorf("%s: results came back", name)
		}
	}
}

// FuzzReadResults: what can be read can be written, and reads as the same.
func FuzzReadResults(f *testing.F) {
	for n := range 3 {
		var b bytes.Buffer
		if err := WriteResults(&b, brief(n)); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"arms":[{"name":"a","metrics":[{"name":"m","mean":null}]}],"pairs":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ReadResults(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrResults) {
				t.Fatal(err)
			}
			return
		}
		var out bytes.Buffer
		if err := WriteResults(&out, r); err != nil {
			t.Fatal(err)
		}
		again, err := ReadResults(&out)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, again, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		if len(r.Arms) <= 3 {
			if err := WriteHTML(io.Discard, r, nil); err != nil {
				t.Fatal(err)
			}
		}
		ModelCard(r)
	})
}
