package rpc

import (
	"slices"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// underWay knows what a server is doing and for whom.
type underWay struct {
	maxCalls, maxStreams int

	mu sync.Mutex
	// mu guards:
	calls, streams int // being carried out
	open           int // those, and those whose answers are being sent
	clients        map[int]memory.ClientInfo
	serial         int
	idleSince      time.Time
	draining       bool
	drained        chan struct{} // closed when draining and nothing is under way but clients
}

func newUnderWay(maxCalls, maxStreams int) *underWay {
	return &underWay{maxCalls: maxCalls, maxStreams: maxStreams, clients: map[int]memory.ClientInfo{},
		idleSince: time.Now(), drained: make(chan struct{})}
}

// errLeaving tells a client that the owner takes no more calls; the call was not carried out.
var errLeaving = memory.Errorf(memory.CodeBusy, "owner is leaving").WithHint("call the next owner")

// call begins a call.
func (u *underWay) call() (*place, error) { return u.begin(&u.calls, u.maxCalls, "calls") }

// stream begins a log, an export or an import.
func (u *underWay) stream() (*place, error) { return u.begin(&u.streams, u.maxStreams, "streams") }

func (u *underWay) begin(n *int, limit int, what string) (*place, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.draining {
		return nil, errLeaving
	}
	if *n >= limit {
		return nil, memory.Errorf(memory.CodeBusy, "owner has %d %s under way", limit, what).
			WithHint("try again in a moment")
	}
	*n++
	u.open++
	return &place{u: u, of: n}, nil
}

// place is what a call takes up. It is free when the call is carried out, so that whoever has the
// answer can call again; the call ends when its answer is on its way, and the server may close.
type place struct {
	u  *underWay
	of *int // what it is counted in; nil: it is free
}

func (p *place) free() {
	p.u.mu.Lock()
	defer p.u.mu.Unlock()
	p.freeLocked()
}

func (p *place) freeLocked() {
	if p.of != nil {
		*p.of--
		p.of = nil
	}
}

func (p *place) end() {
	p.u.mu.Lock()
	defer p.u.mu.Unlock()
	p.freeLocked()
	p.u.open--
	p.u.changed()
}

// join puts a client on the list; the function returned takes it off.
func (u *underWay) join(c memory.ClientInfo) (func(), error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.draining {
		return nil, errLeaving
	}
	if len(u.clients) >= u.maxStreams {
		return nil, memory.Errorf(memory.CodeBusy, "owner has %d clients", u.maxStreams).
			WithHint("close one, or see memlog status for who they are")
	}
	u.serial++
	id := u.serial
	u.clients[id] = c
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.clients, id)
		u.changed()
	}, nil
}

// changed is called under mu when something ended.
func (u *underWay) changed() {
	if u.open > 0 {
		return
	}
	u.idleSince = time.Now() // counts only while nobody is connected
	if u.draining {
		u.closeDrained()
	}
}

// drain lets nothing more begin; the channel closes when all calls have ended.
func (u *underWay) drain() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.draining = true
	if u.open == 0 {
		u.closeDrained()
	}
	return u.drained
}

// closeDrained is called under mu.
func (u *underWay) closeDrained() {
	select {
	case <-u.drained:
	default:
		close(u.drained)
	}
}

func (u *underWay) isDraining() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.draining
}

func (u *underWay) idle() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open+len(u.clients) > 0 {
		return time.Time{}
	}
	return u.idleSince
}

// count counts what is not answered yet, without presences.
func (u *underWay) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.open
}

// list returns the clients, the longest there first; never nil.
func (u *underWay) list() []memory.ClientInfo {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := make([]int, 0, len(u.clients))
	for id := range u.clients {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]memory.ClientInfo, 0, len(ids))
	for _, id := range ids {
		out = append(out, u.clients[id])
	}
	return out
}
