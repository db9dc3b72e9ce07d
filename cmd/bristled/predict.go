package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
)

// prediction is what `predict --json` prints for one picture.
type prediction struct {
	File          string             `json:"file"`
	Class         string             `json:"class"`
	Probability   float64            `json:"probability"`
	Probabilities map[string]float64 `json:"probabilities"`
}

func newPredict() *cobra.Command {
	cmd := inspect("predict IMAGE...", "Say what a picture shows, by the peer's current head",
		"  bristled predict --dir peer new/1.png new/2.png", arguments(1, math.MaxInt, "the pictures to look at"),
		func(cmd *cobra.Command, files []string, p *peer, s source, asJSON bool) error {
			head, err := s.Head()
			if err != nil {
				return err
			}
			spec := p.manifest.Backbone
			if head.Features != spec.Features || head.Classes != len(p.manifest.Classes) {
				return fmt.Errorf("the head is %d x %d, but the manifest says %d x %d", head.Classes, head.Features, len(p.manifest.Classes), spec.Features)
			}
			backbone, err := p.backbone()
			if err != nil {
				return err
			}
			var all []prediction
			for _, file := range files {
				pr, err := predict(cmd.Context(), p, backbone, head, file)
				if err != nil {
					return err
				}
				all = append(all, pr)
				if !asJSON {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %s (%.1f%%)\n", file, pr.Class, 100*pr.Probability)
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return nil
		})
	addSettingFlags(cmd.Flags(), "backbone")
	return cmd
}

func predict(ctx context.Context, p *peer, backbone *learner.Backbone, head federation.Head, file string) (prediction, error) {
	spec := p.manifest.Backbone
	img, err := data.ReadImage(file)
	if err != nil {
		return prediction{}, err
	}
	pixels, err := data.Prepare(img, spec.Input, string(spec.Prepare))
	if err != nil {
		return prediction{}, fmt.Errorf("%s: %w", file, err)
	}
	features, err := backbone.Extract(ctx, []data.Sample{{Pixels: pixels}}, 1)
	if err != nil {
		return prediction{}, fmt.Errorf("%s: %w", file, err)
	}
	x := make([]float32, len(features))
	backbone.Floats(x, features, p.scale())
	probabilities := learner.Probabilities(head, x)
	best := slices.Index(probabilities, slices.Max(probabilities))
	pr := prediction{
		File:          file,
		Class:         p.manifest.Classes[best],
		Probability:   float64(probabilities[best]),
		Probabilities: map[string]float64{},
	}
	for c, name := range p.manifest.Classes {
		pr.Probabilities[name] = float64(probabilities[c])
	}
	return pr, nil
}
