package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// scanChunk is how much is read from a file at a time; blockSize is what is given up
// where the disk cannot read.
const (
	scanChunk = 256 << 10
	blockSize = 4 << 10
)

// item is one step of a scan: a whole frame, or a gap, which is a stretch of bytes that
// are none, or the place (off == end) where a frame's length prefix is missing.
type item struct {
	off, end int64
	frame    frame
	gap      error // why there is a gap; nil: there is a frame
	zeros    bool  // the gap has only zero bytes
}

// scanner walks the frames of one segment and finds the next whole frame behind damage.
// It reads forward only, and its memory is no more than twice the longest frame and a chunk.
type scanner struct {
	r    io.Reader
	mem  []byte // what buf is a part of; used again and again
	buf  []byte // unread bytes; buf[0] is at offset off
	off  int64
	eof  bool
	err  error // a read error that is not the end; what is behind it is not seen
	last Seq   // number of the last whole frame, 0: none yet
	bare bool  // what was returned last is a gap: a frame right here may lack its length prefix
}

func newScanner(r io.Reader, off int64) *scanner {
	return &scanner{r: r, off: off}
}

// next returns the next step, io.EOF at the end. A frame's bytes are valid until the step after it.
func (s *scanner) next() (item, error) {
	if !s.fill(1) {
		if s.err != nil {
			return item{}, s.err
		}
		return item{}, io.EOF
	}
	f, size, err := s.frameAt(0)
	if err != nil {
		if gap, ok := s.resync(err); ok || !s.bare {
			s.bare = true
			return gap, nil
		}
		if f, size, err = s.bareFrameAt(0); err != nil {
			return item{}, err
		}
	}
	it := item{off: s.off, end: s.off + int64(size), frame: f}
	s.last, s.bare = f.header.seq, false
	s.drop(size)
	return it, nil
}

// fill reads until n unread bytes are there.
func (s *scanner) fill(n int) bool {
	for len(s.buf) < n && !s.eof {
		s.room(n - len(s.buf))
		got, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+got]
		if err != nil {
			s.eof = true
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
		}
	}
	return len(s.buf) >= n
}

// room makes room behind the unread bytes, for a chunk at least. They move to the front of the
// memory, or into more of it: no more at once than twice what they are, since n may be the claim
// of a damaged frame.
func (s *scanner) room(n int) {
	n = max(scanChunk, min(n, len(s.buf)))
	if cap(s.buf)-len(s.buf) >= n {
		return
	}
	from := s.buf
	if len(s.mem) < len(s.buf)+n {
		s.mem = make([]byte, len(s.buf)+n)
	}
	s.buf = s.mem[:copy(s.mem, from)]
}

// drop passes over n bytes.
func (s *scanner) drop(n int) {
	s.off += int64(n)
	s.buf = s.buf[n:]
}

// frameAt decodes the frame whose length prefix is at the given place of the buffer, and
// returns how many bytes it takes with the prefix.
func (s *scanner) frameAt(at int) (frame, int, error) {
	s.fill(at + prefixLimit + frameFixed)
	if at >= len(s.buf) {
		return frame{}, 0, errShort
	}
	n, size := binary.Uvarint(s.buf[at:min(len(s.buf), at+prefixLimit)])
	if size <= 0 || size != uvarintSize(n) {
		return frame{}, 0, errLength
	}
	f, total, err := s.bareFrameAt(at + size)
	if err == nil && uint64(total) != n {
		err = errLength
	}
	return f, size + total, err
}

// bareFrameAt decodes the frame that begins, without a length prefix, at the given place.
func (s *scanner) bareFrameAt(at int) (frame, int, error) {
	if !s.fill(at + frameFixed) {
		return frame{}, 0, errShort
	}
	n, err := frameSize(s.buf[at:])
	if err != nil {
		return frame{}, 0, err
	}
	if !s.fill(at + int(n)) {
		return frame{}, 0, errShort
	}
	f, err := decodeFrame(s.buf[at : at+int(n)])
	return f, int(n), err
}

// resync looks for the next whole frame behind bytes that are none, and returns the gap
// before it. It returns false when the frame begins right here, without its length prefix.
func (s *scanner) resync(why error) (item, bool) {
	gap := item{off: s.off, gap: why, zeros: true}
	for at := 0; at <= prefixLimit; at++ {
		// Only the length prefix is damaged: the frame behind it is whole.
		if start, ok := s.plausible(at, gap.off); ok {
			gap.zeros = false
			s.drop(start)
			gap.end = s.off
			return gap, gap.end > gap.off
		}
	}
	if n := s.declared(); n > 0 {
		gap.zeros = isZero(s.buf[:n])
		s.drop(n)
		gap.end = s.off
		return gap, true
	}
	for {
		at := bytes.Index(s.buf, []byte(magic))
		if at < 0 {
			// The window moves on; a prefix and a part of the magic stay in it.
			n := max(0, len(s.buf)-prefixLimit-len(magic))
			gap.zeros = gap.zeros && isZero(s.buf[:n])
			s.drop(n)
			if s.fill(len(s.buf) + 1) {
				continue
			}
			gap.zeros = gap.zeros && isZero(s.buf)
			s.drop(len(s.buf))
			gap.end = s.off
			return gap, true
		}
		if start, ok := s.plausible(at, gap.off); ok {
			gap.zeros = gap.zeros && start > 0 && isZero(s.buf[:start])
			s.drop(start)
			gap.end = s.off
			return gap, gap.end > gap.off
		}
		gap.zeros = false
		s.drop(at + 1)
	}
}

// declared returns where the damaged frame says that it ends, if a whole frame begins
// there: then what the damaged one holds is never searched for frames.
func (s *scanner) declared() int {
	n, size := binary.Uvarint(s.buf[:min(len(s.buf), prefixLimit)])
	var ends []int
	if size > 0 && n >= minFrame && n <= MaxRecord {
		ends = append(ends, size+int(n))
	}
	for p := 1; p <= prefixLimit && s.fill(p+frameFixed); p++ {
		if m, err := frameSize(s.buf[p:]); err == nil {
			ends = append(ends, p+int(m))
		}
	}
	for _, end := range ends {
		f, _, err := s.frameAt(end)
		if err == nil && s.follows(f.header.seq, int64(end)) {
			return end
		}
	}
	return 0
}

// plausible tells whether a whole frame, of a number that can stand here, has its magic
// at the given place; start is where it begins, its length prefix included if that is
// sound.
func (s *scanner) plausible(at int, gapStart int64) (start int, ok bool) {
	f, n, err := s.bareFrameAt(at)
	if err != nil {
		return 0, false
	}
	start = at
	prefix := binary.AppendUvarint(nil, uint64(n))
	if at >= len(prefix) && bytes.Equal(s.buf[at-len(prefix):at], prefix) {
		start = at - len(prefix)
	}
	return start, s.follows(f.header.seq, s.off+int64(start)-gapStart)
}

// follows tells whether a frame of this number can stand behind a gap of so many bytes:
// frames have a least size, and numbers do not go back. It keeps a frame that is merely
// the content of an event from being taken for one of the log's.
func (s *scanner) follows(seq Seq, gap int64) bool {
	return s.last == 0 || seq > s.last && seq <= s.last+1+Seq(gap/minFrame)
}
