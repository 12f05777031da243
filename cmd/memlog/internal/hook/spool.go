package hook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// The limits of a spool.
const (
	MaxSpooled  = 1000                     // requests that wait
	maxSpoolRaw = 4 * memory.MaxBatchBytes // bytes of a file that is read
)

// The endings of a spool's files.
const (
	waits      = ".json"
	rejected   = ".rejected"
	unfinished = ".tmp"
)

// Spool keeps requests that no owner took. Its methods may be called by any number of processes at
// the same time.
type Spool struct{ Store string }

func (s Spool) dir() string { return filepath.Join(s.Store, "spool") }

// path is the file of a request that was kept at a time.
func (s Spool) path(r memory.StoreRequest, now time.Time) string {
	return filepath.Join(s.dir(), fmt.Sprintf("%020d-%s%s", now.UnixNano(), r.Origin.RequestID, waits))
}

// Put keeps a request, which has a request id. It is on the disk when Put returns.
func (s Spool) Put(r memory.StoreRequest, now time.Time) error {
	n, _, err := s.Count()
	if err != nil {
		return err
	}
	if n >= MaxSpooled {
		return fmt.Errorf("%d requests wait in %s already", n, s.dir())
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir(), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir(), "*"+unfinished)
	if err != nil {
		return err
	}
	_, err = f.Write(seal(body))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.path(r, now))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return errors.Join(syncDir(s.dir()), syncDir(s.Store)) // from here on it counts
}

// Remove lets go of a request that was kept at now and was acknowledged or refused since. It is no
// error where another let go of it first.
func (s Spool) Remove(r memory.StoreRequest, now time.Time) error {
	if err := os.Remove(s.path(r, now)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Count says how many requests wait, and how many were set aside.
func (s Spool) Count() (waiting, aside int, err error) {
	entries, err := os.ReadDir(s.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case waits:
			waiting++
		case rejected:
			aside++
		}
	}
	return waiting, aside, err
}

// Drain hands the requests that wait over, oldest first, until ctx ends or the store does not take
// one. It returns how many it handed over.
func (s Spool) Drain(ctx context.Context, svc memory.Writer) (int, error) {
	entries, err := os.ReadDir(s.dir()) // sorted by name, which begins with the time
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	n := 0
	for _, e := range entries {
		s.tidy(e)
		if filepath.Ext(e.Name()) != waits || ctx.Err() != nil {
			continue
		}
		done, err := s.handOver(ctx, svc, filepath.Join(s.dir(), e.Name()))
		if err != nil {
			return n, err
		}
		if done {
			n++
		}
	}
	return n, errors.Join(err, ctx.Err())
}

// tooOld is the age of a file that nobody is writing any more.
const tooOld = time.Hour

// tidy removes what a process that was ended left unfinished. What cannot be removed harms nobody.
func (s Spool) tidy(e fs.DirEntry) {
	if filepath.Ext(e.Name()) != unfinished {
		return
	}
	if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > tooOld {
		_ = os.Remove(filepath.Join(s.dir(), e.Name()))
	}
}

// handOver stores one request and removes its file; false where another was faster.
func (s Spool) handOver(ctx context.Context, svc memory.Writer, path string) (bool, error) {
	r, err := unseal(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, errSeal):
		return false, s.setAside(path)
	case err != nil:
		return false, err
	}
	_, err = svc.Store(ctx, r)
	switch code := memory.CodeOf(err); {
	case code == memory.CodeInvalid, code == memory.CodeConflict:
		return false, s.setAside(path)
	case err != nil:
		return false, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err // it is handed over again, under the same request id
	}
	return true, nil
}

// setAside keeps a file that can never be handed over, for people to look at.
func (s Spool) setAside(path string) error {
	err := os.Rename(path, strings.TrimSuffix(path, waits)+rejected)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// seal puts the sum of a body before it.
func seal(body []byte) []byte {
	sum := sha256.Sum256(body)
	return fmt.Appendf(nil, "%s\n%s\n", hex.EncodeToString(sum[:]), body)
}

// errSeal is a file that is not what was written.
var errSeal = errors.New("spooled request is damaged")

// unseal reads a request and checks its sum.
func unseal(path string) (r memory.StoreRequest, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return r, err
	}
	if info.Size() > maxSpoolRaw {
		return r, errSeal
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	_, body, _ := bytes.Cut(b, []byte{'\n'})
	body = bytes.TrimSuffix(body, []byte{'\n'})
	if !bytes.Equal(b, seal(body)) || json.Unmarshal(body, &r) != nil || r.Origin.RequestID == "" {
		return r, errSeal
	}
	return r, nil
}

// syncDir makes the names in a directory durable, where directories can be synced.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrPermission) { // Windows
		err = nil
	}
	return errors.Join(err, d.Close())
}

// drain hands over what waits, in the time that is left.
func (r *run) drain() {
	s := Spool{r.o.Store}
	if n, _, err := s.Count(); n == 0 || err != nil {
		return
	}
	ctx, cancel := context.WithDeadline(context.Background(), r.until)
	defer cancel()
	if n, err := s.Drain(ctx, r.o.Service); err != nil {
		r.o.Note("hook: %d spooled requests stored, then: %v", n, err)
	}
}
