package finetune

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/internal/wholefile"
	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
)

// ErrCheckpoint is wrapped by errors about a checkpoint that cannot be gone on
// from.
var ErrCheckpoint = errors.New("the checkpoint cannot be used (remove it to begin anew)")

// A checkpoint is a safetensors file: of every parameter that was trained the
// values and the two moments, under its name with one of these before it.
const (
	keyData, keyFirst, keySecond = "data/", "first/", "second/"

	checkpointMetadata = "bristled.finetune"
)

// checkpoint is what the file says beside its tensors.
type checkpoint struct {
	Training string         `json:"training"` // what is trained on what, see session.fingerprint
	Epochs   []Epoch        `json:"epochs"`
	Phases   []Phase        `json:"phases"`
	Stages   int            `json:"stages"`
	Steps    int            `json:"steps"`
	Made     map[string]int `json:"made"` // steps of each parameter
}

// save writes the checkpoint of the epochs made so far, at once or not at all.
func (s *session) save() error {
	if s.options.Checkpoint == "" {
		return nil
	}
	state := s.trainer.State()
	c := checkpoint{Training: s.fingerprint(), Epochs: s.result.Epochs, Phases: s.result.Phases, Stages: s.stages, Steps: state.Steps, Made: map[string]int{}}
	tensors := map[string]*graph.Tensor{}
	for name, p := range state.Params {
		c.Made[name] = p.Steps
		tensors[keyData+name] = graph.Floats(p.Data, len(p.Data))
		tensors[keyFirst+name] = graph.Floats(p.First, len(p.First))
		tensors[keySecond+name] = graph.Floats(p.Second, len(p.Second))
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	b, err := safetensors.Marshal(tensors, map[string]string{checkpointMetadata: string(text)})
	if err == nil {
		err = wholefile.Write(s.options.Checkpoint, 0o600, b)
	}
	if err != nil {
		return fmt.Errorf("keep the checkpoint of epoch %d: %w", len(c.Epochs), err)
	}
	return nil
}

// resume goes on from the checkpoint, if there is one, and returns the epoch
// that comes next.
func (s *session) resume() (int, error) {
	if s.options.Checkpoint == "" {
		return 0, nil
	}
	tensors, metadata, err := safetensors.ReadFile(s.options.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %w", s.options.Checkpoint, ErrCheckpoint, err)
	}
	bad := func(format string, args ...any) (int, error) {
		return 0, fmt.Errorf("%s: %w: %s", s.options.Checkpoint, ErrCheckpoint, fmt.Sprintf(format, args...))
	}
	var c checkpoint
	if err := json.Unmarshal([]byte(metadata[checkpointMetadata]), &c); err != nil {
		return bad("it is none of a training")
	}
	if c.Training != s.fingerprint() {
		return bad("it is of another plan, seed, network or training set")
	}
	done := len(c.Epochs)
	if done < 1 || done > s.plan.Probe+s.plan.Epochs || len(c.Phases) == 0 {
		return bad("it says %d epochs were made", done)
	}
	state := nn.TrainState{Steps: c.Steps, Params: map[string]nn.ParamState{}}
	for name, made := range c.Made {
		floats := func(key string) []float32 {
			if t := tensors[key+name]; t != nil {
				return t.F32
			}
			return nil
		}
		p := nn.ParamState{Data: floats(keyData), First: floats(keyFirst), Second: floats(keySecond), Steps: made}
		own := s.net.Consts[name]
		if own == nil || own.Type != graph.Float32 || len(p.Data) != own.Len() {
			return bad("its parameter %.80q does not fit the network", name)
		}
		state.Params[name] = p
	}
	// The prefix was never trained, so what was is all that differs from the
	// pretrained network.
	for name, p := range state.Params {
		copy(s.net.Consts[name].F32, p.Data)
	}
	s.result.Epochs, s.result.Phases = c.Epochs, c.Phases
	if done == s.plan.Probe+s.plan.Epochs || c.Stages == 0 && !s.probing(done) {
		return done, nil // what comes next starts with a fresh optimizer
	}
	s.resumed = &state
	return done, nil
}

// fingerprint names a training: the plan, the seed, the network that it starts
// from and the samples in their order.
func (s *session) fingerprint() string {
	if s.name != "" {
		return s.name
	}
	h := sha256.New()
	plan, err := json.Marshal(s.plan.Plan)
	if err != nil {
		panic(err) // numbers and words, checked to be finite
	}
	h.Write(plan)
	h.Write(binary.LittleEndian.AppendUint64(nil, s.options.Seed))
	weights := HashWeights(s.int8.net) // as it was
	h.Write(weights[:])
	for _, i := range s.train {
		sum := s.samples[i].Hash(s.input)
		h.Write(sum[:])
		h.Write([]byte{byte(s.samples[i].Label), byte(s.samples[i].Label >> 8)})
	}
	s.name = hex.EncodeToString(h.Sum(nil))
	return s.name
}

// HashWeights returns the SHA-256 over the names and the float32 numbers of a
// network's constants.
func HashWeights(net *graph.Graph) [32]byte {
	h := sha256.New()
	var buf []byte
	for _, name := range slices.Sorted(maps.Keys(net.Consts)) {
		buf = binary.LittleEndian.AppendUint64(buf[:0], uint64(len(name)))
		buf = append(buf, name...)
		for _, v := range net.Consts[name].F32 {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		h.Write(buf)
	}
	return [32]byte(h.Sum(nil))
}
