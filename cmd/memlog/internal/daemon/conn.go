package daemon

import (
	"context"
	"os"
	"sync"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// conn is one of the two: a connection to an owner, or an owner in this process.
type conn struct {
	client *rpc.Client
	own    *owner
	pid    int // of the owner

	// Of a client:
	ending context.Context // ended by close
	endNow context.CancelFunc
	mu     sync.Mutex
	closed bool           // mu guards
	calls  sync.WaitGroup // added to under mu while not closed
}

// connected is a connection to an owner.
func connected(client *rpc.Client) *conn {
	c := &conn{client: client, pid: client.Owner().PID}
	c.ending, c.endNow = context.WithCancel(context.Background())
	return c
}

// owned is an owner in this process.
func owned(w *owner) *conn { return &conn{own: w, pid: os.Getpid()} }

// gone reports whether the owner has left, or broken off.
func (c *conn) gone() bool {
	if c.own != nil {
		return c.own.left()
	}
	select {
	case <-c.client.Done():
		return true
	default:
		return false
	}
}

// enter begins a call, which exit ends; false where the connection is no longer used. The context
// of the call ends also when its owner does not answer, and that of a stream when its owner leaves.
func (c *conn) enter(ctx context.Context, o Options, stream bool) (
	in context.Context, svc memory.Service, exit func(), ok bool) {
	if c.own != nil {
		in, exit, ok = c.own.enter(ctx, stream)
		return in, c.own.svc, exit, ok
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, nil, false
	}
	c.calls.Add(1)
	end := context.Background()
	if stream {
		end = c.ending
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unbind := context.AfterFunc(end, func() { cancel(errLeaving) })
	in, leave := observe(ctx, c, o)
	return in, c.client, func() {
		unbind()
		leave()
		cancel(nil)
		c.calls.Done()
	}, true
}

// close leaves the owner, or ends it where it is in this process, and waits for that. The calls
// under way end first, and streams at once.
func (c *conn) close() error {
	if c.own != nil {
		c.own.leave("its process closed it")
		<-c.own.done
		return c.own.err
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.endNow()
	c.calls.Wait()
	return c.client.Close()
}
