package store

import (
	"fmt"

	"golang.org/x/sys/windows"
)

var errWindowsDiskFull = windows.ERROR_DISK_FULL

// freeSpace returns the bytes that this user may still write to the volume of
// dir.
func freeSpace(dir string) (uint64, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	return free, nil
}

// syncDir does nothing: Windows makes directory entries durable by itself.
func syncDir(string) error { return nil }
