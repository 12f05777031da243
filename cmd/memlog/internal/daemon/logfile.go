package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/robustio"
)

// The owner's log: serve.log in the store, and serve.log.1, what was before it.
const (
	logName = "serve.log"
	// MaxLog is the size, in bytes, at which the owner's log is begun anew.
	MaxLog = 1 << 20
)

// LogFile returns a writer to the log of a store's owner, for its slog handler. The file is opened
// at the first write, and what is written while the store's directory is not there is dropped: a
// log makes no directory that a store is then found in. Each Write is one line or more, whole.
func LogFile(store string) io.WriteCloser {
	return &logFile{path: filepath.Join(store, logName), max: MaxLog}
}

// logFile is a file that is begun anew when it is full.
type logFile struct {
	path string
	max  int64

	mu   sync.Mutex
	f    *os.File // mu guards
	size int64    // mu guards
}

// Write appends p. A log that cannot be written does not stop an owner.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.room(int64(len(p))); err != nil {
		return 0, err
	}
	n, err := l.f.Write(p)
	l.size += int64(n)
	return n, err
}

// room opens the file, and begins it anew where n bytes more are too many.
func (l *logFile) room(n int64) error {
	if l.f == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	if l.size == 0 || l.size+n <= l.max {
		return nil
	}
	err := l.f.Close() // before the rename: Windows wants it so
	l.f = nil
	err = errors.Join(err, robustio.Rename(l.path, l.path+".1"))
	if err != nil { // better one file that grows than none
		err = os.Truncate(l.path, 0)
	}
	return errors.Join(err, l.open())
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open log of owner: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open log of owner: %w", err), f.Close())
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Close closes the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
