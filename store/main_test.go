package store

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or one of the processes that tests start: this
// binary again, with the name of a child in the environment.
func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		children[name](os.Getenv(childDirEnv))
		return
	}
	goleak.VerifyTestMain(m)
}
