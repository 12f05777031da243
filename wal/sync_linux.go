package wal

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFile makes the bytes and the size durable; other metadata need not be.
func syncFile(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
