package daemon

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// closing is a service that only notes that it was closed.
type closing struct {
	memory.Service
	closed atomic.Bool
}

func (c *closing) Close() error { c.closed.Store(true); return nil }

// quiet is how long a test looks that nothing happens which must not; a test that looks too short a
// while passes.
const quiet = 50 * time.Millisecond

// served is an owner of nothing, in this process.
func served(t *testing.T) (*owner, *closing) {
	t.Helper()
	run, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	t.Setenv("XDG_RUNTIME_DIR", run)
	svc := &closing{}
	w, err := openOwner(t.Context(), Options{Store: t.TempDir(),
		Open: func(context.Context) (memory.Service, error) { return svc, nil }}.withDefaults(), false)
	if err != nil {
		t.Fatal(err)
	}
	go w.run(false)
	t.Cleanup(func() { w.leave("end of test"); <-w.done })
	return w, svc
}

// TestLeaving holds both kinds of connection against their order of leaving: no call begins, streams
// end, calls under way go on, and then it is closed.
func TestLeaving(t *testing.T) {
	w, svc := served(t)
	client, err := rpc.Dial(t.Context(), w.path, rpc.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*conn{connected(client), owned(w)} {
		in, _, exit, ok := c.enter(t.Context(), w.o, false)
		stream, _, exitStream, okStream := c.enter(t.Context(), w.o, true)
		if !ok || !okStream {
			t.Fatal("a call cannot begin")
		}
		left := make(chan error, 1)
		go func() { left <- c.close() }()
		select {
		case <-stream.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("a stream goes on")
		}
		if !errors.Is(context.Cause(stream), rpc.ErrUnreachable) {
			t.Errorf("a stream ends with %v", context.Cause(stream))
		}
		exitStream()
		if _, _, _, ok := c.enter(t.Context(), w.o, false); ok {
			t.Error("a call begins on what is being left")
		}
		select {
		case err := <-left:
			t.Errorf("left (%v) with a call under way", err)
		case <-time.After(quiet):
		}
		if in.Err() != nil || svc.closed.Load() {
			t.Errorf("the call under way was ended: %v, closed: %v", in.Err(), svc.closed.Load())
		}
		exit()
		if err := <-left; err != nil {
			t.Error(err)
		}
	}
	if !svc.closed.Load() {
		t.Error("the store was not closed")
	}
}

// TestDrainEnds cuts a call that does not end.
func TestDrainEnds(t *testing.T) {
	w, _ := served(t)
	w.o.Drain = quiet
	in, exit, ok := w.enter(t.Context(), false)
	if !ok {
		t.Fatal("a call cannot begin")
	}
	w.leave("test")
	select {
	case <-in.Done():
	case <-time.After(10 * time.Second):
		t.Error("a call goes on for ever")
	}
	if !errors.Is(context.Cause(in), errLeaving) {
		t.Errorf("it ends with %v", context.Cause(in))
	}
	exit()
	<-w.done
}
