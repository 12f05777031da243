package foreign

import (
	"bufio"
	"errors"
	"io"

	"memlog/cmd/memlog/internal/transfer"
)

// lineReader reads a text line by line, and keeps no line longer than memlog's own may be.
type lineReader struct {
	src *bufio.Reader
	n   int // lines begun
}

// next returns the next line without its break, and its whole size; a line too long is nil. It is
// good until the next call.
func (l *lineReader) next() (line []byte, size int, err error) {
	l.n++
	for {
		part, err := l.src.ReadSlice('\n')
		size += len(part)
		if size <= transfer.MaxLine {
			line = append(line, part...)
		} else {
			line = nil
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil || errors.Is(err, io.EOF) && size > 0:
			return trimBreak(line), size, nil
		default:
			return nil, size, err
		}
	}
}

func trimBreak(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}
