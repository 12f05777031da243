package rpc

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// framedSource is the body of an import as the client sends it: the request's frame, the bytes of
// the source in chunks, and a last frame that says how the source ended. One goroutine reads it,
// the transport's.
type framedSource struct {
	src     io.Reader
	stopped atomic.Bool // the call is over: touch src no more
	pending []byte      // framed and not yet read
	buf     []byte
	ended   bool
}

func newFramedSource(src io.Reader, request memory.ImportRequest) *framedSource {
	s := &framedSource{src: src, buf: make([]byte, chunkSize)}
	s.pending = appendFrame(nil, frame{Request: appendJSON(nil, request)})
	return s
}

// errStopped ends the body of a call that is over.
var errStopped = errors.New("the import is over")

func (s *framedSource) Read(p []byte) (int, error) {
	for len(s.pending) == 0 {
		if s.stopped.Load() {
			return 0, errStopped
		}
		if s.ended {
			return 0, io.EOF
		}
		n, err := s.src.Read(s.buf)
		if n > 0 {
			s.pending = append(appendFrame(s.pending, frame{Chunk: int64(n)}), s.buf[:n]...)
		}
		switch {
		case errors.Is(err, io.EOF):
			s.ended = true
			s.pending = appendFrame(s.pending, frame{End: true})
		case err != nil:
			s.ended = true
			s.pending = appendFrame(s.pending, frame{Error: toWire(err), End: true})
		}
	}
	n := copy(p, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

// Close is called by the transport, at any time.
func (s *framedSource) Close() error {
	s.stop()
	return nil
}

// stop ends the body at its next Read.
func (s *framedSource) stop() { s.stopped.Store(true) }

// unframedSource is the body of an import as the server reads it: the bytes of the source, and its
// end as the client's source ended. A body that breaks off is an error, never an end.
type unframedSource struct {
	frames   *frameReader
	deadline func(time.Duration) // for the client's next bytes; 0: none
	patience time.Duration
	left     int64 // of the chunk
	err      error // what the source ended with; nil: it goes on
}

func (s *unframedSource) Read(p []byte) (int, error) {
	for s.left == 0 && s.err == nil {
		s.advance()
	}
	if s.err != nil {
		return 0, s.err
	}
	s.deadline(s.patience)
	n, err := s.frames.r.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err != nil {
		s.err = brokenSource(err)
	}
	if n > 0 {
		return n, nil
	}
	return 0, s.err
}

// advance reads the next frame. After the last one it reads the body's own end, so that the
// connection is watched from then on.
func (s *unframedSource) advance() {
	s.deadline(s.patience)
	f, err := s.frames.next(maxFrame)
	switch {
	case err != nil:
		s.err = brokenSource(err)
	case f.Chunk < 0:
		s.err = memory.Errorf(memory.CodeInvalid, "chunk of %d bytes", f.Chunk)
	case f.End:
		if s.err = f.Error.err(); s.err == nil {
			s.err = io.EOF
		}
		if _, err := io.Copy(io.Discard, s.frames.r); err != nil {
			s.err = brokenSource(err)
		}
		s.deadline(0)
	default:
		s.left = f.Chunk
	}
}

func brokenSource(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return memory.Errorf(memory.CodeFailed, "read what the client sends: %w", err)
}
