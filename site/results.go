package site

import "time"

// Results are what a fine-tuning showed: all that its report and its model
// card say. Intervals are 95% confidence intervals everywhere. Numbers that
// are not defined, such as the sensitivity without positives, are NaN, and null
// in JSON. Texts may come from a site's files and are never trusted.
type Results struct {
	Title    string    `json:"title"`
	Version  string    `json:"version"` // of the program
	Commit   string    `json:"commit"`  // of the program
	Machine  string    `json:"machine"` // a line on processor, system and Go version
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`

	Seed        uint64 `json:"seed"`
	Folds       int    `json:"folds"`        // of each run
	Runs        int    `json:"runs"`         // repetitions with other folds
	Epochs      int    `json:"epochs"`       // of the main phase
	ProbeEpochs int    `json:"probe_epochs"` // of linear probing
	Bootstrap   int    `json:"bootstrap"`    // resamples of patients that the intervals rest on

	// HeldOut says that the arms are models that were tested once, on one of as
	// many parts as there are folds, which none of them has seen, and that the
	// model written is one of them. Else they were cross-validated.
	HeldOut bool `json:"held_out,omitempty"`

	// Offline says that the command that made the results opened no network
	// connection. The report claims it only then.
	Offline bool `json:"offline"`

	Settings []Setting `json:"settings"` // what else was set, in the order to show
	Data     DataSheet `json:"data"`
	Backbone Backbone  `json:"backbone"`
	Arms     []Arm     `json:"arms"`
	Pairs    []Pair    `json:"pairs"`
	Final    Final     `json:"final"`
}

// Setting is a named setting as text.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// DataSheet says what the images are. It names no patient and no file.
type DataSheet struct {
	Source   string   `json:"source"`   // where they are from
	Classes  []string `json:"classes"`  // the second of two is the positive one
	Images   []int    `json:"images"`   // per class
	Patients []int    `json:"patients"` // per class; a patient may be in several
	People   int      `json:"people"`   // patients in all; 0: not counted
	Splits   []Split  `json:"splits,omitempty"`
	Sizes    []string `json:"sizes,omitempty"`   // of the files' pictures, such as "1024x1024 (310)"
	Skipped  []string `json:"skipped,omitempty"` // why files were left out
	Shape    [3]int   `json:"shape"`             // channels, height and width that enter the network
	Notes    []string `json:"notes,omitempty"`
}

// Split is a part of the data that came divided.
type Split struct {
	Name     string `json:"name"`
	Images   int    `json:"images"`
	Patients int    `json:"patients"`
}

// Backbone is the pretrained network that was fitted.
type Backbone struct {
	File       string   `json:"file"`
	SHA256     string   `json:"sha256"`
	Parameters int      `json:"parameters"`
	Input      [3]int   `json:"input"`      // channels, height and width
	Groups     []string `json:"groups"`     // of layers, the head first
	Pretrained string   `json:"pretrained"` // on what, in words
}

// Arm is one of the compared ways to train.
type Arm struct {
	Name  string `json:"name"`  // unique among the arms
	About string `json:"about"` // one sentence
	// Metrics over the test folds. All arms have the same ones in the same
	// order. Arms are ranked by the first, AUROC, of which more is better.
	Metrics []Metric `json:"metrics"`
	// Confusion holds how many images of a class (row) were taken for a class
	// (column) in all test folds together, as the mean over runs. Empty: unknown.
	Confusion [][]float64 `json:"confusion,omitempty"`
	// ROC is a curve from (0, 0) to (1, 1): the share of false positives and
	// that of true positives, neither of which falls.
	ROC         [][2]float64 `json:"roc,omitempty"`
	Reliability []Bin        `json:"reliability,omitempty"`
	Loss        []EpochPoint `json:"loss,omitempty"`
	Phases      []Phase      `json:"phases,omitempty"` // of all groups, the head first
	ProbeEpochs int          `json:"probe_epochs"`     // with which the arm begins
	// SecondsPerRun is how long the trainings of a run take one after another,
	// testing included, as the mean over runs.
	SecondsPerRun float64 `json:"seconds_per_run"`
	// Memory is the most bytes that weights, gradients, the optimizer,
	// activations and kept feature maps took together.
	Memory  uint64 `json:"memory"`
	Prefix  string `json:"prefix"`  // how the frozen layers ran, such as "int8, cached"
	Trained int    `json:"trained"` // parameters that training changed
	Total   int    `json:"total"`   // parameters in all
}

// Metric is a number that was measured on every test fold.
type Metric struct {
	Name string
	Mean float64 // over the test folds
	SD   float64 // over the test folds
	Low  float64 // confidence interval of the mean
	High float64
}

// Bin is what a model that was so sure was right in how many cases.
type Bin struct {
	Confidence float64 `json:"confidence"` // mean of the bin, 0 to 1
	Accuracy   float64 `json:"accuracy"`   // share that was right, 0 to 1
	Count      int     `json:"count"`      // predictions, at least 1
}

// EpochPoint is the training after an epoch.
type EpochPoint struct {
	Epoch int     `json:"epoch"` // from 1, probing included
	Mean  float64 `json:"mean"`  // training loss over all folds and runs
	SD    float64 `json:"sd"`    // over all folds and runs
	Rate  float64 `json:"rate"`  // the head's learning rate at the epoch's last step
}

// Phase is a time in which a group of layers is trained or frozen.
type Phase struct {
	Group   string  `json:"group"`
	From    int     `json:"from"` // epochs, from 0, probing included
	To      int     `json:"to"`   // excluded
	MaxRate float64 `json:"max_rate"`
	Decay   float64 `json:"decay"`
	Frozen  bool    `json:"frozen"`
}

// Pair compares two arms on the same folds.
type Pair struct {
	A, B       string // names of arms
	Metric     string
	Difference float64 // A less B
	Low, High  float64 // confidence interval of the difference, by patients
	P          float64 // two-sided, of the corrected resampled t-test
}

// Final is the model that was written. After a cross-validation it is the arm's
// plan trained once more, on all images. No file: none was.
type Final struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Card   string `json:"card"` // file name of the model card
	Arm    string `json:"arm"`  // empty: none that was evaluated
}
