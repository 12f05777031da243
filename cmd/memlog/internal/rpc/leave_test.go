package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"memlog/cmd/memlog/internal/memory"
)

// lost holds an error against what a caller does about it: try the next owner or not, and whether
// the call may have been carried out.
func lost(t *testing.T, what string, err error, unreachable, maybe bool) {
	t.Helper()
	if errors.Is(err, ErrUnreachable) != unreachable || errors.Is(err, ErrMaybeDone) != maybe {
		t.Errorf("%s: %v: want unreachable %t, maybe done %t", what, err, unreachable, maybe)
	}
}

// TestShutdownDrains answers what is under way and takes nothing new.
func TestShutdownDrains(t *testing.T) {
	svc, began, release := blocking()
	s, path := serve(t, svc, ServerOptions{})
	c := dial(t, path)
	other := dial(t, path)
	answer := search(within(t), c)
	await(t, "the call", began)
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(within(t)) }()
	await(t, "the client's end", c.Done())
	_, err := other.Search(within(t), memory.SearchRequest{})
	lost(t, "a call too late", err, true, false)
	_, err = Dial(within(t), path, ClientOptions{})
	lost(t, "a client too late", err, true, false)
	select {
	case err := <-down:
		t.Errorf("it left before the call was answered: %v", err)
	default:
	}
	close(release)
	if err := await(t, "the answer", answer); err != nil {
		t.Error(err)
	}
	if err := await(t, "the end", down); err != nil {
		t.Error(err)
	}
	_, err = other.Search(within(t), memory.SearchRequest{})
	lost(t, "a call after the end", err, true, false)
}

// TestShutdownGivesUp leaves a call behind, whose caller is to ask the next owner.
func TestShutdownGivesUp(t *testing.T) {
	svc, began, _ := blocking()
	s, path := serve(t, svc, ServerOptions{})
	c := dial(t, path)
	answer := search(within(t), c)
	there := await(t, "the call", began)
	if err := s.Shutdown(canceled()); !errors.Is(err, context.Canceled) {
		t.Errorf("it did not say that a call was left: %v", err)
	}
	await(t, "the end of the owner's context", there.Done())
	lost(t, "the call that was left", await(t, "the answer", answer), true, true)
}

// TestFollowEndsWithTheOwner tells who follows a log that it has not ended.
func TestFollowEndsWithTheOwner(t *testing.T) {
	svc := &fake{onLog: func(ctx context.Context, yield func(memory.LogRecord, error) bool) {
		yield(memory.LogRecord{Seq: 1}, nil)
		<-ctx.Done()
	}}
	s, path := serve(t, svc, ServerOptions{})
	c := dial(t, path)
	seqs, ended := make(chan memory.Seq, 1), make(chan error, 1)
	go func() {
		var last error
		for rec, err := range c.Log(context.Background(), memory.LogRequest{Follow: true}) {
			if last = err; err == nil {
				seqs <- rec.Seq
			}
		}
		ended <- last
	}()
	if seq := await(t, "the first record", seqs); seq != 1 {
		t.Errorf("record %d", seq)
	}
	if err := s.Shutdown(within(t)); err != nil {
		t.Error(err)
	}
	lost(t, "the followed log", await(t, "its end", ended), true, true)
}

// TestExportBreaks never takes half an export for a whole one.
func TestExportBreaks(t *testing.T) {
	wrote := make(chan struct{})
	svc := &fake{onExport: func(ctx context.Context, w io.Writer) error {
		if _, err := w.Write(bytes.Repeat([]byte("x\n"), chunkSize)); err != nil {
			return err
		}
		close(wrote)
		<-ctx.Done()
		return ctx.Err()
	}}
	s, path := serve(t, svc, ServerOptions{})
	c := dial(t, path)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Export(within(t), io.Discard, memory.ExportRequest{})
		ended <- err
	}()
	await(t, "the first chunk", wrote)
	if err := s.Shutdown(canceled()); err == nil {
		t.Error("the export was not under way")
	}
	lost(t, "the export", await(t, "its end", ended), true, true)
}

// TestImportBreaks never takes half a source for a whole one.
func TestImportBreaks(t *testing.T) {
	got := make(chan error, 1)
	svc := &fake{onImport: func(_ context.Context, src io.Reader) (memory.ImportResult, error) {
		_, err := io.Copy(io.Discard, src)
		got <- err
		return memory.ImportResult{}, err
	}}
	c := pair(t, svc, ServerOptions{})
	ctx, cancel := context.WithCancel(within(t))
	_, err := c.Import(ctx, &cancelAfter{cancel: cancel, reads: 5}, memory.ImportRequest{})
	lost(t, "the import", err, false, true)
	if err := await(t, "the end of the source", got); err == nil {
		t.Error("half a source was taken for a whole one")
	}
}

// cancelAfter is an endless source that cancels the call after some reads.
type cancelAfter struct {
	endless
	cancel context.CancelFunc
	reads  int
}

func (c *cancelAfter) Read(p []byte) (int, error) {
	if c.reads--; c.reads == 0 {
		c.cancel()
	}
	return c.endless.Read(p)
}

// TestImportAnsweredEarly brings the answer of a service that does not want the rest.
func TestImportAnsweredEarly(t *testing.T) {
	svc := &fake{onImport: func(context.Context, io.Reader) (memory.ImportResult, error) {
		return memory.ImportResult{Imported: 3}, errFull
	}}
	c := pair(t, svc, ServerOptions{})
	for range 20 {
		res, err := c.Import(within(t), endless{}, memory.ImportRequest{})
		sameError(t, err, errFull)
		if res.Imported != 3 {
			t.Errorf("%+v", res)
		}
	}
}

// TestAnotherOwner has a client of one owner not take the next one for it.
func TestAnotherOwner(t *testing.T) {
	first, path := serve(t, &fake{}, ServerOptions{})
	c := dial(t, path)
	if err := first.Shutdown(within(t)); err != nil {
		t.Fatal(err)
	}
	await(t, "the client's end", c.Done())
	_, err := Dial(within(t), path, ClientOptions{})
	lost(t, "a stale socket", err, true, false)
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	svc := &fake{}
	serveOn(t, svc, ServerOptions{}, l)
	_, err = c.Store(within(t), memory.StoreRequest{})
	lost(t, "a call of the first owner's client", err, true, false)
	_, err = c.Import(within(t), endless{}, memory.ImportRequest{})
	lost(t, "an import of the first owner's client", err, true, false)
	if len(svc.asked) != 0 {
		t.Error("the second owner carried it out")
	}
	_, err = dial(t, path).Store(within(t), memory.StoreRequest{})
	sameError(t, err, errFull)
}

func TestHello(t *testing.T) {
	info := Info{Build: "v1.2", Format: 3, Store: "/s\xff"}
	s, path := serve(t, &fake{}, ServerOptions{Info: info})
	if s.Idle().IsZero() {
		t.Error("a server without clients is not idle")
	}
	c := dial(t, path)
	if !s.Idle().IsZero() {
		t.Error("a server with a client is idle")
	}
	h, err := c.Hello(within(t))
	if err != nil {
		t.Fatal(err)
	}
	want := Hello{Protocol: Protocol, Build: "v1.2", Format: 3, Store: "/s\xff", PID: os.Getpid(),
		Since: h.Since, Instance: s.instance, MaxRequest: MaxRequest,
		Clients: []memory.ClientInfo{{Name: "test", Version: "v1 ü", PID: os.Getpid()}}}
	if d := cmp.Diff(h, want, cmpopts.IgnoreFields(memory.ClientInfo{}, "Since")); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	if h.Since.IsZero() || h.Clients[0].Since.IsZero() {
		t.Errorf("since when? %+v", h)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); len(s.Clients()) > 0 || s.Idle().IsZero(); runtime.Gosched() {
		if ctx.Err() != nil {
			t.Fatal("the client stays on the list")
		}
	}
}

// TestPresencePID goes by the kernel's word for who a client is.
func TestPresencePID(t *testing.T) {
	s, path := serve(t, &fake{}, ServerOptions{})
	conn := raw(t, path, "GET /v1/presence HTTP/1.1\r\nHost: m\r\nMemlog-Client-Name: a+b%2F\r\n"+
		"Memlog-Client-Pid: 1\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	want := 1
	if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
		want = os.Getpid()
	}
	if got := s.Clients(); len(got) != 1 || got[0].PID != want || got[0].Name != "a b/" {
		t.Errorf("%+v, want process %d", got, want)
	}
}

func TestPeers(t *testing.T) {
	no := func(Peer) error { return errors.New("a stranger") }
	_, path := serve(t, &fake{}, ServerOptions{Allow: no})
	_, err := Dial(within(t), path, ClientOptions{})
	lost(t, "a server that refuses", err, true, false)
	var seen Peer
	_, path = serve(t, &fake{}, ServerOptions{Allow: func(p Peer) error {
		seen = p
		return SameUser(p)
	}})
	_, err = Dial(within(t), path, ClientOptions{Allow: no})
	lost(t, "a client that refuses", err, true, false)
	dial(t, path)
	if seen.Known && (seen.UID != os.Getuid() || seen.PID != os.Getpid()) {
		t.Errorf("%+v is not this process", seen)
	}
	for uid, ok := range map[int]bool{os.Getuid(): true, 0: true, os.Getuid() + 4711: false} {
		if err := SameUser(Peer{UID: uid, Known: true}); (err == nil) != ok {
			t.Errorf("user %d: %v", uid, err)
		}
	}
}
