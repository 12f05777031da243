package rpc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/polled"
)

// The defaults and limits of a [Server].
const (
	// MaxRequest bounds a request's body, in bytes: the content and metadata of the largest legal
	// batch with every byte escaped by a backslash, and as much again of half for ids, tags and
	// names. Exports, imports and answers have no bound.
	MaxRequest = 2*memory.MaxBatchBytes + memory.MaxBatchBytes/2
	// DefaultMaxInFlight bounds the calls under way at once; more are refused with CodeBusy.
	DefaultMaxInFlight = 256
	// DefaultMaxStreams bounds presences, logs, exports and imports at once, likewise.
	DefaultMaxStreams = 1024
	// DefaultRequestTimeout is how long a client may take over the head of a request, over its
	// body, and over taking the answer.
	DefaultRequestTimeout = 30 * time.Second
	// DefaultStreamTimeout is how long a client may leave a log, an export or an import alone.
	DefaultStreamTimeout = 10 * time.Minute
	// maxHeader bounds the head of a request, in bytes.
	maxHeader = 64 << 10
	// maxName bounds what a client says of itself, in bytes of each.
	maxName = 256
)

// ServerOptions are the options of a [Server]; the zero value works.
type ServerOptions struct {
	Logger         *slog.Logger     // nil: discard
	Info           Info             // for Hello
	MaxRequest     int64            // bytes of a request's body; 0: MaxRequest
	MaxInFlight    int              // calls under way at once; 0: DefaultMaxInFlight
	MaxStreams     int              // 0: DefaultMaxStreams
	RequestTimeout time.Duration    // 0: DefaultRequestTimeout
	StreamTimeout  time.Duration    // 0: DefaultStreamTimeout
	Allow          func(Peer) error // who may connect; nil: SameUser
}

func (o ServerOptions) withDefaults() ServerOptions {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Allow == nil {
		o.Allow = SameUser
	}
	if o.MaxRequest == 0 {
		o.MaxRequest = MaxRequest
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.MaxStreams == 0 {
		o.MaxStreams = DefaultMaxStreams
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = DefaultRequestTimeout
	}
	if o.StreamTimeout == 0 {
		o.StreamTimeout = DefaultStreamTimeout
	}
	if o.Info.PID == 0 {
		o.Info.PID = os.Getpid()
	}
	if o.Info.Since.IsZero() {
		o.Info.Since = time.Now()
	}
	return o
}

// Server serves a [memory.Service] on sockets. Its methods are safe for concurrent use.
type Server struct {
	svc      memory.Service
	o        ServerOptions
	instance string
	http     *http.Server
	calls    map[string]handler
	under    *underWay
	follows  streams // followed logs and presences
}

// NewServer makes a server of svc, which stays the caller's to close, after [Server.Shutdown].
func NewServer(svc memory.Service, o ServerOptions) *Server {
	o = o.withDefaults()
	s := &Server{svc: svc, o: o, instance: rand.Text(), calls: calls(),
		under: newUnderWay(o.MaxInFlight, o.MaxStreams)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathHello, s.serveHello)
	mux.HandleFunc("GET "+pathPresence, s.servePresence)
	mux.HandleFunc("POST "+prefix+methodLog, s.serveLog)
	mux.HandleFunc("POST "+prefix+methodExport, s.serveExport)
	mux.HandleFunc("POST "+prefix+methodImport, s.serveImport)
	mux.HandleFunc("POST "+prefix+"{method}", s.serveCall)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: o.RequestTimeout,
		MaxHeaderBytes: maxHeader, ConnContext: withPeer,
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn)}
	return s
}

// peerKey is the key of a connection's [Peer] in the context of its requests.
type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	if v, ok := c.(*vetted); ok {
		return context.WithValue(ctx, peerKey{}, v.peer)
	}
	return ctx
}

// Serve answers on l, a Unix socket, until [Server.Shutdown], and then returns nil. It closes l.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(&vetting{l, s.o.Allow, s.o.Logger})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %v: %w", l.Addr(), err)
}

// Shutdown takes no more calls, ends followed logs and presences, and waits until the calls under
// way are answered or ctx ends. Then it closes every connection. It returns ctx's error where calls
// were left: their contexts have ended, but they may not have; closing the service waits for them.
func (s *Server) Shutdown(ctx context.Context) error {
	drained := s.under.drain()
	s.follows.end()
	var err error
	select {
	case <-drained:
	case <-ctx.Done():
		if n := s.under.count(); n > 0 {
			err = fmt.Errorf("wait for %d calls under way: %w", n, ctx.Err())
		}
	}
	return errors.Join(err, s.http.Close())
}

// Clients lists who is connected, the longest there first.
func (s *Server) Clients() []memory.ClientInfo { return s.under.list() }

// Calls counts the calls that are not answered yet.
func (s *Server) Calls() int { return s.under.count() }

// Idle returns since when nobody has been connected and nothing under way; the zero time where
// somebody is. A greeting alone is not counted.
func (s *Server) Idle() time.Time { return s.under.idle() }

// vetting is a listener that lets in only whom allow takes.
type vetting struct {
	net.Listener
	allow func(Peer) error
	log   *slog.Logger
}

// vetted is a connection whose other end is known.
type vetted struct {
	net.Conn
	peer Peer
}

// Accept waits for somebody who may come in; others are hung up on.
func (l *vetting) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p, err := checkPeer(c, l.allow)
		if err == nil {
			return &vetted{polled.Conn(c), p}, nil
		}
		l.log.Warn("refused a connection", "cause", err)
		if err := c.Close(); err != nil {
			l.log.Debug("close a refused connection", "cause", err)
		}
	}
}
