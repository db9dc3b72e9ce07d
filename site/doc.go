// Package site is what a hospital does with its own images: it compares ways to
// fit a pretrained network to them, fits one, and says what was found.
//
// An [Experiment] runs the cross-validation and the training of the final model,
// and goes on in its directory where it was stopped. [Findings.Summarize] and
// [Compare] turn what models said of images into [Results], which [WriteRun]
// writes as a report, a picture of it, JSON and a model card.
//
// # What always holds
//
//   - No model is asked about an image of a patient that it was trained on, nor
//     about an image whose pixels it was trained on: an experiment on data that
//     make that impossible is refused.
//   - Nothing is chosen by what comes out on test folds.
//   - One seed gives the same findings, with any number of workers and
//     interruptions, on one kind of processor.
//   - The package opens no connection.
package site
