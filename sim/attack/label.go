package attack

// flipAll is label_flip_all of the Bristle experiments (docs/bristle.md, d):
// samples of class c+1 are labelled c, modulo the number of classes.
type flipAll struct{ Honest }

func (flipAll) Label(class, classes int) int { return (class + classes - 1) % classes }

// flipTwo is label_flip_2 of the Bristle experiments: the first two classes held
// change names. Liars hold all classes, so these are 0 and 1.
type flipTwo struct{ Honest }

func (flipTwo) Label(class, classes int) int {
	if class < 2 && classes > 1 {
		return 1 - class
	}
	return class
}
