package foreign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// A database that is written while it is copied is copied again, so often and after such waits.
const (
	copyAttempts = 20
	copyWait     = 100 * time.Millisecond
)

// companions are the files that belong to a database beside it. The -shm file is left out: it is an
// index of the -wal file, which SQLite makes anew.
var companions = []string{"", "-wal", "-journal"}

// copyName is the copy's name in its private directory.
const copyName = "copy.db"

// copyDatabase copies a database into a private directory, with what a writer has not yet brought
// into it. The source is only read.
//
// Everything is read twice, and taken where both readings say the same: then each byte held the
// same value from its first reading to its second, and so all of them together at the moment
// between the two.
func copyDatabase(ctx context.Context, path string) (*PrivateDir, error) {
	dir, err := MakePrivate()
	if err != nil {
		return nil, fmt.Errorf("make room for a copy of %s: %w", path, err)
	}
	if err := copyStable(ctx, path, filepath.Join(dir.Path, copyName)); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// keepDatabase is copyDatabase for what can be read only once: nobody changes it meanwhile.
func keepDatabase(ctx context.Context, src io.Reader) (*PrivateDir, error) {
	dir, err := MakePrivate()
	if err != nil {
		return nil, fmt.Errorf("make room for a copy of standard input: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir.Path, copyName), os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = io.Copy(f, contextReader{ctx, src})
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keep standard input: %w", err), dir.Close())
	}
	return dir, nil
}

func copyStable(ctx context.Context, path, to string) error {
	for range copyAttempts {
		first, err := readAll(ctx, path, to)
		if err != nil {
			return err
		}
		second, err := readAll(ctx, path, "")
		if err != nil {
			return err
		}
		if bytes.Equal(first, second) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(copyWait):
		}
	}
	return memory.Errorf(memory.CodeBusy, "%s is being written all the time", path).
		WithHint("stop the program that uses it, and import again")
}

// readAll returns a digest of a database and its companions, and copies them where to is not empty.
func readAll(ctx context.Context, path, to string) ([]byte, error) {
	var all []byte
	for _, suffix := range companions {
		target := ""
		if to != "" {
			target = to + suffix
		}
		sum, err := readOne(ctx, path+suffix, target)
		if errors.Is(err, fs.ErrNotExist) && suffix != "" {
			if target != "" { // of an attempt before this one
				err = os.Remove(target)
			}
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				all = append(all, 0)
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(append(all, 1), sum...)
	}
	return all, nil
}

func readOne(ctx context.Context, path, to string) (sum []byte, err error) {
	src, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read database: %w", err)
	}
	defer src.Close()
	h := sha256.New()
	var w io.Writer = h
	if to != "" {
		dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return nil, fmt.Errorf("copy database: %w", err)
		}
		defer func() { err = errors.Join(err, dst.Close()) }()
		w = io.MultiWriter(h, dst)
	}
	if _, err := io.Copy(w, contextReader{ctx, src}); err != nil {
		return nil, fmt.Errorf("copy database: %w", err)
	}
	return h.Sum(nil), nil
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
