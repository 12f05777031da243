package rpc

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/polled"
)

// maxIdleConns is how many connections a client keeps for its next calls.
const maxIdleConns = 8

// conns are the connections of a client. One carries one exchange at a time, read and written by
// the goroutine that calls: an exchange wakes nobody else on this side, which is what a short call
// over a socket spends most of its time on where net/http's Transport has two goroutines of each
// connection do it.
type conns struct {
	dial func(context.Context) (net.Conn, error)

	mu     sync.Mutex
	idle   []*conn // mu guards
	closed bool    // mu guards
}

// conn is one connection.
type conn struct {
	net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

// do sends a request and returns when the head of the answer is there. sent tells whether the other
// end may have the whole request; half a one is not begun. The body has to be closed; ctx, while it
// is not, bounds everything.
func (p *conns) do(ctx context.Context, h *http.Request) (
	res *http.Response, sent bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	c, err := p.take(ctx)
	if err != nil {
		return nil, false, err
	}
	release := context.AfterFunc(ctx, func() {
		_ = c.SetDeadline(time.Unix(1, 0)) // it ends what waits, or the connection is closed anyway
	})
	wrote := make(chan error, 1)
	if h.ContentLength >= 0 {
		wrote <- c.write(h)
	} else { // read while it is answered; ends with the connection
		go func() { wrote <- c.write(h) }()
		sent = true
	}
	res, err = http.ReadResponse(c.r, h)
	if !sent {
		failed := <-wrote
		sent = failed == nil
		if err != nil {
			err = errors.Join(failed, err)
		}
	}
	if err != nil {
		release()
		return nil, sent, errors.Join(err, c.Close())
	}
	res.Body = &answerBody{Reader: res.Body, p: p, c: c, release: release,
		keep: !res.Close && h.ContentLength >= 0}
	return res, sent, nil
}

func (c *conn) write(h *http.Request) error {
	if err := h.Write(c.w); err != nil {
		return err
	}
	return c.w.Flush()
}

// take returns a connection that is kept, or makes one.
func (p *conns) take(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	nc, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	nc = polled.Conn(nc)
	return &conn{Conn: nc, r: bufio.NewReader(nc), w: bufio.NewWriter(nc)}, nil
}

// put keeps a connection for the next call.
func (p *conns) put(c *conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) == maxIdleConns {
		return c.Close()
	}
	p.idle = append(p.idle, c)
	return nil
}

// close closes the connections that are kept, and those in use when their exchange ends.
func (p *conns) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}

// answerBody is the body of an answer. A connection whose answer was read to its end is kept.
type answerBody struct {
	io.Reader
	p       *conns
	c       *conn
	release func() bool // reports whether the context has left the connection alone
	keep    bool
	ended   bool
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// Close implements [io.Closer]. It does not wait for the rest of the answer.
func (b *answerBody) Close() error {
	if b.release() && b.keep && b.ended {
		return b.p.put(b.c)
	}
	return b.c.Close()
}
