package mcpserver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	headerProtocol = "Mcp-Protocol-Version"
	headerSession  = "Mcp-Session-Id"
	headerMethod   = "Mcp-Method"

	methodInitialize = "initialize"

	// HeaderSession names the client's session for the log, as CLAUDE_CODE_SESSION_ID does where a
	// client starts the server; without it, it is that of the protocol.
	HeaderSession = "Memlog-Session"
	// HeaderProject is the directory the client works in, as CLAUDE_PROJECT_DIR.
	HeaderProject = "Memlog-Project"
)

// firstStateless is the first revision of the protocol in which each request stands by itself.
const firstStateless = "2026-07-28"

// DefaultMaxSessions bounds the sessions over HTTP that are open at once.
const DefaultMaxSessions = 256

// maxMissed bounds what streams may have missed and is kept for who comes back, in bytes.
const maxMissed = 16 << 20

// HTTP serves a [Server] over streamable HTTP, in the revisions that have sessions and in those
// that have none. Make it with [Server.HTTP]. It guards nothing: who may call, and how large a
// request may be, is for the handler around it to say.
type HTTP struct {
	server    *Server
	sessions  *sessions
	stateful  http.Handler // revisions up to 2025-11-25
	stateless http.Handler // from 2026-07-28 on
}

// HTTP returns the endpoint. maxSessions bounds its sessions, those in use never ended for another;
// 0: DefaultMaxSessions.
func (s *Server) HTTP(maxSessions int) *HTTP {
	if maxSessions == 0 {
		maxSessions = DefaultMaxSessions
	}
	serve := func(*http.Request) *mcp.Server { return s.mcp }
	options := mcp.StreamableHTTPOptions{
		Logger:                     s.o.Logger,
		MaxRequestBodyBytes:        -1,   // bounded around this
		DisableLocalhostProtection: true, // likewise, and there with the names that are allowed
	}
	alone := options
	alone.Stateless = true
	// What a stream missed while it was broken is sent again from Last-Event-ID on, of all sessions
	// together the newest maxMissed bytes.
	events := mcp.NewMemoryEventStore(nil)
	events.SetMaxBytes(maxMissed)
	options.EventStore = events
	alone.PropagateRequestCancellation = true // nobody else can get the answer
	return &HTTP{
		server:    s,
		sessions:  newSessions(s.mcp, maxSessions),
		stateful:  mcp.NewStreamableHTTPHandler(serve, &options),
		stateless: mcp.NewStreamableHTTPHandler(serve, &alone),
	}
}

// Sessions returns how many sessions are open.
func (h *HTTP) Sessions() int { return h.sessions.count() }

// Close closes the server: all sessions and the calls in them end.
func (h *HTTP) Close() error { return h.server.Close() }

// IsStream reports whether r asks for a stream that lives until one side ends it.
func (h *HTTP) IsStream(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Header.Get(headerMethod) == methodListen
}

// ServeHTTP implements [http.Handler].
func (h *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(headerProtocol) >= firstStateless {
		h.stateless.ServeHTTP(w, r)
		return
	}
	if r.Method != http.MethodPost || r.Header.Get(headerSession) != "" {
		h.sessions.serve(w, r, h.stateful)
		return
	}
	first, err := peek(r)
	switch {
	case err != nil:
		http.Error(w, "read the request: "+err.Error(), http.StatusBadRequest)
	case first.Params.Meta[mcp.MetaKeyProtocolVersion] != nil:
		// It forgot the header of a revision without sessions: that one's rules tell it so.
		h.stateless.ServeHTTP(w, r)
	case first.Method == methodInitialize:
		h.sessions.begin(w, r, h.stateful)
	default:
		http.Error(w, "a request outside a session: send initialize first, then the header "+
			headerSession+" of its answer", http.StatusBadRequest)
	}
}

// message is what is looked at of a message to see where it belongs.
type message struct {
	Method string `json:"method"`
	Params struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	} `json:"params"`
}

// peek reads the message of a request and leaves it there.
func peek(r *http.Request) (m message, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return m, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if json.Unmarshal(body, &m) != nil {
		return message{}, nil // what it is not is refused as such
	}
	return m, nil
}
