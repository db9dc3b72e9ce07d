package main

import "github.com/bristle-fl/bristled/learner/data"

// collection is a data set that is known by the names of its files. Its
// samples come with their labels, and with a test set of their own.
type collection struct {
	train, test string // what its samples are called
	is          func(dir string) bool
	read        func(dir string) (train, test data.Set, err error)
}

var collections = []collection{
	{"train", "t10k", data.IsMNIST, data.ReadMNIST},
	{"data_batch", "test_batch", data.IsCIFAR10, data.ReadCIFAR10},
	{"train", "test", data.IsWISDM, data.ReadWISDM},
}

// collectionIn returns the collection that a directory holds, if any.
func collectionIn(dir string) (collection, bool) {
	for _, c := range collections {
		if c.is(dir) {
			return c, true
		}
	}
	return collection{}, false
}
