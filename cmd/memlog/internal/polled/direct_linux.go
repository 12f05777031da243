//go:build !race

package polled

import (
	"io"
	"os"
	"syscall"
	"unsafe"
)

// direct returns the reads and writes of a descriptor that does not block, or usual where it cannot
// be reached.
func direct(c syscall.Conn, usual io.ReadWriter) io.ReadWriter {
	raw, err := c.SyscallConn()
	if err != nil {
		return usual
	}
	return &kernel{raw}
}

// kernel reads and writes a descriptor that does not block. The poller's locks, deadlines and the
// end by Close are those of the RawConn.
type kernel struct{ raw syscall.RawConn }

// Read implements [io.Reader].
func (k *kernel) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	var failed error
	err = k.raw.Read(func(fd uintptr) bool {
		var errno syscall.Errno
		if n, errno = transfer(syscall.SYS_READ, fd, p); errno == syscall.EAGAIN {
			return false
		}
		failed = named("read", errno)
		return true
	})
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return 0, failed
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements [io.Writer].
func (k *kernel) Write(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	var failed error
	err = k.raw.Write(func(fd uintptr) bool {
		for n < len(p) {
			wrote, errno := transfer(syscall.SYS_WRITE, fd, p[n:])
			if errno == syscall.EAGAIN {
				return false
			}
			if failed = named("write", errno); failed != nil {
				return true
			}
			n += wrote
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return n, err
}

// maxTransfer is how much one call moves: the scheduler waits for it.
const maxTransfer = 256 << 10

// transfer is one call that does not block, of which the scheduler is not told.
func transfer(call, fd uintptr, p []byte) (int, syscall.Errno) {
	p = p[:min(len(p), maxTransfer)]
	for {
		n, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		switch errno {
		case syscall.EINTR:
			continue
		case 0:
			return int(n), 0
		}
		return 0, errno
	}
}

// named says which call failed.
func named(call string, errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError(call, errno)
}
