package evaluation

// Item is a picture as far as leaks are concerned.
type Item struct {
	Name  string   // for messages
	Group string   // the patient; empty: not known, like nobody else's
	Hash  [32]byte // of the pixels; zero: not known, like no other
}

// CheckLeak returns a [*LeakError] about the first test item that has the
// patient or the pixels of a training item; nil if none has.
func CheckLeak(train, test []Item) error {
	groups, hashes := map[string]string{}, map[[32]byte]string{}
	for _, t := range train {
		if _, ok := groups[t.Group]; !ok && t.Group != "" {
			groups[t.Group] = t.Name
		}
		if _, ok := hashes[t.Hash]; !ok && t.Hash != [32]byte{} {
			hashes[t.Hash] = t.Name
		}
	}
	for _, t := range test {
		if name, ok := groups[t.Group]; ok {
			return &LeakError{Train: name, Test: t.Name}
		}
		if name, ok := hashes[t.Hash]; ok {
			return &LeakError{Train: name, Test: t.Name, Image: true}
		}
	}
	return nil
}
