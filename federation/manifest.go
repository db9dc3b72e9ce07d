package federation

// Prepare says how a picture becomes the backbone's input.
type Prepare string

const (
	// PrepareCentre treats the picture as one glyph and does what MNIST does:
	// light on dark, cropped, scaled to fit 20/28 of the frame, centred by
	// its centre of mass.
	PrepareCentre Prepare = "centre"
	// PrepareResize scales the whole picture to the input's size.
	PrepareResize Prepare = "resize"
)

// Manifest is the contract of a federation. Everything that must be equal at
// all peers for their heads to be comparable is in it, and nothing else.
type Manifest struct {
	Name     string       `json:"name"`
	Classes  []string     `json:"classes"` // class c of a head is Classes[c]
	Backbone BackboneSpec `json:"backbone"`
	Rule     RuleSpec     `json:"rule"`
	Training TrainingSpec `json:"training"`
	Wire     WireSpec     `json:"wire"`

	Prototypes PrototypeSpec `json:"prototypes"`
}

// BackboneSpec pins the feature space.
type BackboneSpec struct {
	SHA256   Hash    `json:"sha256"`   // of the ONNX file
	Features int     `json:"features"` // length of a feature vector
	Input    [3]int  `json:"input"`    // channels, height, width
	Prepare  Prepare `json:"prepare"`
	// RawRMS is the root mean square of the backbone's features, measured
	// once by whoever founded the federation; RMS is what they are scaled
	// to. Every peer multiplies features by RMS/RawRMS.
	RawRMS float64 `json:"raw_rms"`
	RMS    float64 `json:"rms"`
}

// RuleSpec names an aggregation rule and all of its constants.
type RuleSpec struct {
	Name      string             `json:"name"`
	Constants map[string]float64 `json:"constants"`
}

// TrainingSpec is how a peer trains its head between two exchanges.
type TrainingSpec struct {
	LearningRate float64 `json:"learning_rate"` // of Adam
	L2           float64 `json:"l2"`            // weight decay added to the gradient
	Batch        int     `json:"batch"`         // samples per step
	Steps        int     `json:"steps"`         // steps per round
	Probe        int     `json:"probe"`         // kappa: held-out samples per familiar class
}

// WireSpec bounds what peers send.
type WireSpec struct {
	Rows       RowFormat `json:"rows"`
	MaxMessage int       `json:"max_message"` // bytes of one encoded update
	MaxPeers   int       `json:"max_peers"`   // senders that a peer remembers
}
