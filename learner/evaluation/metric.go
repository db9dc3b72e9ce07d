package evaluation

import "fmt"

// Metric is a way to say in one number how good a classifier is.
//
// A sample is taken for the class of its largest probability, the lower class
// where two are equal. Of two classes, 1 is the positive one. With more, a
// metric of one class is averaged over the classes where it is defined, each
// against all others (macro average).
type Metric int

// What there is. Up to Accuracy more is better, from ECE on less is.
const (
	// AUROC is the area under the receiver operating characteristic: the
	// probability that a sample of the class has more of the class's
	// probability than a sample of another, ties counting one half. It is the
	// statistic of Mann and Whitney with midranks (Hanley and McNeil, The Meaning
	// and Use of the Area under a ROC Curve, Radiology 143, 1982). 0 to 1;
	// undefined without samples of the class or without others.
	AUROC Metric = iota
	// BalancedAccuracy is the mean of the classes' recalls; of two classes the
	// mean of sensitivity and specificity, and undefined if one of them is.
	BalancedAccuracy
	// F1 is 2TP/(2TP+FP+FN) of the positive class, 0 to 1; undefined without
	// samples of it.
	F1
	// Sensitivity is TP/(TP+FN) of the positive class, 0 to 1; undefined without
	// samples of it.
	Sensitivity
	// Specificity is TN/(TN+FP) of the positive class, 0 to 1; undefined without
	// samples of another.
	Specificity
	// Accuracy is the share of samples that were taken for their own class.
	Accuracy
	// ECE is the expected calibration error, 0 to 1: samples are sorted by
	// confidence, which is their largest probability, into 15 bins of equal
	// width, the m-th from (m-1)/15 excluded to m/15; it is the mean over samples
	// of the distance between their bin's accuracy and mean confidence (Guo,
	// Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML
	// 2017, equation 3). Chance alone makes it large where bins hold few samples:
	// on a test fold of some dozens, a perfectly calibrated model shows a tenth or
	// more. So it compares models on the same folds, and Brier and LogLoss say
	// more about one.
	ECE
	// Brier is the mean squared distance between the probabilities and the
	// truth, which is 1 for the sample's class and 0 for others (Brier, Monthly
	// Weather Review 78, 1950): of the positive class alone if there are two, 0
	// to 1, and summed over classes if there are more, 0 to 2.
	Brier
	// LogLoss is the mean of -log of the probability of the sample's class, in
	// nats. Probabilities count as 2^-52 at least, so it is at most 36.1.
	LogLoss

	metrics = iota
)

var names = [metrics]string{"AUROC", "balanced accuracy", "F1", "sensitivity", "specificity", "accuracy", "ECE", "Brier score", "log loss"}

// Metrics returns all metrics, in their order.
func Metrics() []Metric {
	list := make([]Metric, metrics)
	for i := range list {
		list[i] = Metric(i)
	}
	return list
}

// String returns the metric's name in words.
func (m Metric) String() string {
	if m < 0 || m >= metrics {
		return fmt.Sprintf("metric %d", int(m))
	}
	return names[m]
}

// Scores holds each [Metric] at its own index; NaN where it is undefined.
type Scores [metrics]float64
