package zoo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// ErrUnknown is wrapped by the error about a name that is no architecture.
var ErrUnknown = errors.New("unknown architecture")

// Options say what a network is to be for. The zero value is the
// architecture's own.
type Options struct {
	Classes int // extent of the output; 0: as in the publication
	// Extents of the input; 0: as in the publication. A signal has Channels
	// and Width, and no Height.
	Channels, Height, Width int
	Seed                    uint64 // decides the weights
}

// Info describes an architecture.
type Info struct {
	Name string
	Doc  string // one line
	// Parameters is the number of weights that training changes, with the
	// zero Options. Running statistics do not count.
	Parameters int
}

// architecture is how a network is made.
type architecture struct {
	Info
	input   []int // channels, and extents in space
	classes int
	build   func(b *builder, x value, classes int) value
}

var (
	greyDigit = []int{1, 28, 28}
	tinyImage = []int{3, 32, 32}
	photo     = []int{3, 224, 224}
)

var architectures = []architecture{
	{Info{"lenet", "LeNet of the Bristle experiments, for grey images of 28 x 28 pixels", 20820}, greyDigit, 10, lenet},
	{Info{"bristle_mnist", "Bristle's network for handwriting; names and weights of transfer-mnist", 33610}, greyDigit, 26, bristleMNIST},
	{Info{"mlp", "multilayer perceptron with 256 and 128 hidden units", 235146}, greyDigit, 10, mlp},
	{Info{"har1d", "convolutions over time, for signals of three axes such as an accelerometer's", 116358}, []int{3, 200}, 6, har1d},
	{Info{"bristle_wisdm", "Bristle's network for activity recognition; names and weights of transfer-wisdm", 118164}, []int{3, 298}, 20, bristleWISDM},
	{Info{"cifar_resnet20", "ResNet-20 for images of 32 x 32 pixels; names of akamaster/pytorch_resnet_cifar10", 269722}, tinyImage, 10, cifarResnet(3)},
	{Info{"bristle_cifar10_2", "the same with three convolutions; names and weights of transfer-cifar10-2", 373536}, tinyImage, 100, bristleCIFAR(64, 96, 128)},
	{Info{"cifar_resnet32", "ResNet-32, the same with 5 blocks per stage", 464154}, tinyImage, 10, cifarResnet(5)},
	{Info{"cifar_resnet56", "ResNet-56, the same with 9 blocks per stage", 853018}, tinyImage, 10, cifarResnet(9)},
	{Info{"bristle_cifar10", "Bristle's network for images of 32 x 32 pixels; names and weights of transfer-cifar10", 895488}, tinyImage, 100, bristleCIFAR(64, 128)},
	{Info{"resnet18", "ResNet-18 (He et al., 2016)", 11689512}, photo, 1000, resnet(basicBlock, 2, 2, 2, 2)},
	{Info{"resnet34", "ResNet-34 (He et al., 2016)", 21797672}, photo, 1000, resnet(basicBlock, 3, 4, 6, 3)},
	{Info{"resnet50", "ResNet-50 v1.5, with the stride in the 3 x 3 convolutions", 25557032}, photo, 1000, resnet(bottleneck, 3, 4, 6, 3)},
	{Info{"mobilenet_v1", "MobileNet (Howard et al., 2017); names and padding of Keras, output layer \"fc\"", 4231976}, photo, 1000, mobilenetV1},
	{Info{"mobilenet_v2", "MobileNetV2 (Sandler et al., 2018)", 3504872}, photo, 1000, mobilenetV2},
	{Info{"mobilenet_v3_small", "MobileNetV3 small (Howard et al., 2019)", 2542856}, photo, 1000, mobilenetV3Small},
	{Info{"efficientnet_b0", "EfficientNet-B0 (Tan and Le, 2019)", 5288548}, photo, 1000, efficientnetB0},
	{Info{"shufflenet_v2_x0_5", "ShuffleNetV2 with half the channels (Ma et al., 2018)", 1366792}, photo, 1000, shufflenetV2},
	{Info{"squeezenet1_1", "SqueezeNet 1.1 (Iandola et al., 2016)", 1235496}, photo, 1000, squeezenet},
	{Info{"densenet121", "DenseNet-121 (Huang et al., 2017)", 7978856}, photo, 1000, densenet121},
	{Info{"vgg11_bn", "VGG-11 with batch normalisation", 132868840}, photo, 1000, vgg11},
	{Info{"vit_b_16", "Vision Transformer, base, patches of 16 x 16 (Dosovitskiy et al., 2021)", 86567656}, photo, 1000, vitB16},
	{Info{"swin_t", "Swin Transformer, tiny (Liu et al., 2021)", 28288354}, photo, 1000, swinT},
}

// Names describes all architectures, small ones first.
func Names() []Info {
	all := make([]Info, len(architectures))
	for i, a := range architectures {
		all[i] = a.Info
	}
	return all
}

// What options may ask for.
const (
	maxExtent  = 1 << 13
	maxInput   = 1 << 26
	maxClasses = 1 << 16
)

// New makes a network. The same arguments give the same bits everywhere.
//
// Convolutions start uniform with variance 2/inputs (He et al., 2015), other
// matrices uniform with variance 2/(inputs+outputs) (Glorot and Bengio, 2010),
// biases at 0, batch normalisation at the identity. The uniform law is the
// one that gives the same bits on every architecture.
//
// It fails if there is no such architecture ([ErrUnknown]), or if it cannot
// have such an input: a too small one, for instance.
func New(name string, o Options) (*graph.Graph, error) {
	for _, a := range architectures {
		if a.Name != name {
			continue
		}
		g, err := a.make(o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return g, nil
	}
	var names []string
	for _, a := range architectures {
		names = append(names, a.Name)
	}
	return nil, fmt.Errorf("%w %.80q: choose one of %s", ErrUnknown, name, strings.Join(names, ", "))
}

func (a *architecture) make(o Options) (*graph.Graph, error) {
	asked := []int{o.Channels, o.Height, o.Width}
	if len(a.input) == 2 {
		if o.Height > 1 {
			return nil, fmt.Errorf("its input is a signal, with channels and a width but no height of %d", o.Height)
		}
		asked = []int{o.Channels, o.Width}
	}
	dims, params, numbers := []int{-1}, []string{"batch"}, int64(1)
	for i, own := range a.input {
		d := asked[i]
		if d == 0 {
			d = own
		}
		if d < 1 || d > maxExtent {
			return nil, fmt.Errorf("an input with the extent %d: it must be 1 to %d", d, maxExtent)
		}
		numbers *= int64(d)
		dims, params = append(dims, d), append(params, "")
	}
	if numbers > maxInput {
		return nil, fmt.Errorf("an input of %d numbers: it may have %d", numbers, maxInput)
	}
	classes := o.Classes
	if classes == 0 {
		classes = a.classes
	}
	if classes < 1 || classes > maxClasses {
		return nil, fmt.Errorf("%d classes: there must be 1 to %d", classes, maxClasses)
	}
	b := &builder{
		g: &graph.Graph{
			Name:     a.Name,
			Opset:    13,
			Inputs:   []graph.Value{{Name: "input", Type: graph.Float32, Dims: dims, Params: params}},
			Consts:   map[string]*graph.Tensor{},
			Fixed:    map[string]bool{},
			Metadata: map[string]string{},
		},
		rng: rand.New(rand.NewPCG(o.Seed, 0)),
	}
	y := a.build(b, value{"input", dims}, classes)
	b.output(y)
	if b.err != nil {
		return nil, b.err
	}
	return b.g, nil
}
