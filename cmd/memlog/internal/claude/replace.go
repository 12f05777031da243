package claude

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// maxEdits is how often an edit is made anew because another program wrote the file meanwhile.
const maxEdits = 10

// The modes of files that were not there.
const (
	privateMode = 0o600 // .claude.json holds more than servers
	sharedMode  = 0o644 // .mcp.json
)

// backupLayout names a copy by its time.
const backupLayout = "20060102T150405.000"

// edit changes a file and returns the path of the copy of the old one, "" where there was no file
// or nothing to change.
func edit(path string, mode fs.FileMode, now time.Time,
	change func(*document) ([]byte, error)) (backup string, err error) {
	real, err := target(path)
	if err != nil {
		return "", err
	}
	for range maxEdits {
		d, err := readDocument(real)
		if err != nil {
			return "", err
		}
		next, err := change(d)
		if err != nil || bytes.Equal(next, d.raw) {
			return "", err
		}
		if d.has {
			mode = d.mode
		}
		backup, done, err := d.replace(next, mode, now)
		if done || err != nil {
			return backup, err
		}
	}
	return "", memory.Errorf(memory.CodeBusy, "edit %s: another program wrote it %d times meanwhile",
		path, maxEdits).WithHint("nothing was changed; try again")
}

// target returns the file that a path leads to, the path itself where there is none.
func target(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if to, err := os.Readlink(path); err == nil {
		return "", fmt.Errorf("%s is a link to %s, which is not there", path, to)
	}
	return path, nil
}

// replace puts next in the place of d. done is false where the file is no longer d.
func (d *document) replace(next []byte, mode fs.FileMode, now time.Time) (
	backup string, done bool, err error) {
	dir, base := filepath.Split(d.path)
	if err := os.MkdirAll(filepath.Clean(dir), 0o700); err != nil {
		return "", false, err
	}
	temp, err := writeNew(dir, base+".memlog-*.tmp", next, mode)
	if err != nil {
		return "", false, err
	}
	defer os.Remove(temp) // gone, where it took the place
	if d.has {
		copied, err := writeNew(dir, base+".memlog-backup-"+now.Format(backupLayout)+"-*", d.raw, mode)
		if err != nil {
			return "", false, err
		}
		backup = copied
	}
	same, err := d.unchanged()
	if err == nil && same {
		err = os.Rename(temp, d.path) // the commit point
		if err == nil {
			return backup, true, syncDir(dir)
		}
	}
	if backup != "" {
		err = errors.Join(err, os.Remove(backup))
	}
	return "", false, err
}

// unchanged reports whether the file is what was read.
func (d *document) unchanged() (bool, error) {
	b, err := os.ReadFile(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return !d.has, nil
	}
	return d.has && bytes.Equal(b, d.raw), err
}

// writeNew writes a new file, on the disk when it returns, and returns its path.
func writeNew(dir, pattern string, b []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync() // before it takes the place of another
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// syncDir makes a rename durable, where directories can be synced.
func syncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return nil // Windows; the rename is done either way
	}
	_ = d.Sync()
	return d.Close()
}
