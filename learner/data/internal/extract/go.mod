module github.com/bristle-fl/bristled/learner/data/internal/extract

go 1.26.0

require (
	github.com/go-fonts/dejavu v0.3.2
	github.com/go-fonts/latin-modern v0.3.2
	github.com/go-fonts/liberation v0.3.3
	github.com/go-fonts/stix v0.2.2
	golang.org/x/image v0.47.0
)

require golang.org/x/text v0.43.0 // indirect
