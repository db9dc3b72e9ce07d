// Package evaluation says how good a classifier is, on few patients and without
// fooling oneself.
//
// [StratifiedFolds] divides samples for cross-validation by patient, [CheckLeak]
// refuses divisions that test on what was trained on. What models then say of
// their test folds is a list of [Outcome]: [Summarize] makes of it each
// [Metric]'s mean, spread and confidence interval, [Compare] the differences
// between two ways to train. [Predictions] measures plain lists, and draws ROC
// curves and confusion matrices of them; [Reliability] draws calibration.
//
// # What always holds
//
//   - Nothing here trains, chooses or sees a clock; all is a function of its
//     arguments. One seed gives one result with any number of processors, and
//     the order of outcomes changes no bit of a summary or comparison.
//   - A patient is never on both sides of a fold, and the bootstrap draws
//     patients, not pictures: pictures of one patient are alike, and intervals
//     that count them as independent are too narrow.
//   - What is not defined is NaN, never 0: the sensitivity where nobody is ill.
//     Means leave it out; [Metric] says when it happens.
//   - Errors name samples by number and never a patient.
//
// # What the intervals mean
//
// They say how far the mean over folds would move with other patients to test
// on, for the models as they were trained. That training on other patients
// gives other models is not in them; the corrected t-test of [Compare] accounts
// for it.
package evaluation
