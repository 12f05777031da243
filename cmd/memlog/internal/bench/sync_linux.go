package bench

import (
	"os"
	"syscall"
)

// syncData makes the file's bytes durable, as the log does.
func syncData(f *os.File) error {
	return os.NewSyscallError("fdatasync", syscall.Fdatasync(int(f.Fd())))
}
