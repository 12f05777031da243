package rpc

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// counted counts the connections that are made.
type counted struct {
	net.Listener
	mu sync.Mutex
	n  int // guarded by mu
}

func (l *counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.n++
	}
	return c, err
}

func (l *counted) made() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// TestConnectionsAreKept has calls one after the other share a connection, calls at once have one
// each, and a call that was given up leave none to the next: its answer would be taken for another.
func TestConnectionsAreKept(t *testing.T) {
	svc, began, release := blocking()
	path := filepath.Join(shortDir(t), "s.sock")
	unix, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l := &counted{Listener: unix}
	serveOn(t, svc, ServerOptions{}, l)
	c := dial(t, path)
	there := l.made()
	for range 50 {
		if _, err := c.Stats(within(t)); memory.CodeOf(err) != memory.CodeConflict {
			t.Fatal(err)
		}
	}
	if n := l.made() - there; n > 1 {
		t.Errorf("50 calls made %d connections", n)
	}
	var answers []<-chan error
	for range 3 * maxIdleConns {
		answers = append(answers, search(within(t), c))
		await(t, "a call", began)
	}
	if n := l.made() - there; n > 3*maxIdleConns+1 {
		t.Errorf("%d calls at once made %d connections", 3*maxIdleConns, n)
	}
	for range answers {
		release <- struct{}{}
	}
	for _, a := range answers {
		if err := await(t, "an answer", a); err != nil {
			t.Fatal(err)
		}
	}
	c.conns.mu.Lock()
	kept := len(c.conns.idle)
	c.conns.mu.Unlock()
	if kept != maxIdleConns {
		t.Errorf("%d connections are kept, want %d", kept, maxIdleConns)
	}
	for range maxIdleConns + 1 { // more than are kept
		ctx, cancel := context.WithCancel(within(t))
		answer := search(ctx, c)
		there := await(t, "a call", began)
		cancel()
		await(t, "its end", answer)
		await(t, "the end of the owner's context", there.Done())
	}
	for range 5 {
		answer := search(within(t), c)
		await(t, "a call", began)
		release <- struct{}{}
		if err := await(t, "an answer", answer); err != nil {
			t.Fatalf("after calls that were given up: %v", err)
		}
	}
}

// TestAnswerWithoutEnd gives a call up whose answer has begun and does not end: at once, and the
// next call has nothing of it.
func TestAnswerWithoutEnd(t *testing.T) {
	c := pair(t, &fake{onLog: func(ctx context.Context, yield func(memory.LogRecord, error) bool) {
		yield(memory.LogRecord{Seq: 1}, nil)
		<-ctx.Done()
	}}, ServerOptions{})
	began := time.Now()
	for r, err := range c.Log(within(t), memory.LogRequest{Follow: true}) {
		if err != nil || r.Seq != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		break
	}
	if took := time.Since(began); took > limit/2 {
		t.Errorf("it took %v to leave", took)
	}
	if _, err := c.Stats(within(t)); memory.CodeOf(err) != memory.CodeConflict {
		t.Errorf("the next call got the rest of the answer: %v", err)
	}
}
