package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/bristle-fl/bristled/learner/quant"
)

// scaling is how pixels become the numbers that a network takes: the number
// (p/255 - mean) / std for a pixel p.
type scaling struct {
	mean, std []float32 // one for all channels, or one for each
}

// plain is the scaling of a network that does not state one: 0 to 1.
var plain = scaling{mean: []float32{0}, std: []float32{1}}

// chooseScaling returns what the flags --mean and --std say, else what the
// model's metadata say, else [plain].
func chooseScaling(mean, std string, metadata map[string]string, channels int) (scaling, error) {
	s := plain
	for _, part := range []struct {
		flag, text, key string
		to              *[]float32
		divisor         bool
	}{{"--mean", mean, quant.MetadataMean, &s.mean, false}, {"--std", std, quant.MetadataStd, &s.std, true}} {
		list, err := parseChannels(part.text, channels, part.divisor)
		if err != nil {
			return scaling{}, usageError{fmt.Errorf("%s %q: %w", part.flag, part.text, err)}
		}
		if list == nil {
			if list, err = parseChannels(metadata[part.key], channels, part.divisor); err != nil {
				return scaling{}, fmt.Errorf("its metadata say %s is %.80q: %w; say what is right with %s", part.key, metadata[part.key], err, part.flag)
			}
		}
		if list != nil {
			*part.to = list
		}
	}
	return s, nil
}

// parseChannels reads one number, or one for each channel. Without a text
// there are none.
func parseChannels(text string, channels int, divisor bool) ([]float32, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) != 1 && len(parts) != channels {
		return nil, fmt.Errorf("these are %d numbers: give one, or %d, one for each channel, with commas between them", len(parts), channels)
	}
	list := make([]float32, len(parts))
	for i, part := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		switch {
		case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
			return nil, fmt.Errorf("%.40q is no number: write numbers such as .485,.456,.406", part)
		case divisor && v <= 0:
			return nil, fmt.Errorf("%v is not above 0, and it is divided by", v)
		}
		list[i] = float32(v)
	}
	return list, nil
}

// note writes the scaling into a model's metadata.
func (s scaling) note(metadata map[string]string) {
	metadata[quant.MetadataMean], metadata[quant.MetadataStd] = channelList(s.mean), channelList(s.std)
}

func channelList(list []float32) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = strconv.FormatFloat(float64(v), 'g', -1, 32)
	}
	return strings.Join(parts, ",")
}

// apply fills dst with the network's input for some pictures, which lie in
// pixels one after another as planes of the given shape.
func (s scaling) apply(dst []float32, pixels []uint8, shape [3]int) {
	plane := shape[1] * shape[2]
	var table [256]float32
	for c := range shape[0] {
		mean, std := s.mean[c%len(s.mean)], s.std[c%len(s.std)]
		for p := range table {
			table[p] = (float32(p)/255 - mean) / std
		}
		for at := c * plane; at < len(pixels); at += shape[0] * plane {
			for i, p := range pixels[at : at+plane] {
				dst[at+i] = table[p]
			}
		}
	}
}
