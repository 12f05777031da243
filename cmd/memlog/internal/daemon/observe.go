package daemon

import (
	"context"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// observeEvery is the part of the deadline after which the owner of a call under way is looked at.
const observeEvery = 4

// observe watches the owner while a call is under way. A long call is left alone as long as its
// owner answers at all; one whose owner has been stopped ends when the deadline has passed.
func observe(ctx context.Context, c *conn, o Options) (in context.Context, exit func()) {
	in, cancel := context.WithCancelCause(ctx)
	every := max(o.Deadline/observeEvery, minPause)
	w := &observer{in: in, cancel: cancel, c: c, every: every, o: o}
	w.timer = time.AfterFunc(every, w.look)
	return in, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

// observer looks at the owner of one call from time to time.
type observer struct {
	o      Options
	in     context.Context
	cancel context.CancelCauseFunc
	c      *conn
	every  time.Duration
	timer  *time.Timer
}

// look asks the owner who it is, and ends the call where it does not say. It ends with the call.
func (o *observer) look() {
	t := time.NewTimer(o.every)
	defer t.Stop()
	for {
		limit := max(o.o.Deadline-o.every, o.every)
		ctx, cancel := context.WithTimeout(o.in, limit)
		_, err := o.c.client.Hello(ctx)
		late := ctx.Err() != nil
		cancel()
		switch {
		case o.in.Err() != nil:
			return
		case err != nil && late:
			o.cancel(&hungError{store: o.o.Store, pid: o.c.pid, after: o.o.Deadline})
			return
		}
		t.Reset(o.every)
		select {
		case <-o.in.Done():
			return
		case <-t.C:
		}
	}
}

// hungError is an owner that holds the store and does not answer.
type hungError struct {
	store string
	pid   int
	after time.Duration
}

func (e *hungError) Error() string { return e.busy().Error() }

func (e *hungError) busy() *memory.Error {
	return memory.Errorf(memory.CodeBusy, "owner of store %s, process %d, has not answered for %v",
		e.store, e.pid, e.after).
		WithHint("it may be stopped: kill -CONT %d lets it go on; end it with kill %d", e.pid, e.pid)
}
