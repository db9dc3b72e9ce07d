//go:build linux || darwin || freebsd

package data

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe that nobody writes to is refused at once.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.dcm")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no pipes here: ", err)
	}
	if _, err := ReadImage(path); !errors.Is(err, ErrFormat) {
		t.Errorf("ReadImage: %v", err)
	}
	if _, err := ReadDICOM(path); !errors.Is(err, ErrFormat) {
		t.Errorf("ReadDICOM: %v", err)
	}
	if _, _, _, err := ReadNPZ(path); !errors.Is(err, ErrFormat) {
		t.Errorf("ReadNPZ: %v", err)
	}
	if IsDICOM(path) {
		t.Error("a pipe is taken for a file")
	}
}
