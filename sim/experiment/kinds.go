package experiment

// Kind is one of the words that a setting may be, and what it means in a line.
type Kind struct{ Name, Summary string }

// Sources returns the data sets.
func Sources() []Kind {
	return []Kind{
		{"digits", "ten classes of digits drawn by code; needs no files"},
		{"mnist", "MNIST, or a set in its clothes: four IDX files"},
		{"cifar10", "CIFAR-10, binary version; needs a backbone for it"},
		{"wisdm", "WISDM phone accelerometer, by owner; needs a backbone for it"},
		{"images", "a directory of images with a labels file or a folder for each class, an npz file or a sample store: by patient"},
	}
}

// Partitions returns how samples are divided among peers.
func Partitions() []Kind {
	return []Kind{
		{"iid", "every peer holds every class: train samples of each"},
		{"windows", "peer i holds the classes from i on, as many as partition.classes says: train samples of each"},
		{"dirichlet", "train samples in all, of classes in shares drawn with concentration alpha: the smaller, the fewer classes"},
		{"shards", "as many shards of size samples of one class each as partition.shards says"},
		{"owner", "every peer holds what belongs to as many people as partition.owners says, subjects or patients: at most train of each class"},
	}
}

// Topologies returns who sends to whom.
func Topologies() []Kind {
	return []Kind{
		{"all", "everybody to everybody"},
		{"random", "to k others, drawn in every round"},
		{"round-robin", "to one other in every round, the next in turn"},
		{"hops", "to one other in every round, 1, 2, 4, 8, ... places further: ring of the Bristle experiments"},
		{"ring", "to both neighbours on a circle"},
		{"regular", "a random graph with k links at every peer"},
		{"erdos-renyi", "a random graph that has each link with probability p"},
		{"small-world", "a ring of k neighbours, each link moved with probability p (Watts and Strogatz)"},
		{"file", "the links in topology.file: two numbers of peers a line"},
	}
}

func names(kinds []Kind) []string {
	var list []string
	for _, k := range kinds {
		list = append(list, k.Name)
	}
	return list
}
