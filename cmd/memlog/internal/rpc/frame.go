package rpc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

const (
	// chunkSize is how much of an export or an import travels behind one frame, at most.
	chunkSize = 64 << 10
	// maxFrame bounds a line of a request that carries no request: chunk and end frames.
	maxFrame = 64 << 10
)

// appendFrame appends a frame as a line.
func appendFrame(b []byte, f frame) []byte { return append(appendJSON(b, f), '\n') }

// errLongLine is returned by readLine, wrapped.
var errLongLine = errors.New("line is too long")

// frameReader reads a body of frames.
type frameReader struct{ r *bufio.Reader }

// newFrameReader reads r, which has size bytes in all; negative: that is not known.
func newFrameReader(r io.Reader, size int64) *frameReader {
	if size < 0 || size > chunkSize {
		size = chunkSize
	}
	return &frameReader{r: bufio.NewReaderSize(r, int(size))}
}

// next reads a frame; limit bounds its line, 0 does not. A body that ends before a frame with End
// is io.ErrUnexpectedEOF: it broke off. The spans of the frame are the caller's to keep.
func (fr *frameReader) next(limit int64) (frame, error) {
	line, err := fr.readLine(limit)
	if err != nil {
		return frame{}, err
	}
	var f frame
	if err := decode(line, &f, false); err != nil {
		return frame{}, fmt.Errorf("read frame: %w", err)
	}
	return f, nil
}

// readLine returns a line in memory of its own.
func (fr *frameReader) readLine(limit int64) ([]byte, error) {
	var line []byte
	for {
		part, err := fr.r.ReadSlice('\n')
		line = append(line, part...)
		if limit > 0 && int64(len(line)) > limit {
			return nil, fmt.Errorf("read frame: %w: over %d bytes", errLongLine, limit)
		}
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}
