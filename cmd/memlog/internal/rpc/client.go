package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"memlog/cmd/memlog/internal/memory"
)

// ErrUnreachable is wrapped by every error of a connection that could not be made or that broke,
// and of an owner that is leaving: find or become the next owner, and send the same request with
// the same request id again.
var ErrUnreachable = errors.New("owner is unreachable")

// ErrMaybeDone is wrapped, beside others, by errors after which the call may have been carried out
// all the same. Without it, a call that failed with ErrUnreachable was certainly not.
var ErrMaybeDone = errors.New("the call may have been carried out")

// errClosed is what a client says after Close.
var errClosed = memory.Errorf(memory.CodeFailed, "client is closed")

// ClientOptions say who a client is, for the owner's list.
type ClientOptions struct {
	Name    string // as "claude-code" or "memlog add"
	Version string
	Session string
	Project string
	Allow   func(Peer) error // whom to take for an owner; nil: SameUser
}

// Client is a [memory.Service] at the other end of a socket. It belongs to one run of one server
// for life: when that has gone, every call is refused with ErrUnreachable, also where another
// owner listens at the same place by then.
type Client struct {
	path  string
	o     ClientOptions
	conns *conns
	hello Hello // of Dial
	pid   atomic.Int64
	own   streams // presence and followed logs
	done  chan struct{}

	mu     sync.Mutex
	closed bool           // guarded by mu
	calls  sync.WaitGroup // added to under mu while not closed
}

// Dial connects to the owner that listens at path, greets it, and stays on its list of clients
// until [Client.Close]. ctx bounds the dialing alone. Errors are those of a call.
func Dial(ctx context.Context, path string, o ClientOptions) (*Client, error) {
	if o.Allow == nil {
		o.Allow = SameUser
	}
	c := &Client{path: path, o: o, done: make(chan struct{})}
	c.conns = &conns{dial: c.dial}
	h, err := c.Hello(ctx)
	if err == nil {
		c.hello = h
		err = c.join(ctx)
	}
	if err != nil {
		_ = c.conns.close() // nothing is under way on them
		return nil, err
	}
	return c, nil
}

// dial makes a connection and checks who is at the other end.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.path)
	if err != nil {
		return nil, err
	}
	p, err := checkPeer(conn, c.o.Allow)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("refuse %s: %w", c.path, err), conn.Close())
	}
	c.pid.Store(int64(p.PID))
	return conn, nil
}

// Owner returns the greeting that the owner gave to Dial.
func (c *Client) Owner() Hello { return c.hello }

// Hello asks the owner who it is and who is with it, now.
func (c *Client) Hello(ctx context.Context) (Hello, error) {
	return ask[Hello](ctx, c, request{http: http.MethodGet, method: "hello"})
}

// Done is closed when the owner has gone, or the client was closed.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close leaves the owner, whose store stays open. Calls under way end first; followed logs and the
// presence are ended.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.own.end()
	c.calls.Wait()
	<-c.done
	return c.conns.close()
}

// begin counts a call; the function returned ends it.
func (c *Client) begin() (func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	c.calls.Add(1)
	return c.calls.Done, nil
}

// join opens the presence stream. It outlives ctx, which bounds the wait for the owner's word.
func (c *Client) join(ctx context.Context) error {
	stay, leave := c.own.add(context.WithoutCancel(ctx))
	unbind := context.AfterFunc(ctx, leave)
	header := http.Header{headerPID: {strconv.Itoa(os.Getpid())}}
	for name, v := range map[string]string{headerName: c.o.Name, headerVersion: c.o.Version,
		headerSession: c.o.Session, headerProject: c.o.Project} {
		header.Set(name, url.QueryEscape(v[:min(len(v), maxName)]))
	}
	ex, err := c.send(stay, request{http: http.MethodGet, method: "presence", header: header})
	var f frame
	if err == nil {
		f, err = ex.next()
	}
	if err == nil {
		err = f.Error.err()
	}
	if !unbind() { // whatever the answer was, it came too late
		err = c.lost(ctx, request{method: "presence"}, false, ctx.Err())
	}
	if err != nil {
		leave()
		if ex != nil {
			ex.close()
		}
		return err
	}
	go c.watch(ex, leave)
	return nil
}

// watch waits for the owner to go; Close joins it through done.
func (c *Client) watch(ex *exchange, leave func()) {
	defer close(c.done)
	defer leave()
	defer ex.close()
	for {
		if _, err := ex.next(); err != nil {
			return
		}
	}
}

// request is a call on its way to the owner.
type request struct {
	http     string // the verb
	method   string // the last part of the path
	body     []byte
	source   io.ReadCloser // instead of body
	header   http.Header
	progress memory.Progress
}

// exchange is a call that was sent and is being answered.
type exchange struct {
	req    request
	res    *http.Response
	frames *frameReader
	broken func(error) error // says what an answer that breaks off means
}

// send sends a request and returns when the answer begins.
func (c *Client) send(ctx context.Context, r request) (*exchange, error) {
	if max := c.hello.MaxRequest; max > 0 && int64(len(r.body)) > max {
		return nil, tooLarge(int64(len(r.body)), max)
	}
	var body io.Reader = bytes.NewReader(r.body)
	if r.source != nil {
		body = r.source
	}
	h, err := http.NewRequestWithContext(ctx, r.http, "http://memlog"+prefix+r.method, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.method, err)
	}
	if r.header != nil {
		h.Header = r.header
	}
	h.Header.Set("Content-Type", contentType)
	if c.hello.Instance != "" {
		h.Header.Set(headerInstance, c.hello.Instance)
	}
	if r.progress != nil {
		h.Header.Set(headerProgress, "1")
	}
	if r.source != nil {
		h.ContentLength = -1
	}
	res, sent, err := c.conns.do(ctx, h)
	if err != nil {
		return nil, c.lost(ctx, r, sent && r.http == http.MethodPost, err)
	}
	ex := &exchange{req: r, res: res, frames: newFrameReader(res.Body, res.ContentLength),
		broken: func(err error) error { return c.lost(ctx, r, true, err) }}
	if res.StatusCode == statusMisdirected {
		ex.close()
		return nil, c.lost(ctx, r, false, errors.New("another owner has taken its place"))
	}
	return ex, nil
}

// next returns the next frame of the answer.
func (ex *exchange) next() (frame, error) {
	f, err := ex.frames.next(0)
	if err != nil {
		return f, ex.broken(err)
	}
	return f, nil
}

func (ex *exchange) close() {
	if err := ex.res.Body.Close(); err != nil {
		return // the connection is of no more use either way
	}
}

// lost says what a call that was not answered means. sent tells whether the owner may have it.
func (c *Client) lost(ctx context.Context, r request, sent bool, err error) error {
	var maybe error
	if sent {
		maybe = ErrMaybeDone
	}
	owner, pid := "owner", int(c.pid.Load())
	if pid != 0 {
		owner = fmt.Sprintf("owner (pid %d)", pid)
	}
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		return memory.Errorf(memory.CodeBusy, "%w", &lostError{pid: pid, maybe: maybe, cause: cause,
			text: owner + " has not answered " + r.method + " in time"}).
			WithHint("it may be stopped or overloaded; try again, and see memlog status")
	case cause != nil:
		return &lostError{pid: pid, maybe: maybe, cause: cause,
			text: fmt.Sprintf("%s: %v", r.method, cause)}
	}
	return &lostError{pid: pid, what: ErrUnreachable, maybe: maybe, cause: err,
		text: fmt.Sprintf("%s: %s is unreachable: %v", r.method, owner, err)}
}

// lostError is a call without an answer.
type lostError struct {
	text               string
	pid                int   // of the owner; 0: not told
	what, maybe, cause error // nil where not so
}

func (e *lostError) Error() string { return e.text }

// OwnerOf returns the process that was to answer a call which ended with err; 0 where the platform
// does not tell, and where the error is another.
func OwnerOf(err error) int {
	var lost *lostError
	if errors.As(err, &lost) {
		return lost.pid
	}
	return 0
}

func (e *lostError) Unwrap() []error {
	var out []error
	for _, err := range []error{e.what, e.maybe, e.cause} {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}
