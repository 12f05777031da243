package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// maxMessage bounds one message of a client, in bytes. A longer one is refused and skipped.
	maxMessage = 64 << 20
	// drainWait is how long calls that were read before the input ended may take to be answered.
	drainWait = 5 * time.Second
	// methodCancel is the notification by which a client gives up on a call.
	methodCancel = "notifications/cancelled"
	// methodListen is a call that is answered only when its subscription ends.
	methodListen = "subscriptions/listen"
)

// lines is the transport: a message a line, as the stdio transport of MCP has it. The SDK's own
// ends the session at the first line it cannot read, and drops the calls under way when the input
// ends; this one answers such a line with an error and goes on, and answers what it has read.
type lines struct {
	in   io.ReadCloser
	out  io.WriteCloser
	log  *slog.Logger
	call mcp.MethodHandler // carries out calls of tools
	conn *lineConn         // made by Connect
}

// Connect implements [mcp.Transport].
func (l *lines) Connect(ctx context.Context) (mcp.Connection, error) {
	c := &lineConn{
		in: l.in, out: l.out, log: l.log, call: l.call,
		incoming: make(chan line),
		waiting:  make(chan *shortcut),
		closed:   make(chan struct{}),
		ended:    ctx.Done(),
		idle:     make(chan struct{}, 1),
		pending:  map[jsonrpc.ID]context.CancelFunc{},
		given:    map[jsonrpc.ID]bool{},
	}
	c.base, c.end = context.WithCancel(ctx)
	l.conn = c
	// Nothing joins it: a read of stdin cannot be interrupted on every system. It holds nothing,
	// and ends with the input or the process.
	go c.scan()
	return c, nil
}

// line is one line of input, or the error that ended it.
type line struct {
	text    []byte
	tooLong bool
	err     error
}

type lineConn struct {
	in       io.ReadCloser
	log      *slog.Logger
	call     mcp.MethodHandler
	session  atomic.Pointer[mcp.ServerSession] // nil: not known yet
	incoming chan line
	waiting  chan *shortcut // to a worker that has nothing to do
	workers  sync.WaitGroup
	starting sync.Mutex      // of workers, which none does once base has ended
	base     context.Context // of calls that take the shortcut; ends with the connection
	end      context.CancelFunc
	closed   chan struct{}
	ended    <-chan struct{} // the end of the server's context, which the SDK keeps from Read
	once     sync.Once
	idle     chan struct{} // told when pending becomes empty

	mu sync.Mutex
	// mu guards:
	out     io.WriteCloser
	pending map[jsonrpc.ID]context.CancelFunc // calls read and not answered; nil: the SDK's
	given   map[jsonrpc.ID]bool               // those of pending that the client has given up on
}

// SessionID implements [mcp.Connection]: a pipe has one session and no name for it.
func (c *lineConn) SessionID() string { return "" }

// Read implements [mcp.Connection]. At the end of the input it waits for the answers to the calls
// under way, since the SDK cancels them when it sees the end.
func (c *lineConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ended:
			// A read that fails makes the SDK cancel the calls under way; it waits for them.
			return nil, io.EOF
		case <-c.closed:
			return nil, io.EOF
		case l := <-c.incoming:
			if l.err != nil {
				c.drain(ctx)
				return nil, l.err
			}
			if msg := c.message(l); msg != nil {
				return msg, nil
			}
		}
	}
}

// message decodes a line; nil where there is none in it, which the client is told.
func (c *lineConn) message(l line) jsonrpc.Message {
	text := bytes.TrimSpace(l.text)
	switch {
	case l.tooLong:
		c.refuse(nil, jsonrpc.CodeInvalidRequest,
			fmt.Sprintf("message is longer than %d bytes", maxMessage))
		return nil
	case len(text) == 0:
		return nil
	case !json.Valid(text):
		c.refuse(nil, jsonrpc.CodeParseError, "line is not valid JSON")
		return nil
	case text[0] == '[':
		c.refuse(nil, jsonrpc.CodeInvalidRequest,
			"batches are not supported; send a message a line")
		return nil
	}
	msg, err := jsonrpc.DecodeMessage(text)
	if err != nil {
		c.refuse(idOf(text), jsonrpc.CodeInvalidRequest, clip(err.Error(), maxErrorText))
		return nil
	}
	if r, ok := msg.(*jsonrpc.Request); ok && !c.note(r) {
		c.refuse(nil, jsonrpc.CodeInvalidRequest, fmt.Sprintf("a call of id %v is under way", r.ID.Raw()))
		return nil
	}
	return msg
}

// note remembers what is to be answered, and what no more: a client that has given up on a call
// takes an answer for one to another call, or for an error. false: a call of its id is under way.
func (c *lineConn) note(r *jsonrpc.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, under := c.pending[r.ID]; under {
		return false
	}
	switch {
	case r.IsCall() && r.Method != methodListen:
		c.pending[r.ID] = nil
	case r.Method == methodCancel:
		var p struct {
			RequestID any `json:"requestId"`
		}
		if json.Unmarshal(r.Params, &p) != nil {
			return true // the SDK refuses it
		}
		id, err := jsonrpc.MakeID(p.RequestID)
		end, under := c.pending[id]
		if err != nil || !under {
			return true
		}
		c.given[id] = true
		if end != nil {
			end()
		}
	}
	return true
}

// idOf finds the id of a message that cannot be decoded, so that its sender does not wait for
// ever: the decoder refuses, for one, what is nested more than 1,000 deep. nil where there is none.
func idOf(text []byte) any {
	var m struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(text, &m) != nil || len(m.ID) == 0 {
		return nil
	}
	if first := m.ID[0]; first != '"' && first != '-' && (first < '0' || first > '9') {
		return nil
	}
	return m.ID
}

// refuse answers a line that is no message.
func (c *lineConn) refuse(id any, code int, reason string) {
	c.log.Warn("refused a line of input", "reason", reason)
	b, err := marshal(fields{{"jsonrpc", "2.0"}, {"id", id},
		{"error", fields{{"code", code}, {"message", reason}}}})
	if err == nil {
		err = c.writeLine(b, jsonrpc.ID{})
	}
	if err != nil {
		c.log.Error("answer a line of input", "error", err)
	}
}

// Write implements [mcp.Connection].
func (c *lineConn) Write(ctx context.Context, msg jsonrpc.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := jsonrpc.EncodeMessage(msg)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	var answers jsonrpc.ID
	if r, ok := msg.(*jsonrpc.Response); ok {
		answers = r.ID
	}
	return c.writeLine(b, answers)
}

func (c *lineConn) writeLine(b []byte, answers jsonrpc.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if !c.given[answers] {
		_, err = c.out.Write(append(b, '\n'))
	}
	delete(c.pending, answers)
	delete(c.given, answers)
	if len(c.pending) == 0 {
		select {
		case c.idle <- struct{}{}:
		default:
		}
	}
	return err
}

// drain waits until all calls are answered, but not for ever.
func (c *lineConn) drain(ctx context.Context) {
	timeout := time.NewTimer(drainWait)
	defer timeout.Stop()
	for {
		c.mu.Lock()
		n := len(c.pending)
		c.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-c.idle:
		case <-timeout.C:
			c.log.Warn("input ended with calls unanswered", "calls", n)
			return
		case <-c.ended:
			return
		case <-c.closed:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Close implements [mcp.Connection].
func (c *lineConn) Close() error {
	var err error
	c.once.Do(func() {
		close(c.closed)
		c.starting.Lock() // no worker begins behind it
		c.end()
		c.starting.Unlock()
		err = errors.Join(c.in.Close(), c.out.Close())
	})
	return err
}

// scan reads lines until the input ends.
func (c *lineConn) scan() {
	r := bufio.NewReaderSize(c.in, 64<<10)
	for {
		l := readLine(r, maxMessage)
		if l.err == nil && !l.tooLong && c.take(l.text) {
			continue
		}
		select {
		case c.incoming <- l:
		case <-c.closed:
			return
		}
		if l.err != nil {
			return
		}
	}
}

// readLine reads a line of at most limit bytes and skips the rest of a longer one. A last line
// without its end counts.
func readLine(r *bufio.Reader, limit int) line {
	var l line
	for {
		part, err := r.ReadSlice('\n')
		if len(l.text)+len(part) > limit {
			l.tooLong, l.text = true, nil
		}
		if !l.tooLong {
			l.text = append(l.text, part...)
		}
		switch {
		case err == nil:
			return l
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case len(l.text) > 0 || l.tooLong:
			return l // the error comes again at the next read
		}
		return line{err: err}
	}
}
