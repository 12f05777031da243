package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/time/rate"

	"memlog/cmd/memlog/internal/memory"
)

// The limits of a server. Those that [Options] has are defaults.
const (
	// MaxBody bounds a request's body, in bytes: the largest legal batch of memories fits, as JSON.
	MaxBody = 2*memory.MaxBatchBytes + memory.MaxBatchBytes/2
	// BodyTime is how long a body may take to come.
	BodyTime = 30 * time.Second
	// MaxCalls bounds the requests under way at once, MaxStreams those that live until one side
	// ends them, MaxConns the connections; further ones of these wait to be accepted.
	MaxCalls   = 256
	MaxStreams = 512
	MaxConns   = 1024
	// RequestRate bounds the requests a second that are let in, RefusalRate those that are refused
	// for their names or their token with a reason; bursts are twice as large.
	RequestRate = 1000
	RefusalRate = 50

	maxHeader  = 64 << 10         // bytes of a request's headers
	headerTime = 10 * time.Second // for headers to come
	writeTime  = 30 * time.Second // for a client to take a piece of an answer
	idleTime   = 2 * time.Minute  // of a connection between requests
	healthTime = 5 * time.Second  // for the store to answer
	drainWait  = 10 * time.Second // for the calls under way, at the end
)

// Endpoint is what is served at /mcp.
type Endpoint interface {
	http.Handler
	// IsStream reports whether a request asks for a stream that lives until one side ends it.
	IsStream(*http.Request) bool
	// Sessions returns how many sessions are open.
	Sessions() int
	// Close ends all sessions and the calls in them.
	Close() error
}

// Options say what is served and to whom. Addr and MCP are needed.
type Options struct {
	Addr   string   // host and port; port 0: one that is free
	Remote bool     // serve on addresses that other machines reach
	Hosts  []string // names of this server besides its addresses and localhost
	Token  string   // empty: nobody is asked for one
	MCP    Endpoint
	Logger *slog.Logger // nil: discard

	// Health says whether the store answers; nil: it does.
	Health func(context.Context) error
	// Metrics measures the store; nil: nothing is measured.
	Metrics func(context.Context) (*memory.MetricsResult, error)

	MaxBody     int64         // 0: MaxBody
	BodyTime    time.Duration // 0: BodyTime
	MaxCalls    int           // 0: MaxCalls
	MaxStreams  int           // 0: MaxStreams
	RequestRate float64       // 0: RequestRate
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Health == nil {
		o.Health = func(context.Context) error { return nil }
	}
	if o.Metrics == nil {
		o.Metrics = func(context.Context) (*memory.MetricsResult, error) { return nil, nil }
	}
	if o.MaxBody == 0 {
		o.MaxBody = MaxBody
	}
	if o.BodyTime == 0 {
		o.BodyTime = BodyTime
	}
	if o.MaxCalls == 0 {
		o.MaxCalls = MaxCalls
	}
	if o.MaxStreams == 0 {
		o.MaxStreams = MaxStreams
	}
	if o.RequestRate == 0 {
		o.RequestRate = RequestRate
	}
	return o
}

// Server is an endpoint on an address. Make one with [Listen].
type Server struct {
	o        Options
	hosts    []string // that name it, lower case
	remote   bool     // it listens on no loopback address
	listener net.Listener
	http     *http.Server
	let      *rate.Limiter // requests
	refused  *rate.Limiter // refusals
	calls    chan struct{} // holds a token for each call under way
	streams  chan struct{} // for each stream
	counters *counters

	ending  context.Context // ended when streams are to end
	endNow  context.CancelFunc
	cut     context.Context // ended when calls are to end
	cutNow  context.CancelFunc
	serving sync.WaitGroup // requests under way
}

// Listen listens on an address. Connections are taken from now on and answered by [Server.Serve].
// An address that other machines reach is refused without Remote.
func Listen(o Options) (*Server, error) {
	o = o.withDefaults()
	addr, err := resolve(o.Addr)
	if err != nil {
		return nil, err
	}
	if !addr.IP.IsLoopback() && !o.Remote {
		return nil, memory.Invalid("--http", "%s can be reached from other machines", o.Addr).
			WithHint("listen on 127.0.0.1:%d, and reach it from elsewhere through ssh or a proxy with "+
				"TLS; --allow-remote listens there, without encryption", addr.Port)
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve http: %w", err) // it names the address
	}
	s := &Server{
		o: o, remote: !addr.IP.IsLoopback(), listener: netutil.LimitListener(l, MaxConns),
		let:      rate.NewLimiter(rate.Limit(o.RequestRate), max(1, int(2*o.RequestRate))),
		refused:  rate.NewLimiter(RefusalRate, 2*RefusalRate),
		calls:    make(chan struct{}, o.MaxCalls),
		streams:  make(chan struct{}, o.MaxStreams),
		counters: newCounters(o.MCP.Sessions),
	}
	for _, h := range o.Hosts {
		s.hosts = append(s.hosts, strings.ToLower(strings.Trim(h, "[]")))
	}
	s.ending, s.endNow = context.WithCancel(context.Background())
	s.cut, s.cutNow = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTime, IdleTimeout: idleTime,
		BaseContext: func(net.Listener) context.Context { return s.cut },
		ErrorLog:    slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// resolve returns the address to listen on, so that what was checked is what is listened on.
func resolve(addr string) (*net.TCPAddr, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return nil, memory.Invalid("--http", "not an address with a port: %q", addr).
			WithHint("write 127.0.0.1:7433, or 127.0.0.1:0 for a port that is free")
	}
	a, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, memory.Invalid("--http", "%w", err)
	}
	if a.IP == nil {
		a.IP = net.IPv6unspecified // every address of this machine
	}
	return a, nil
}

// URL returns where the endpoint is.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/mcp" }

// Serve answers requests until ctx ends or the listener fails. The end of ctx is a normal end: nil,
// with the calls under way answered, or cancelled where they take longer than drainWait.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go s.accept(failed)
	var err error
	select {
	case <-ctx.Done():
		err = s.drain()
	case err = <-failed:
	}
	s.endNow()
	s.cutNow()
	err = errors.Join(err, s.http.Close(), s.o.MCP.Close())
	s.serving.Wait()
	return err
}

// accept takes connections until the server is shut.
func (s *Server) accept(failed chan<- error) {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		failed <- fmt.Errorf("serve http on %s: %w", s.listener.Addr(), err)
	}
}

// drain ends the streams and waits for the calls under way.
func (s *Server) drain() error {
	s.endNow()
	ctx, cancel := context.WithTimeout(context.Background(), drainWait)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.o.Logger.Warn("calls are cut off: they took too long to end", "waited", drainWait)
		return nil
	}
	return err
}
