package aggregation

import "github.com/bristle-fl/bristled/federation"

// Verdict is what a rule made of one update. With the update's rows, the own
// head, [Result.F1] and the constants of the manifest it is enough to compute
// the new head again.
type Verdict struct {
	Sender federation.PeerID `json:"sender"`
	Seq    uint64            `json:"seq"`
	Round  uint64            `json:"round"`
	// Distance is the Euclidean distance to the own head: of the whole
	// head where the rule needs it, else the root mean square over the
	// claimed rows. 0 if the rows were not usable.
	Distance float64 `json:"distance"`
	// Third is the third of the distances that the update fell in; empty
	// when all were looked at.
	Third Third `json:"third,omitempty"`
	// Considered reports whether the rule looked at the update's weights
	// beyond its distance.
	Considered bool `json:"considered"`
	// F1 holds the scores per class with the update's rows in the own head;
	// nil if they were not tested.
	F1 []float64 `json:"f1,omitempty"`
	// Certainty is max(0, mean - standard deviation) of the best scores.
	Certainty float64 `json:"certainty"`
	// Trust is tau of bristle+, in [0, 1]; 0 under other rules.
	Trust float64 `json:"trust"`
	// Mass is the vote mass mu of bristle+, in [0, 1]; 0 under other rules.
	Mass float64 `json:"mass"`
	// Passed holds, per class, what part of the trust a row kept in the test on
	// pseudo-samples, in [0, 1]; nil without prototypes.
	Passed []float64 `json:"passed,omitempty"`
	// Weights holds, per class, what the update's row weighed against the
	// own one before both were normalised; 0 where it had no say. Under
	// rules that decide coordinate by coordinate it is 1 for all that took
	// part, under krum 1 for the chosen one.
	Weights []float64 `json:"weights"`
	// Reason says why the update had no influence; empty if it had.
	Reason Reason `json:"reason,omitempty"`
	// Clipped reports whether a row was longer than bristle+ allows and
	// was shortened.
	Clipped bool `json:"clipped,omitempty"`
}

// Third is a third of the updates by distance.
type Third string

// The thirds.
const (
	Near   Third = "near"
	Middle Third = "middle"
	Far    Third = "far"
)

// Reason says why an update had no influence.
type Reason string

// The reasons.
const (
	// NotFinite: a weight is NaN or infinite.
	NotFinite Reason = "not-finite"
	// TooLarge: the weights are finite, but their norm is above 1e18, where
	// distances come close to the end of float32.
	TooLarge Reason = "too-large"
	// Malformed: classes out of range or out of order, or rows of another
	// length.
	Malformed Reason = "malformed"
	// MissingRows: a row that the rule needs is not there.
	MissingRows Reason = "missing-rows"
	// NotPrioritized: others were drawn from its third.
	NotPrioritized Reason = "not-prioritized" //nolint:misspell // the paper's spelling
	// NoTrust: looked at, and weighed nothing in any class.
	NoTrust Reason = "no-trust"
	// TooFew: the rule needs more updates than there were.
	TooFew Reason = "too-few"
	// TooManyHeads: the rule tries all subsets, and there are too many of them.
	TooManyHeads Reason = "too-many"
	// NotChosen: the rule left this one out.
	NotChosen Reason = "not-chosen"
	// LocalOnly: the rule takes nothing from anybody.
	LocalOnly Reason = "local-only"
)
