//go:build unix

package polled

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// Pipe returns f so that its reads and writes wait in the runtime's poller, and not in a thread of
// their own: that costs two switches of threads a message. Whether they wait belongs to the open
// file, which others may have as well, so f has to be a pipe or a socket that none of the others
// is; else it is returned as it is. Its Close gives it back as it was.
func Pipe(f *os.File, others ...*os.File) io.ReadWriteCloser {
	at, err := f.Stat()
	if err != nil || at.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return f
	}
	for _, o := range others {
		if other, err := o.Stat(); err == nil && os.SameFile(at, other) {
			return f
		}
	}
	fd, err := second(f)
	if err != nil {
		return f
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return f
	}
	own := os.NewFile(uintptr(fd), f.Name())
	return &pipe{direct(own, own), own, f, fd}
}

// second makes a descriptor of the same open file that no child inherits.
func second(f *os.File) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Dup(int(f.Fd()))
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// pipe is a file whose reads and writes wait in the poller.
type pipe struct {
	io.ReadWriter
	own, first *os.File
	fd         int // of own
}

// Close closes the file, which waits again for who else has it.
func (p *pipe) Close() error {
	return errors.Join(syscall.SetNonblock(p.fd, false), p.own.Close(), p.first.Close())
}
