package foreign

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
)

// textFile is a source that is a text. It can be read from its beginning again and again.
type textFile struct {
	file *os.File
	drop bool // it is a copy of our own, to be removed
}

// open returns the text from its beginning, and how it was encoded where it was not UTF-8.
func (t textFile) open(ctx context.Context) (text *bufio.Reader, was string, err error) {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return nil, "", fmt.Errorf("read from the beginning: %w", err)
	}
	text, was = decodeText(contextReader{ctx, t.file})
	return text, was, nil
}

func (t textFile) close() error {
	err := t.file.Close()
	if t.drop {
		_ = os.Remove(t.file.Name()) // Unix removed it when it was made
	}
	return err
}

// spool keeps what cannot be read twice in a file that has no name.
func spool(src io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "memlog-import-*")
	if err != nil {
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	_ = os.Remove(f.Name()) // Windows removes it at close
	_, err = io.Copy(f, src)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	return f, nil
}
