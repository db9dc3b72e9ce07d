package quant

import (
	"strconv"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Metadata keys that say what a network wants of pixels from 0 to 255: lists
// of numbers with commas in between, one number per channel or one for all.
// A pixel p becomes (p/255 - mean)/std; without them, p/255.
const (
	MetadataMean = "input_mean"
	MetadataStd  = "input_std"
)

// Normaliser returns what makes a network's input of pixels, as its metadata
// say: planes of 0 to 255 one after another, of any number of pictures with so
// many channels, each plane of the given number of pixels.
func Normaliser(metadata map[string]string, channels, plane int) (func(dst []float32, pixels []uint8), error) {
	mean, std, err := normalisation(metadata)
	if err != nil {
		return nil, err
	}
	n, err := pixelNumbers(mean, std, channels)
	if err != nil {
		return nil, err
	}
	return func(dst []float32, pixels []uint8) { n.apply(dst, pixels, plane) }, nil
}

// pixelValues are what the 256 values of a pixel stand for, channel by channel.
type pixelValues [][256]float32

func pixelNumbers(mean, std []float32, channels int) (pixelValues, error) {
	for _, list := range [][]float32{mean, std} {
		if len(list) > 1 && len(list) != channels {
			return nil, graph.Corrupt("metadata give %d means and %d deviations for %d channels", len(mean), len(std), channels)
		}
	}
	n := make(pixelValues, channels)
	for c := range n {
		for i := range n[c] {
			n[c][i] = (float32(i)/255 - at(mean, c, 0)) / at(std, c, 1)
		}
	}
	return n, nil
}

// apply turns whole planes of pixels into numbers.
func (n pixelValues) apply(dst []float32, pixels []uint8, plane int) {
	for i := 0; i < len(pixels); i += plane {
		table := &n[i/plane%len(n)]
		to := dst[i : i+plane]
		for j, q := range pixels[i : i+plane] {
			to[j] = table[q]
		}
	}
}

// at returns the number for a channel of a list of one per channel, one for
// all, or none.
func at(list []float32, c int, absent float32) float32 {
	if len(list) == 0 {
		return absent
	}
	return list[min(c, len(list)-1)]
}

// normalisation reads means and deviations from the metadata.
func normalisation(metadata map[string]string) (mean, std []float32, err error) {
	read := func(key string) (list []float32) {
		text := metadata[key]
		if text == "" {
			return nil
		}
		for word := range strings.SplitSeq(text, ",") {
			v, e := strconv.ParseFloat(strings.TrimSpace(word), 32)
			if e != nil || v-v != 0 || key == MetadataStd && v <= 0 {
				err = graph.Corrupt("metadata %s=%.80q is no list of numbers that pixels can be normalised by", key, text)
				return nil
			}
			list = append(list, float32(v))
		}
		return list
	}
	mean, std = read(MetadataMean), read(MetadataStd)
	return mean, std, err
}
