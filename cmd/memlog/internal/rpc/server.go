package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// ServerOptions are the options of a [Server]; the zero value works.
type ServerOptions struct {
	Logger      *slog.Logger     // nil: discard
	Info        Info             // for Hello; zero PID and Since: of this process, now
	MaxRequest  int64            // bytes of a request body; 0: MaxRequest
	MaxInFlight int              // calls under way at once; 0: DefaultMaxInFlight
	MaxStreams  int              // logs, exports and imports at once; 0: DefaultMaxStreams
	Allow       func(Peer) error // who may connect; nil: SameUser
}

// Server serves a [memory.Service] on sockets.
type Server struct{}

// NewServer makes a server of svc, which stays the caller's to close, after Shutdown.
func NewServer(svc memory.Service, o ServerOptions) *Server { return &Server{} }

// Serve answers on l until Shutdown or Close, and then returns nil. It closes l.
func (s *Server) Serve(l net.Listener) error { return errors.ErrUnsupported }

// Shutdown takes no more calls, ends streams, and waits for the calls under way until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return errors.ErrUnsupported }

// Clients lists who is connected, the longest first.
func (s *Server) Clients() []ClientInfo { return nil }

// Idle returns since when nobody has been connected and nothing under way; zero: it is not idle.
func (s *Server) Idle() time.Time { return time.Time{} }
