package mcpserver

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// sessions bounds the sessions over HTTP. Clients seldom end theirs, and nobody can tell one that
// thinks from one that is gone: so none is ended for its age, and where one too many is asked for,
// the one unused longest makes room. Its client, should it come back, is told to begin anew, as
// the protocol has it.
type sessions struct {
	mcp *mcp.Server
	max int

	mu sync.Mutex
	// mu guards:
	open    map[string]*use // by id
	opening int             // not open yet
}

// use is what is known of a session.
type use struct {
	requests int // under way, streams among them
	last     time.Time
}

func newSessions(server *mcp.Server, most int) *sessions {
	return &sessions{mcp: server, max: most, open: map[string]*use{}}
}

// serve has next answer a request in its session.
func (s *sessions) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	defer s.enter(r.Header.Get(headerSession))()
	next.ServeHTTP(w, r)
}

// begin has next answer a request that opens a session.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, next http.Handler) {
	oldest, ok := s.admit()
	if !ok {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many sessions are in use; end one (DELETE with its Mcp-Session-Id), "+
			"or try again later", http.StatusServiceUnavailable)
		return
	}
	if oldest != nil {
		oldest.Close()
	}
	defer s.begun(w.Header())
	next.ServeHTTP(w, r)
}

// admit takes a place for a new session. The session it returns, if any, is to make room: it is no
// longer counted. false: all are in use.
func (s *sessions) admit() (oldest *mcp.ServerSession, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := s.live()
	maps.DeleteFunc(s.open, func(id string, _ *use) bool { return live[id] == nil })
	if len(s.open)+s.opening >= s.max {
		var unused string
		for id, u := range s.open {
			if u.requests == 0 && (unused == "" || u.last.Before(s.open[unused].last)) {
				unused = id
			}
		}
		if unused == "" {
			return nil, false
		}
		oldest = live[unused]
		delete(s.open, unused)
	}
	s.opening++
	return oldest, true
}

// live returns the sessions that the SDK has, by id.
func (s *sessions) live() map[string]*mcp.ServerSession {
	all := map[string]*mcp.ServerSession{}
	for session := range s.mcp.Sessions() {
		if id := session.ID(); id != "" {
			all[id] = session
		}
	}
	return all
}

// begun takes note of a session that was opened, as the answer's headers tell.
func (s *sessions) begun(answer http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	if id := answer.Get(headerSession); id != "" {
		s.open[id] = &use{last: time.Now()}
	}
}

// enter takes note of a request in a session, and of its end.
func (s *sessions) enter(id string) (exit func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.open[id]
	if u == nil {
		return func() {} // it is none, or not any more
	}
	u.requests++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		u.requests--
		u.last = time.Now()
	}
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live())
}
