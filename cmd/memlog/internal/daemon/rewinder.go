package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// rewinder lets a source be read several times from where it stands. Of one that cannot seek it
// keeps what was read in a file that has no name. A reader of an earlier attempt may still be at
// work when the next begins: what it reads is not lost.
type rewinder struct {
	seek  io.ReadSeeker // nil: the source cannot
	start int64

	mu    sync.Mutex
	src   io.Reader // mu guards; of attempts that cannot seek
	spool *os.File  // mu guards; what was read of src
	size  int64     // mu guards; of spool
	end   error     // mu guards; how src ended
	now   int       // mu guards; the attempt whose readers count
}

func newRewinder(src io.Reader) *rewinder {
	r := &rewinder{src: src}
	s, ok := src.(io.ReadSeeker)
	if !ok {
		return r
	}
	if at, err := s.Seek(0, io.SeekCurrent); err == nil {
		r.seek, r.start = s, at
	}
	return r
}

// rewind returns a reader from the beginning. Those of earlier attempts end.
func (r *rewinder) rewind() (io.Reader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now++
	if r.seek != nil {
		if _, err := r.seek.Seek(r.start, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read source again: %w", err)
		}
	}
	return &attemptReader{r: r, attempt: r.now}, nil
}

// close drops what was kept. Where a reader of an attempt that was given up still waits for the
// source, the file, which has no name, goes with the reader.
func (r *rewinder) close() {
	if !r.mu.TryLock() {
		return
	}
	defer r.mu.Unlock()
	r.now++
	if r.spool != nil {
		_ = r.spool.Close()
		_ = os.Remove(r.spool.Name()) // where it could not be removed while it was open
	}
}

// attemptReader reads the source for one attempt.
type attemptReader struct {
	r       *rewinder
	attempt int
	off     int64
}

var errOldAttempt = errors.New("source is read by a later attempt")

// Read reads what is kept, then the source.
func (a *attemptReader) Read(p []byte) (int, error) {
	r := a.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.attempt != r.now {
		return 0, errOldAttempt
	}
	if r.seek != nil {
		return r.seek.Read(p)
	}
	if a.off < r.size {
		n, err := r.spool.ReadAt(p[:min(int64(len(p)), r.size-a.off)], a.off)
		a.off += int64(n)
		return n, err
	}
	if r.end != nil {
		return 0, r.end
	}
	n, err := r.src.Read(p)
	r.end = err
	if kept := r.keep(p[:n]); kept != nil {
		return 0, kept
	}
	a.off += int64(n)
	return n, err
}

// keep appends to the spool.
func (r *rewinder) keep(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if r.spool == nil {
		f, err := os.CreateTemp("", "memlog-import-*")
		if err != nil {
			return fmt.Errorf("keep source: %w", err)
		}
		_ = os.Remove(f.Name()) // Windows removes it at close
		r.spool = f
	}
	n, err := r.spool.WriteAt(p, r.size)
	r.size += int64(n)
	if err != nil {
		return fmt.Errorf("keep source: %w", err)
	}
	return nil
}
