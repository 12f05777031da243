//go:build unix

package mcpserver

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// pollable returns f so that a read of it waits in the runtime's poller, and not in a thread of its
// own: that costs two switches of threads a message, and wakes the runtime's monitor. Whether reads
// wait belongs to the open file, which others may have as well, so f has to be a pipe or a socket
// that none of the others is; else it is returned as it is. Its Close gives it back as it was.
func pollable(f *os.File, others ...*os.File) io.ReadCloser {
	at, err := f.Stat()
	if err != nil || at.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return f
	}
	for _, o := range others {
		if other, err := o.Stat(); err == nil && os.SameFile(at, other) {
			return f
		}
	}
	fd := int(f.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		return f
	}
	return &polled{os.NewFile(uintptr(fd), f.Name()), fd}
}

// polled is a file whose reads wait in the poller.
type polled struct {
	*os.File
	fd int
}

// Close closes the file, whose reads wait again for who else has it.
func (p *polled) Close() error {
	return errors.Join(syscall.SetNonblock(p.fd, false), p.File.Close())
}
