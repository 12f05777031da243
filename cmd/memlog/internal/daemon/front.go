package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// Front returns a service for processes that live long: memlog mcp, hooks. It does nothing before
// [Warm] or the first call, which connects to the owner of the store and starts one where there is
// none. A call whose connection breaks is sent again, under the same request id, to the next one:
// its caller sees a slower answer. Errors of waiting too long have CodeBusy. Close leaves the
// owner, and closes the store where this process came to own it.
func Front(o Options) memory.Service { return newFront(o, false) }

// OneShot returns a service for one command. It is connected to the owner of the store; where there
// is none, this process opens the store, waiting its turn until the deadline, and serves it to
// others for as long as it is open: Spawn is not used, and Close leaves no owner behind.
func OneShot(ctx context.Context, o Options) (memory.Service, error) {
	o.Spawn = nil
	f := newFront(o, true)
	if _, err := f.connect(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// front is a way to the owner of a store.
type front struct {
	o     Options
	alone bool // own the store also where nobody can reach it here

	busy  chan struct{} // holds one token; who has it looks for an owner
	ended context.Context
	end   context.CancelFunc

	mu     sync.Mutex
	who    rpc.ClientOptions // mu guards: for the owner's list
	conn   *conn             // mu guards; nil: not connected
	known  os.FileInfo       // mu guards: what tells the store from another; nil: not met yet
	leaves sync.WaitGroup    // the goroutines that leave owners, and that look for one
}

var _ memory.Service = (*front)(nil)

func newFront(o Options, alone bool) *front {
	f := &front{o: o.withDefaults(), who: o.Client, alone: alone, busy: make(chan struct{}, 1)}
	f.ended, f.end = context.WithCancel(context.Background())
	return f
}

// errClosed is what every call on a closed service returns.
var errClosed = memory.Errorf(memory.CodeFailed, "store is closed")

// Close leaves the owner, after the calls under way.
func (f *front) Close() error {
	f.end()
	f.mu.Lock()
	c := f.conn
	f.conn = nil
	f.mu.Unlock()
	var err error
	if c != nil {
		err = c.close()
	}
	f.leaves.Wait()
	return err
}

// connect returns the connection there is, or makes one.
func (f *front) connect(ctx context.Context) (*conn, error) {
	if c, err := f.current(); c != nil || err != nil {
		return c, err
	}
	select {
	case f.busy <- struct{}{}:
		defer func() { <-f.busy }()
	case <-ctx.Done():
		return nil, ended(ctx)
	case <-f.ended.Done():
		return nil, errClosed
	}
	if c, err := f.current(); c != nil || err != nil {
		return c, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(f.ended, cancel)
	defer stop()
	if err := f.taken(); err != nil {
		return nil, err
	}
	c, err := f.find(ctx)
	if err != nil {
		return nil, err
	}
	mark, err := os.Stat(filepath.Join(f.o.Store, lockName))
	if err != nil {
		mark = nil // a store that is read has no lock, one that was taken away has it no more
	}
	f.mu.Lock()
	f.known = mark
	if f.ended.Err() == nil {
		f.conn = c
		f.mu.Unlock()
		return c, nil
	}
	f.mu.Unlock()
	return nil, errors.Join(errClosed, c.close())
}

// taken is the error of a store that was there and is not in its place any more. It is said once:
// whoever calls again gets what is there by then, or a new store.
func (f *front) taken() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		return nil
	}
	now, err := os.Stat(filepath.Join(f.o.Store, lockName))
	if err == nil && os.SameFile(now, f.known) {
		return nil
	}
	f.known = nil
	what := "is no longer in its place"
	if err == nil {
		what = "has another in its place"
	}
	return memory.Errorf(memory.CodeConflict, "store %s %s: it was moved, deleted or replaced; "+
		"nothing was done", f.o.Store, what).WithHint(
		"put it back, or call again to use what is there now, a new store where there is none")
}

// current returns the connection if it is good.
func (f *front) current() (*conn, error) {
	if f.ended.Err() != nil {
		return nil, errClosed
	}
	f.mu.Lock()
	c := f.conn
	f.mu.Unlock()
	if c != nil && c.gone() {
		f.drop(c)
		c = nil
	}
	return c, nil
}

// drop forgets a connection that broke. Leaving it waits for the other calls on it, so that is done
// apart.
func (f *front) drop(c *conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != c {
		return // another call did it
	}
	f.conn = nil
	f.leaves.Add(1)
	go f.forget(c)
}

// forget leaves an owner that is no longer used.
func (f *front) forget(c *conn) {
	defer f.leaves.Done()
	if err := c.close(); err != nil {
		f.o.Logger.Warn("leave owner", "pid", c.pid, "err", err)
	}
}

// How often a call is sent: at least so often, however long the first attempt took, and at most so
// often, lest one that brings down every owner start them without end.
const (
	minTries = 3
	maxTries = 30
)

// patience bounds the attempts at one call.
type patience struct {
	wait
	broken int // attempts that ended with a connection that broke
}

func newPatience(o Options) *patience { return &patience{wait: newWait(o.Deadline)} }

// again reports whether there is another attempt after one that failed, and pauses before it.
func (p *patience) again(ctx context.Context, err error) bool {
	if errors.Is(err, rpc.ErrUnreachable) {
		if p.broken++; p.broken < minTries {
			return ctx.Err() == nil
		}
	}
	return p.broken < maxTries && p.more(ctx)
}

// call carries out one call, as often as it takes. do may run several times.
func call[R any](
	ctx context.Context, f *front, do func(context.Context, memory.Service) (R, error),
) (R, error) {
	p := newPatience(f.o)
	for {
		r, err := once(ctx, f, do)
		if err == nil || !f.retry(ctx, err) {
			return r, plain(err)
		}
		if !p.again(ctx, err) {
			return r, f.giveUp(ctx, err)
		}
	}
}

// once carries out one attempt.
func once[R any](
	ctx context.Context, f *front, do func(context.Context, memory.Service) (R, error),
) (R, error) {
	var zero R
	c, err := f.connect(ctx)
	if err != nil {
		return zero, final{err}
	}
	in, svc, exit, ok := c.enter(ctx, f.o, false)
	if !ok {
		return zero, errLeaving
	}
	defer exit()
	r, err := do(in, svc)
	return r, f.judge(ctx, in, c, err)
}

// judge gives the error of a call its meaning: of a connection that broke, of an owner that does
// not answer, or of the call itself.
func (f *front) judge(ctx, in context.Context, c *conn, err error) error {
	cause := context.Cause(in)
	var h *hungError
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.As(cause, &h):
		return final{h.busy()}
	case errors.Is(cause, errLeaving):
		return errors.Join(errLeaving, err)
	case errors.Is(err, rpc.ErrUnreachable):
		f.drop(c)
	}
	return err
}

// final is an error after which there is no other attempt.
type final struct{ error }

func (e final) Unwrap() error { return e.error }

// plain takes the mark of a final error away.
func plain(err error) error {
	var last final
	if errors.As(err, &last) {
		return last.error
	}
	return err
}

// retry reports whether an error is worth another attempt: the connection broke, or the owner has
// too much to do just now.
func (f *front) retry(ctx context.Context, err error) bool {
	var last final
	if ctx.Err() != nil || f.ended.Err() != nil || errors.As(err, &last) {
		return false
	}
	return errors.Is(err, rpc.ErrUnreachable) || memory.CodeOf(err) == memory.CodeBusy
}

// giveUp is the error of a call that ran out of patience.
func (f *front) giveUp(ctx context.Context, err error) error {
	if memory.CodeOf(err) == memory.CodeBusy || ctx.Err() != nil {
		return err
	}
	return memory.Errorf(memory.CodeBusy, "no owner of store %s answered to the end: %w", f.o.Store,
		err).WithHint("what was asked for may have been done; the file serve.log of the store says more")
}

// ended is the error of waiting for an owner until ctx has ended.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return memory.Errorf(memory.CodeBusy, "wait for the store's owner: %w", ctx.Err()).
			WithHint("nothing was asked of it yet; try again")
	}
	return ctx.Err()
}

// lost adds the store to an error of looking for its owner.
func lost(store string, err error) error {
	return fmt.Errorf("find owner of store %s: %w", store, err)
}
