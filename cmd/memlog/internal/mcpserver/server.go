package mcpserver

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/polled"
	"memlog/wal/event"
)

// serverName is what the server calls itself in the handshake.
const serverName = "memlog"

//go:embed instructions.md
var instructions string

// Options say who is calling and how the server tells the time. The zero value works.
type Options struct {
	Version    string           // of memlog, shown in the handshake
	Now        func() time.Time // the clock time expressions count from, in its zone; nil: time.Now
	Session    string           // CLAUDE_CODE_SESSION_ID; empty: a random one for this server
	ProjectDir string           // CLAUDE_PROJECT_DIR: where commands are given
	User, Host string           // who, for the log
	Logger     *slog.Logger     // nil: discard. Never to stdout, which belongs to the protocol
	// Ready is called once, when the first client has shaken hands, and says who it is: what takes
	// time and was not worth keeping that waiting can begin. It must return at once; nil: nothing.
	Ready func(Caller)
	// Conformance adds what the protocol's official conformance suite asks servers for.
	Conformance bool
}

// Caller is who a server serves, as the log has it.
type Caller struct {
	Client, Version  string // as the client names itself; empty where it does not
	Session, Project string
}

// Server serves a [memory.Service] over MCP. Make one with [New], and [Server.Close] it. It may
// serve any number of connections at the same time.
type Server struct {
	svc    memory.Service
	o      Options
	mcp    *mcp.Server
	call   mcp.MethodHandler // answers what the SDK has read
	follow *follower
}

// New makes a server. It does not touch svc, and neither do the handshake and the list of tools:
// svc may open its store at the first call. Closing svc is left to the caller.
func New(svc memory.Service, o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Session == "" {
		o.Session = event.NewID().String()
	}
	s := &Server{svc: svc, o: o}
	s.follow = &follower{svc: svc, log: o.Logger, tell: s.tell,
		sessions: map[*mcp.ServerSession]map[string]topic{}, changed: map[string]bool{}}
	options := mcp.ServerOptions{
		Instructions:       instructions,
		Logger:             o.Logger,
		CompletionHandler:  s.complete,
		SetCacheable:       cacheable,
		SubscribeHandler:   s.subscribe,
		UnsubscribeHandler: s.unsubscribe,
		Capabilities: &mcp.ServerCapabilities{
			Tools: &mcp.ToolCapabilities{}, Prompts: &mcp.PromptCapabilities{},
			Resources: &mcp.ResourceCapabilities{},
		},
	}
	if o.Conformance {
		conformanceOptions(&options)
	}
	s.mcp = mcp.NewServer(
		&mcp.Implementation{Name: serverName, Title: "memlog memory", Version: o.Version}, &options)
	s.mcp.AddReceivingMiddleware(s.known, s.shaken, s.offer)
	for _, r := range resources() {
		s.addResource(r)
	}
	for _, p := range prompts() {
		s.addPrompt(p)
	}
	if o.Conformance {
		s.addConformance()
	}
	return s
}

// known keeps the way into all that answers, for calls that do not come through the SDK.
func (s *Server) known(next mcp.MethodHandler) mcp.MethodHandler {
	s.call = next
	return next
}

// shaken takes note when the first client has shaken hands: it says that it is initialized, or,
// from revision 2026-07-28 on, it has asked what there is, or for something at once.
func (s *Server) shaken(next mcp.MethodHandler) mcp.MethodHandler {
	if s.o.Ready == nil {
		return next
	}
	var once sync.Once
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		ready := func() { once.Do(func() { s.o.Ready(s.caller(req)) }) }
		switch method {
		case methodInitialize, "ping":
			return next(ctx, method, req)
		case "notifications/initialized", "server/discover":
			defer ready()
		default:
			ready()
		}
		return next(ctx, method, req)
	}
}

// caller says who sent a request.
func (s *Server) caller(req mcp.Request) Caller {
	out := Caller{Session: provenance(s.o.Session), Project: provenance(s.o.ProjectDir)}
	if r, ok := req.(interface{ ClientInfo() *mcp.Implementation }); ok {
		if client := r.ClientInfo(); client != nil {
			out.Client, out.Version = provenance(client.Name), provenance(client.Version)
		}
	}
	return out
}

func (s *Server) subscribe(ctx context.Context, req *mcp.SubscribeRequest) error {
	return s.follow.subscribe(ctx, req.Session, req.Params.URI)
}

func (s *Server) unsubscribe(_ context.Context, req *mcp.UnsubscribeRequest) error {
	s.follow.unsubscribe(req.Session, req.Params.URI)
	return nil
}

// tell tells those who subscribed to a resource that it has changed.
func (s *Server) tell(ctx context.Context, uri string) {
	p := &mcp.ResourceUpdatedNotificationParams{URI: uri}
	if err := s.mcp.ResourceUpdated(ctx, p); err != nil {
		s.o.Logger.Warn("tell of a changed resource", "uri", uri, "error", err)
	}
}

// Close ends all connections that are left, and what was done for their subscriptions.
func (s *Server) Close() error {
	var errs []error
	for session := range s.mcp.Sessions() {
		errs = append(errs, session.Close())
	}
	s.follow.close()
	return errors.Join(errs...)
}

// Serve answers one client that writes lines to in and reads lines from out, until in ends, ctx
// ends or the connection fails. The end of in is a normal end: nil.
func (s *Server) Serve(ctx context.Context, in io.ReadCloser, out io.WriteCloser) error {
	l := &lines{in: in, out: out, log: s.o.Logger, call: s.call}
	session, err := s.mcp.Connect(ctx, l, nil)
	if err != nil {
		return fmt.Errorf("serve mcp: %w", err)
	}
	l.conn.session.Store(session)
	stop := context.AfterFunc(ctx, func() { _ = session.Close() })
	defer stop()
	err = session.Wait()
	l.conn.workers.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("serve mcp: %w", err)
	}
	return nil
}

// Run serves svc on stdin and stdout, and returns nil when stdin closes. Nothing but the protocol
// is written to stdout.
func Run(ctx context.Context, svc memory.Service, o Options) error {
	s := New(svc, o)
	in := polled.Pipe(os.Stdin, os.Stdout, os.Stderr)
	out := polled.Pipe(os.Stdout, os.Stdin, os.Stderr)
	return errors.Join(s.Serve(ctx, in, keepOpen{out}), s.Close(), out.Close())
}

// keepOpen is a writer that the end of a connection does not close.
type keepOpen struct{ io.Writer }

// Close does nothing.
func (keepOpen) Close() error { return nil }
