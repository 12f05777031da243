package mcpserver

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

const (
	// tellAfter is how long changes are gathered before those who subscribed are told.
	tellAfter = 50 * time.Millisecond
	// followAgain is how long to wait before a log that could not be followed is tried again.
	followAgain = time.Second
	// maxSubscriptions bounds the resources that one connection can subscribe to.
	maxSubscriptions = 1000
)

// follower tells clients that a resource they subscribed to has changed, whoever changed it. It
// follows the log as long as somebody is subscribed. Where the store has another owner, or none for
// a while, it goes on behind the last record it saw.
type follower struct {
	svc  memory.Service
	log  *slog.Logger
	tell func(ctx context.Context, uri string)

	work sync.WaitGroup // what close joins

	mu sync.Mutex
	// mu guards:
	sessions map[*mcp.ServerSession]map[string]topic // by address
	changed  map[string]bool                         // resources nobody was told of yet
	cancel   context.CancelFunc                      // of the following; nil: there is none
	wake     chan struct{}                           // of the following: something changed
	closed   bool
}

// topic says which records of the log change a resource.
type topic struct {
	kind string // its address without what identifies one of a family
	id   string
	seq  memory.Seq
}

// topicOf finds what a client subscribes to. A memory is looked up, since an alias may name it.
func topicOf(ctx context.Context, svc memory.Service, uri string) (topic, error) {
	if uri == recentURI || uri == tagsURI {
		return topic{kind: uri}, nil
	}
	i := strings.LastIndex(uri, "/") + 1
	arg, err := url.PathUnescape(uri[i:])
	switch {
	case err != nil:
	case uri[:i] == memoryPrefix:
		m, err := svc.Get(ctx, memory.GetRequest{ID: arg, IncludeDeleted: true})
		return topic{kind: memoryPrefix, id: m.ID.String()}, err
	case uri[:i] == changesPrefix:
		n, err := strconv.ParseUint(arg, 10, 63)
		if err == nil {
			return topic{kind: changesPrefix, seq: memory.Seq(n)}, nil
		}
	}
	return topic{}, mcp.ResourceNotFoundError(uri)
}

// concerns reports whether a record changes the resource.
func (t topic) concerns(rec memory.LogRecord) bool {
	for _, e := range rec.Events {
		if !slices.Contains(memoryEvents, e.Kind) {
			continue
		}
		ev := eventOf(e)
		switch {
		case t.kind == recentURI,
			t.kind == changesPrefix && rec.Seq > t.seq,
			t.kind == tagsURI && ev.Link == "",
			t.kind == memoryPrefix && (ev.ID == t.id || ev.To == t.id):
			return true
		}
	}
	return false
}

// subscribe takes a subscription. Changes that are recorded after it has returned are told.
func (f *follower) subscribe(ctx context.Context, s *mcp.ServerSession, uri string) error {
	t, err := topicOf(ctx, f.svc, uri)
	if err != nil {
		return asProtocolError(uri, err)
	}
	health, err := f.svc.Health(ctx)
	if err != nil {
		return asProtocolError("", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return asProtocolError("", memory.Errorf(memory.CodeBusy, "the server is closing"))
	case len(f.sessions[s]) == maxSubscriptions && f.sessions[s][uri] == topic{}:
		return asProtocolError("", memory.Invalid("uri", "%d resources are subscribed to already",
			maxSubscriptions).WithHint("memlog://changes/{seq} tells of every change."))
	case f.sessions[s] == nil:
		f.sessions[s] = map[string]topic{}
		f.work.Go(func() { f.forget(s) })
	}
	f.sessions[s][uri] = t
	if f.cancel == nil {
		f.start(health.Seq + 1)
	}
	return nil
}

// start begins to follow the log. It is called with mu held.
func (f *follower) start(from memory.Seq) {
	ctx, cancel := context.WithCancel(context.Background())
	wake := make(chan struct{}, 1)
	f.cancel, f.wake = cancel, wake
	f.work.Go(func() { f.follow(ctx, from) })
	f.work.Go(func() { f.report(ctx, wake) })
}

// unsubscribe takes a subscription back, however often it was made: so the SDK has it.
func (f *follower) unsubscribe(s *mcp.ServerSession, uri string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions[s], uri)
	f.rest()
}

// forget takes all subscriptions of a connection back when it has ended.
func (f *follower) forget(s *mcp.ServerSession) {
	if err := s.Wait(); err != nil {
		f.log.Debug("connection with subscriptions ended", "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, s)
	f.rest()
}

// rest stops following where nobody is subscribed. It is called with mu held.
func (f *follower) rest() {
	for _, subs := range f.sessions {
		if len(subs) > 0 {
			return
		}
	}
	if f.cancel != nil {
		f.cancel()
		f.cancel, f.changed = nil, map[string]bool{}
	}
}

// follow reads the log as it grows, until ctx ends.
func (f *follower) follow(ctx context.Context, from memory.Seq) {
	for {
		for rec, err := range f.svc.Log(ctx, memory.LogRequest{From: from, Follow: true}) {
			if err != nil {
				f.log.Warn("follow the log", "from", from, "error", err)
				continue
			}
			from = rec.Seq + 1
			f.note(ctx, rec)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(followAgain):
		}
	}
}

// note remembers what a record changed.
func (f *follower) note(ctx context.Context, rec memory.LogRecord) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil { // another following may have begun
		return
	}
	for _, subs := range f.sessions {
		for uri, t := range subs {
			if !f.changed[uri] && t.concerns(rec) {
				f.changed[uri] = true
			}
		}
	}
	if len(f.changed) > 0 {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// report tells of changes until ctx ends. What changes many times while a client is told, or is
// slow to be told, is told once more.
func (f *follower) report(ctx context.Context, wake <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tellAfter):
		}
		f.mu.Lock()
		changed := f.changed
		f.changed = map[string]bool{}
		f.mu.Unlock()
		for uri := range changed {
			f.tell(ctx, uri)
		}
	}
}

// close ends all following, and waits for it. The connections must have been closed before.
func (f *follower) close() {
	f.mu.Lock()
	f.closed = true
	if f.cancel != nil {
		f.cancel()
		f.cancel = nil
	}
	f.mu.Unlock()
	f.work.Wait()
}
