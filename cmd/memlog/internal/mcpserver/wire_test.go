package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// peer speaks the protocol a line at a time.
type peer struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
}

func newPeer(t *testing.T, svc memory.Service) peer {
	t.Helper()
	s := New(svc, Options{Now: clock})
	t.Cleanup(func() { s.Close() })
	return peerOf(t, s)
}

// peerOf opens a session with a server.
func peerOf(t *testing.T, s *Server) peer {
	t.Helper()
	p, _ := peerUntil(t, t.Context(), s)
	return p
}

// peerUntil is peerOf with an end, and the channel that gets what the session ended with.
func peerUntil(t *testing.T, ctx context.Context, s *Server) (peer, <-chan error) {
	t.Helper()
	inR, in := io.Pipe()
	out, outW := io.Pipe()
	served, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		served <- s.Serve(ctx, inR, outW)
		outW.Close()
	}()
	t.Cleanup(func() {
		in.Close()
		out.Close()
		<-done
	})
	p := peer{t: t, in: in, out: bufio.NewScanner(out)}
	p.out.Buffer(nil, 1<<20)
	p.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":` +
		`"2025-11-25","capabilities":{},"clientInfo":{"name":"peer","version":"9"}}}`)
	if got := p.receive(); !strings.Contains(got, `"protocolVersion":"2025-11-25"`) {
		t.Fatalf("initialize answered %s", got)
	}
	p.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return p, served
}

func (p peer) send(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// receive returns the next line, "" at the end.
func (p peer) receive() string {
	p.t.Helper()
	if !p.out.Scan() {
		return ""
	}
	if !json.Valid(p.out.Bytes()) {
		p.t.Errorf("not a message: %q", p.out.Text())
	}
	return p.out.Text()
}

// expect receives a line that holds all of these.
func (p peer) expect(want ...string) {
	p.t.Helper()
	got := p.receive()
	for _, w := range want {
		if !strings.Contains(got, w) {
			p.t.Fatalf("received %s, want %s", got, w)
		}
	}
}

func storeLine(id int, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":`+
		`{"name":"memory_store","arguments":%s}}`, id, arguments)
}

// A line that is no message is answered, and the session goes on.
func TestSessionSurvivesMalformedLines(t *testing.T) {
	f := &fake{}
	p := newPeer(t, f)
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for i, tt := range []struct{ line, want string }{
		{`{"jsonrpc":`, `"id":null,"error":{"code":-32700`},
		{`hello`, `"id":null,"error":{"code":-32700`},
		{`null`, `"id":null,"error":{"code":-32600`},
		{`42`, `"id":null,"error":{"code":-32600`},
		{`[]`, `"id":null,"error":{"code":-32600`},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, "batches are not supported"},
		{`{"id":1,"method":"ping"}`, `"id":1,"error":{"code":-32600`},
		{`{"jsonrpc":"2.0","id":{},"method":"ping"}`, `"id":null,"error":{"code":-32600`},
		{storeLine(7, `{"content":"x","metadata":`+deep+`}`), `"id":7,"error":{"code":-32600`},
		{strings.Repeat("[", 20000), `"id":null,"error":{"code":-32700`},
		{`{"jsonrpc":"2.0","id":2,"method":"no/such"}`, `"code":-32601`},
		{`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"nope"}}`, "unknown tool"},
		{"\n \r\n" + `{"jsonrpc":"2.0","id":4,"method":"ping"}` + "\r", `"id":4`},
	} {
		p.send(tt.line)
		if got := p.receive(); !strings.Contains(got, tt.want) {
			t.Errorf("%d: %s answered %s, want %s", i, clip(tt.line, 80), clip(got, 200), tt.want)
		}
	}
	p.send(storeLine(5, `{"content":"x","metadata":{"a":  1, "a":2}}`))
	if got := p.receive(); !strings.Contains(got, `"id":5`) || strings.Contains(got, "isError") {
		t.Fatalf("store answered %s", got)
	}
	r := f.last(t).(memory.StoreRequest)
	if got, want := string(r.Memories[0].Metadata), `{"a":  1, "a":2}`; got != want {
		t.Errorf("metadata is %s, not word for word %s", got, want)
	}
	if r.Origin.Client != "peer" || r.Origin.ClientVersion != "9" {
		t.Errorf("client %q %q", r.Origin.Client, r.Origin.ClientVersion)
	}
	p.send(`{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"memory_undo"}}`)
	if got := p.receive(); !strings.Contains(got, "Nothing to undo") {
		t.Errorf("a call without arguments answered %s", got)
	}
}

// What was read before the input ended is answered: `printf … | memlog mcp` works.
func TestEndOfInputAnswersCallsUnderWay(t *testing.T) {
	f := &fake{gate: make(chan struct{})}
	p := newPeer(t, f)
	for i := range 3 {
		p.send(storeLine(i+1, `{"content":"x"}`))
	}
	p.in.Close()
	close(f.gate)
	answered := 0
	for line := p.receive(); line != ""; line = p.receive() {
		if strings.Contains(line, "Stored 1 memory") {
			answered++
		} else {
			t.Errorf("answered %s", line)
		}
	}
	if answered != 3 {
		t.Errorf("%d of 3 calls were answered", answered)
	}
}

// A subscription is answered when it ends; the end of the input must not wait for it.
func TestSubscriptionsAreNotWaitedFor(t *testing.T) {
	c := &lineConn{pending: map[jsonrpc.ID]context.CancelFunc{}, given: map[jsonrpc.ID]bool{}}
	for _, method := range []string{"ping", methodListen} {
		msg := c.message(line{text: []byte(
			`{"jsonrpc":"2.0","id":"` + method + `","method":"` + method + `"}`)})
		if msg == nil {
			t.Fatalf("%s is no message", method)
		}
	}
	if len(c.pending) != 1 {
		t.Errorf("%d calls are waited for, want the ping only", len(c.pending))
	}
}

// A call that the client gives up on ends, is not answered, and is not waited for.
func TestCancelledCallsEnd(t *testing.T) {
	f := &fake{gate: make(chan struct{}), entered: make(chan struct{}, 9),
		left: make(chan struct{}, 9)}
	p := newPeer(t, f)
	p.send(storeLine(1, `{"content":"x","request_id":"r1"}`))
	p.send(strings.Replace(storeLine(2, `{"content":"y"}`), `"id":2`, `"id":"two"`, 1))
	<-f.entered
	<-f.entered
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"two"}}`)
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}`)
	p.send(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	p.expect(`"id":3`)
	for range 2 { // while the gate is shut: only what was cancelled can have ended
		select {
		case <-f.left:
		case <-time.After(drainWait):
			t.Fatal("a cancelled call goes on")
		}
	}
	p.in.Close()
	if line := p.receive(); line != "" {
		t.Errorf("a cancelled call was answered: %s", line)
	}
}

// What was given up on is forgotten with its answer.
func TestCancelledIDsAreForgotten(t *testing.T) {
	var out bytes.Buffer
	c := &lineConn{out: keepOpen{&out}, idle: make(chan struct{}, 1),
		pending: map[jsonrpc.ID]context.CancelFunc{}, given: map[jsonrpc.ID]bool{}}
	id, err := jsonrpc.MakeID(float64(1))
	if err != nil {
		t.Fatal(err)
	}
	cancel := []byte(
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	c.message(line{text: []byte(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)})
	c.message(line{text: cancel})
	if err := c.Write(t.Context(), &jsonrpc.Response{ID: id}); err != nil {
		t.Fatal(err)
	}
	if out.Len() != 0 || len(c.pending)+len(c.given) != 0 {
		t.Errorf("%d bytes written, %d calls waited for, %d remembered", out.Len(),
			len(c.pending), len(c.given))
	}
	c.message(line{text: cancel}) // of what is not under way
	if len(c.given) != 0 {
		t.Error("a cancellation of nothing is remembered")
	}
}

func TestCancelledWriteSaysHowToAsk(t *testing.T) {
	err := fmt.Errorf("store: %w", context.Canceled)
	c := &call{origin: memory.Origin{RequestID: "r1"}}
	text := failure(storeTool(), c, err).Content[0].(*mcp.TextContent).Text
	if !strings.Contains(text, `cancelled. Repeat the same call with request_id "r1"`) {
		t.Error(text)
	}
}

// The end of the context ends the calls under way, and the server.
func TestEndOfContextEndsCalls(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{gate: make(chan struct{}), entered: make(chan struct{}, 1)}
	in, out := io.Pipe()
	outR, outW := io.Pipe()
	go io.Copy(io.Discard, outR)
	t.Cleanup(func() { outR.Close() })
	done := make(chan error, 1)
	go func() { done <- New(f, Options{}).Serve(ctx, in, outW) }()
	io.WriteString(out, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":`+
		`{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"p"}}}`+"\n")
	io.WriteString(out, storeLine(1, `{"content":"x"}`)+"\n")
	<-f.entered
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve returned %v", err)
	}
}

func TestReadLine(t *testing.T) {
	r := bufio.NewReaderSize(strings.NewReader("short\n"+strings.Repeat("x", 200)+"\n\nlast"), 16)
	for _, want := range []line{
		{text: []byte("short\n")}, {tooLong: true}, {text: []byte("\n")}, {text: []byte("last")},
		{err: io.EOF}, {err: io.EOF},
	} {
		got := readLine(r, 100)
		if string(got.text) != string(want.text) || got.tooLong != want.tooLong ||
			got.err != want.err {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	r = bufio.NewReaderSize(strings.NewReader(strings.Repeat("x", 100)+"\n"), 16)
	if got := readLine(r, 101); len(got.text) != 101 {
		t.Errorf("a line as long as the limit: %d bytes, too long %v", len(got.text), got.tooLong)
	}
}
