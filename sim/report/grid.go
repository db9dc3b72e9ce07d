package report

// grid is the groups laid out by rule and setting, both in order of appearance.
// A setting is what a row is besides its rule.
type grid struct {
	rules, settings []string
	at              map[place]*group
}

// place is the index of a setting and that of a rule.
type place struct{ setting, rule int }

// newGrid lays groups out.
func newGrid(groups []*group) *grid {
	d := &grid{at: make(map[place]*group, len(groups))}
	rules, settings := map[string]int{}, map[string]int{}
	index := func(m map[string]int, list *[]string, name string) int {
		i, ok := m[name]
		if !ok {
			i = len(*list)
			m[name] = i
			*list = append(*list, name)
		}
		return i
	}
	rows := make([]Row, len(groups))
	for i, g := range groups {
		rows[i] = g.Row
	}
	for i, name := range settingNames(rows) {
		d.at[place{index(settings, &d.settings, name), index(rules, &d.rules, rows[i].Rule)}] = groups[i]
	}
	return d
}
