package mcpserver

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// listener is a client that hears of changed resources.
type listener struct {
	*mcp.ClientSession
	in    io.Closer
	heard chan string
}

func listen(t *testing.T, s *Server) *listener {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(t.Context(), inR, outW)
		outW.Close()
	}()
	l := listenOn(t, &mcp.IOTransport{Reader: outR, Writer: inW}, "2025-11-25")
	l.in = inW
	t.Cleanup(func() {
		inW.Close()
		outR.Close()
		<-done
	})
	return l
}

func listenOn(t *testing.T, on mcp.Transport, protocol string) *listener {
	t.Helper()
	l := &listener{heard: make(chan string, 1000)}
	client := mcp.NewClient(&mcp.Implementation{Name: "l", Version: "1"}, &mcp.ClientOptions{
		ResourceUpdatedHandler: func(
			_ context.Context, r *mcp.ResourceUpdatedNotificationRequest,
		) {
			l.heard <- r.Params.URI
		},
	})
	var err error
	l.ClientSession, err = client.Connect(t.Context(), on,
		&mcp.ClientSessionOptions{ProtocolVersion: protocol})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *listener) subscribe(t *testing.T, uri string) {
	t.Helper()
	if err := l.Subscribe(t.Context(), &mcp.SubscribeParams{URI: uri}); err != nil {
		t.Fatalf("subscribe to %s: %v", uri, err)
	}
}

// hears waits for exactly these notifications, in any order.
func (l *listener) hears(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range want {
		select {
		case uri := <-l.heard:
			got = append(got, uri)
		case <-time.After(10 * time.Second):
			t.Fatalf("heard %v, want %v", got, want)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("heard %v, want %v", got, want)
	}
}

func following(t *testing.T) (*fake, *Server) {
	f := &fake{memories: some(1, "x"), broken: make(chan struct{})}
	f.append(record(1, "s", storedEvent(0, "x")))
	s := New(f, Options{})
	t.Cleanup(func() { s.Close() })
	return f, s
}

// rests waits until nobody follows the log.
func rests(t *testing.T, f *fake) {
	t.Helper()
	for range 1000 {
		if f.followers.Load() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d readings of the log go on", f.followers.Load())
}

func TestSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := following(t)
		a, b := listen(t, s), listen(t, s)
		one := memoryPrefix + id(0).String()
		a.subscribe(t, one)
		a.subscribe(t, memoryPrefix+"alias")
		a.subscribe(t, tagsURI)
		b.subscribe(t, recentURI)
		b.subscribe(t, changesPrefix+"3")
		linked := memory.LogEvent{Kind: "linked", Fields: map[string]any{
			"from": id(5), "to": id(0).String(), "type": "t"}}
		f.append(record(2, "s", storedEvent(1, "y")))
		a.hears(t, tagsURI)
		b.hears(t, recentURI)
		f.append(record(3, "s", linked))
		a.hears(t, one, memoryPrefix+"alias")
		b.hears(t, recentURI)
		f.append(record(4, "s", memory.LogEvent{Kind: "digested"}, memory.LogEvent{Kind: "embedded",
			Fields: map[string]any{"id": id(0)}})) // nothing that anybody sees
		time.Sleep(4 * tellAfter)
		if len(a.heard)+len(b.heard) > 0 {
			t.Errorf("%d notifications of bookkeeping", len(a.heard)+len(b.heard))
		}
		f.append(record(5, "s", memory.LogEvent{Kind: "deleted", Fields: map[string]any{"id": id(0)}}))
		a.hears(t, one, memoryPrefix+"alias", tagsURI)
		b.hears(t, recentURI, changesPrefix+"3")
		if n := f.followers.Load(); n != 1 {
			t.Errorf("%d readings of the log for 2 clients", n)
		}
		if err := a.Unsubscribe(t.Context(), &mcp.UnsubscribeParams{URI: one}); err != nil {
			t.Fatal(err)
		}
		f.append(record(6, "s", memory.LogEvent{Kind: "restored", Fields: map[string]any{"id": id(0)}}))
		a.hears(t, memoryPrefix+"alias", tagsURI)
		b.hears(t, recentURI, changesPrefix+"3")
		if len(a.heard)+len(b.heard) > 0 {
			t.Errorf("%d notifications more than were due", len(a.heard)+len(b.heard))
		}
	})
}

// The log is followed only while somebody is subscribed, also where a client goes without a word.
func TestFollowingEndsWithTheLastSubscription(t *testing.T) {
	f, s := following(t)
	a, b := listen(t, s), listen(t, s)
	if n := f.followers.Load(); n != 0 {
		t.Fatalf("%d readings of the log before anybody subscribed", n)
	}
	a.subscribe(t, tagsURI)
	a.subscribe(t, tagsURI)
	b.subscribe(t, recentURI)
	if err := b.Unsubscribe(t.Context(), &mcp.UnsubscribeParams{URI: recentURI}); err != nil {
		t.Fatal(err)
	}
	f.append(record(2, "s", storedEvent(1, "y")))
	a.hears(t, tagsURI)
	a.in.Close()
	rests(t, f)
	b.subscribe(t, recentURI)
	b.subscribe(t, recentURI)
	if err := b.Unsubscribe(t.Context(), &mcp.UnsubscribeParams{URI: recentURI}); err != nil {
		t.Fatal(err)
	}
	rests(t, f)
	b.subscribe(t, recentURI) // and begins again
	f.append(record(3, "s", storedEvent(2, "z")))
	b.hears(t, recentURI)
	s.Close()
	if n := f.followers.Load(); n != 0 {
		t.Errorf("%d readings of the log after Close", n)
	}
}

// A log that cannot be followed for a while is followed again from where it was: what changed
// meanwhile is told, and nothing twice.
func TestFollowingGoesOnAfterTheOwnerEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := following(t)
		a := listen(t, s)
		a.subscribe(t, changesPrefix+"0")
		f.append(record(2, "s", storedEvent(1, "y")))
		a.hears(t, changesPrefix+"0")
		f.broken <- struct{}{}
		f.append(record(3, "s", storedEvent(2, "z")))
		a.hears(t, changesPrefix+"0")
		f.append(record(4, "s", storedEvent(3, "z")))
		a.hears(t, changesPrefix+"0")
		f.broken <- struct{}{} // and nothing changes meanwhile
		f.broken <- struct{}{} // the next following has read all there is
		time.Sleep(4 * tellAfter)
		if len(a.heard) > 0 {
			t.Errorf("told %d times too often", len(a.heard))
		}
	})
}

// Over HTTP a subscription is told as over a pipe, and ends with its session.
func TestSubscriptionsOverHTTP(t *testing.T) {
	for _, protocol := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(protocol, func(t *testing.T) {
			f := &fake{memories: some(1, "x")}
			f.append(record(1, "s", storedEvent(0, "x")))
			_, url := serveHTTP(t, f, Options{}, 0)
			a := listenOn(t, &mcp.StreamableClientTransport{Endpoint: url}, protocol)
			b := listenOn(t, &mcp.StreamableClientTransport{Endpoint: url}, protocol)
			a.subscribe(t, recentURI)
			b.subscribe(t, tagsURI)
			f.append(record(2, "s", storedEvent(1, "y")))
			a.hears(t, recentURI)
			b.hears(t, tagsURI)
			a.Close()
			f.append(record(3, "s", storedEvent(2, "z")))
			b.hears(t, tagsURI)
			b.Close()
			rests(t, f)
		})
	}
}

// Many changes in a row are few notifications.
func TestManyChangesAreToldTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := following(t)
		a := listen(t, s)
		a.subscribe(t, recentURI)
		for n := range 500 {
			f.append(record(n+2, "s", storedEvent(n, "y")))
		}
		a.hears(t, recentURI)
		time.Sleep(4 * tellAfter)
		if n := len(a.heard); n > 20 {
			t.Errorf("500 changes are %d notifications", n+1)
		}
	})
}

func TestSubscribeRefuses(t *testing.T) {
	f, s := following(t)
	a := listen(t, s)
	for _, uri := range []string{"memlog://nothing", changesPrefix + "x", changesPrefix + "-1",
		"file:///x", memoryPrefix + "%zz", ""} {
		if err := a.Subscribe(t.Context(), &mcp.SubscribeParams{URI: uri}); err == nil {
			t.Errorf("%q can be subscribed to", uri)
		}
	}
	f.failGet = memory.Errorf(memory.CodeNotFound, "no such memory")
	if err := a.Subscribe(t.Context(), &mcp.SubscribeParams{URI: memoryPrefix + "x"}); err == nil {
		t.Error("a memory that is not there can be subscribed to")
	}
	if n := f.followers.Load(); n != 0 {
		t.Errorf("%d readings of the log", n)
	}
}

func TestSubscriptionsAreBounded(t *testing.T) {
	_, s := following(t)
	a := listen(t, s)
	for n := range maxSubscriptions {
		a.subscribe(t, fmt.Sprint(changesPrefix, n))
	}
	a.subscribe(t, changesPrefix+"0") // one of them
	err := a.Subscribe(t.Context(), &mcp.SubscribeParams{URI: recentURI})
	if err == nil || !strings.Contains(err.Error(), "1000 resources are subscribed to already") {
		t.Errorf("one too many: %v", err)
	}
}

// The newest protocol subscribes with a call that lasts as long as the subscription.
func TestListening(t *testing.T) {
	f, s := following(t)
	p := peerOf(t, s)
	p.send(`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":` +
		`{"resourceSubscriptions":["` + recentURI + `"]},"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
		`"io.modelcontextprotocol/clientInfo":{"name":"p","version":"1"},` +
		`"io.modelcontextprotocol/clientCapabilities":{}}}}`)
	p.expect(`"method":"notifications/subscriptions/acknowledged"`)
	f.append(record(2, "s", storedEvent(1, "y")))
	p.expect(`"method":"notifications/resources/updated"`, recentURI)
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
	rests(t, f)
}
