package foreign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// leftovers are the names in the temporary directory that an import which was killed leaves behind:
// private directories, and, on systems that do not remove a file which is open, single files.
var leftovers = []string{"memlog-import-*", "memlog-links-*"}

// privateLock is the file in a private directory that is locked as long as its process lives.
const privateLock = "lock"

// PrivateDir is a directory of this process alone.
type PrivateDir struct {
	Path string
	lock *flock.Flock
}

// MakePrivate makes a private directory in the temporary one, and removes those of processes that
// were killed. An import never fails for what others left.
func MakePrivate() (*PrivateDir, error) {
	RemoveLeftovers()
	for {
		dir, err := os.MkdirTemp("", "memlog-import-")
		if err != nil {
			return nil, err
		}
		p := &PrivateDir{Path: dir, lock: lockIn(dir)}
		held, err := p.lock.TryLock()
		if held && err == nil {
			// Who removes leftovers may have come between making and locking it.
			if _, err := os.Stat(p.lock.Path()); err == nil {
				return p, nil
			}
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), p.Close())
		}
		if err := p.Close(); err != nil {
			return nil, err
		}
	}
}

func lockIn(dir string) *flock.Flock {
	return flock.New(filepath.Join(dir, privateLock), flock.SetFlag(os.O_CREATE|os.O_RDWR),
		flock.SetPermissions(0o600))
}

// Close removes the directory with all that is in it.
func (p *PrivateDir) Close() error {
	return errors.Join(p.lock.Close(), os.RemoveAll(p.Path))
}

// RemoveLeftovers removes what imports that were killed left, of this user alone. A directory whose
// lock is held, or not there yet, is that of a living process.
func RemoveLeftovers() {
	for _, pattern := range leftovers {
		found, err := filepath.Glob(filepath.Join(escapeGlob(os.TempDir()), pattern))
		if err != nil { // the patterns are well formed
			continue
		}
		for _, path := range found {
			info, err := os.Lstat(path)
			if err != nil || !ours(info) {
				continue
			}
			if info.Mode().IsRegular() {
				_ = os.Remove(path) // refused while it is open, where an open file has a name
			}
			if info.IsDir() {
				removeDead(path)
			}
		}
	}
}

// removeDead removes a private directory, unless its process lives.
func removeDead(dir string) {
	if info, err := os.Lstat(filepath.Join(dir, privateLock)); err != nil || !info.Mode().IsRegular() {
		return
	}
	p := &PrivateDir{Path: dir, lock: lockIn(dir)}
	if held, err := p.lock.TryLock(); err != nil || !held {
		_ = p.lock.Close()
		return
	}
	_ = p.Close() // what cannot be removed now is tried again at the next import
}
