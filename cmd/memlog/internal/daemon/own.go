package daemon

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// Own is memlog serve: it owns the store and serves it until nobody has used it for the idle time,
// ctx ends, SIGTERM or an interrupt comes, another process asks for it ([Stop], a newer version),
// or the store is moved or deleted. Then the calls under way end and the store is closed. Where the
// store has an owner that answers, Own returns nil at once; where another process has the lock and
// does not serve, it waits its turn until the deadline, and fails with CodeBusy.
func Own(ctx context.Context, o Options) error {
	o = o.withDefaults()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	w, err := takeOver(ctx, o)
	if w == nil || err != nil {
		return err
	}
	stopped := context.AfterFunc(ctx, func() { w.leave("told to stop") })
	defer stopped()
	o.Logger.Info("owner serves", "store", o.Store, "pid", os.Getpid(), "version", o.Version,
		"socket", w.path)
	sayReady()
	w.run(true)
	return w.err
}

// takeOver opens the store as soon as its lock is free. It returns nil where an owner serves it.
func takeOver(ctx context.Context, o Options) (*owner, error) {
	turn := newWait(o.Deadline)
	for {
		w, err := openOwner(ctx, o, false)
		if memory.CodeOf(err) != memory.CodeBusy || ctx.Err() != nil {
			return w, err
		}
		if answers(ctx, o) {
			return nil, nil
		}
		if !turn.more(ctx) {
			return nil, err
		}
	}
}

// answers reports whether the store has an owner that answers.
func answers(ctx context.Context, o Options) bool {
	ctx, cancel := context.WithTimeout(ctx, SpawnWait)
	defer cancel()
	c, _, err := reach(ctx, o)
	return err == nil && c != nil && c.Close() == nil
}

// wait paces a loop that waits for another process: short pauses at first, longer ones later.
type wait struct {
	start time.Time
	until time.Time
}

// The pauses of a wait are a part of what it has lasted, within bounds.
const (
	minPause  = 500 * time.Microsecond
	maxPause  = 50 * time.Millisecond
	pausePart = 20
)

func newWait(d time.Duration) wait {
	now := time.Now()
	return wait{start: now, until: now.Add(d)}
}

// more pauses; false where the time is up, or ctx has ended.
func (w wait) more(ctx context.Context) bool {
	now := time.Now()
	if !now.Before(w.until) || ctx.Err() != nil {
		return false
	}
	pause := min(max(now.Sub(w.start)/pausePart, minPause), maxPause, w.until.Sub(now))
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
