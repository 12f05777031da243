package index

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// seeker is one iterator for the many small reads of one search: to begin an iterator, as each
// read does otherwise, costs more than the read. It is for one goroutine.
type seeker struct {
	it   *pebble.Iterator
	busy bool // its value is in use: a read within that one begins an iterator of its own
}

// seeking returns a view of the same that reads with a seeker, for one goroutine, until end is
// called. A view that reads so already is returned as it is.
func (v *View) seeking() (w *View, end func(), err error) {
	if v.src.seek != nil {
		return v, func() {}, nil
	}
	it, err := v.src.iter(nil, nil)
	if err != nil {
		return nil, nil, err
	}
	copied := *v
	copied.src.seek = &seeker{it: it}
	return &copied, func() { it.Close() }, nil // its errors were seen where it was read
}

// free reports whether the source has a seeker that nobody uses.
func (s source) free() bool { return s.seek != nil && !s.seek.busy }

// seekTo calls fn with the value of k.
func (s source) seekTo(k []byte, fn func(v []byte) error) (bool, error) {
	it := s.seek.it
	if !it.SeekGE(k) || !bytes.Equal(it.Key(), k) {
		return false, s.finish(it)
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return false, s.fuse.check(fmt.Errorf("read index: %w", err))
	}
	s.seek.busy = true
	defer func() { s.seek.busy = false }()
	return true, fn(v)
}

// seekRange is scanRange by the seeker.
func (s source) seekRange(lower, upper []byte, fn func(k, v []byte) (bool, error)) error {
	s.seek.busy = true
	defer func() { s.seek.busy = false }()
	it := s.seek.it
	inside := func() bool { return upper == nil || bytes.Compare(it.Key(), upper) < 0 }
	return s.walk(it, it.SeekGE(lower) && inside(), func() bool { return it.Next() && inside() }, fn)
}
