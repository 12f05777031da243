package store

import (
	"os"
	"syscall"
)

// dataSync is what the log syncs with here.
func dataSync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
