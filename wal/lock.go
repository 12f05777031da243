package wal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// storeLock is the kernel's lock on owner.lock, which ends with the process. The file is
// never unlinked: then two processes could each lock a file of that name.
type storeLock struct{ f *os.File }

// lockStore takes the lock, trying until wait has passed or ctx ends.
func lockStore(ctx context.Context, dir, holder string, wait time.Duration) (*storeLock, error) {
	name := filepath.Join(dir, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, fmt.Errorf("lock store: %w", err)
	}
	start := time.Now()
	for {
		ok, err := tryLock(f)
		if ok {
			l := &storeLock{f}
			l.sign(holder)
			return l, nil
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock store: %w", err), f.Close())
		}
		if time.Since(start) >= wait || ctx.Err() != nil {
			pid, who := readHolder(f)
			return nil, errors.Join(
				&LockedError{PID: pid, Holder: who, Waited: time.Since(start)}, f.Close())
		}
		select {
		case <-ctx.Done():
		case <-time.After(LockPoll):
		}
	}
}

// WhileLocked runs do while it holds the lock of the store in dir, for small files beside the log
// that only the holder of the lock writes. It does not wait: where another process has the lock the
// error is a [LockedError] and do does not run. A store that never had a lock is given none; the
// error then wraps fs.ErrNotExist.
func WhileLocked(dir, holder string, do func() error) error {
	if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
		return fmt.Errorf("lock store: %w", err)
	}
	lock, err := lockStore(context.Background(), dir, holder, 0)
	if err != nil {
		return err
	}
	return errors.Join(do(), lock.release())
}

// sign writes who holds the lock. It is for the message of others only; a failure (a full
// disk) does not matter.
func (l *storeLock) sign(holder string) {
	holder = strings.ReplaceAll(holder, "\n", " ")
	text := fmt.Sprintf("%d\n%s\n%s\n", os.Getpid(), holder, time.Now().UTC().Format(time.RFC3339))
	if _, err := l.f.WriteAt([]byte(text), 0); err == nil {
		_ = l.f.Truncate(int64(len(text)))
	}
}

func (l *storeLock) release() error { return l.f.Close() }

func readHolder(f *os.File) (pid int, holder string) {
	b := make([]byte, 1024)
	n, _ := f.ReadAt(b, 0)
	lines := strings.Split(string(b[:n]), "\n")
	if len(lines) < 3 {
		return 0, ""
	}
	pid, _ = strconv.Atoi(lines[0])
	return pid, lines[1]
}
