package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// serveCall answers a method of one request and one answer. The whole request is read before a
// place among the calls is taken, so that one that never comes whole takes nobody's.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request) {
	a := newAnswer(w, s.o.RequestTimeout)
	method := r.PathValue("method")
	body, err := s.readBody(w, r, a.rc)
	if err != nil {
		a.failClosing(err)
		return
	}
	handle, ok := s.calls[method]
	if !ok {
		a.fail(memory.Invalid("method", "owner does not know the method %.40q", method).
			WithHint("the owner is another version than this program; memlog stop lets it go"))
		return
	}
	at, ok := begin(s, a, r, s.under.call)
	if !ok {
		return
	}
	defer at.end()
	s.carryOut(a, at, method, func() (span, error) {
		return handle(r.Context(), s.svc, body, a.progressFor(r))
	})
}

// carryOut calls the service and sends the end of the answer. A call that ended because the server
// stopped waiting for it is not answered: its client is to ask the next owner.
func (s *Server) carryOut(a *answer, at *place, method string, call func() (span, error)) {
	res, err := s.guard(method, call)
	at.free()
	if err != nil && s.under.isDraining() && errors.Is(err, context.Canceled) {
		panic(http.ErrAbortHandler)
	}
	a.finish(frame{Result: res, Error: toWire(err)})
}

// guard turns a panic of the service into an error, and logs where it was.
func (s *Server) guard(method string, call func() (span, error)) (res span, err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		s.o.Logger.Error("panic in a call", "method", method, "panic", p,
			"stack", string(debug.Stack()))
		res, err = nil, memory.Errorf(memory.CodeFailed, "%s: defect in the owner: %v", method, p).
			WithHint("please report it, with the owner's log file")
	}()
	return call()
}

// begin takes a place for a call of a client that means this server, or answers why not.
func begin[P any](s *Server, a *answer, r *http.Request, take func() (P, error)) (P, bool) {
	err := error(errLeaving)
	var at P
	if meant := r.Header.Get(headerInstance); meant == "" || meant == s.instance {
		at, err = take()
	}
	switch {
	case err == nil:
		return at, true
	case errors.Is(err, errLeaving):
		a.refuse(statusMisdirected, err)
	default:
		a.fail(err)
	}
	return at, false
}

// readBody reads a request's body in bounded time and memory.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, rc *http.ResponseController) (
	[]byte, error) {
	limit := s.o.MaxRequest
	if r.ContentLength > limit {
		return nil, tooLarge(r.ContentLength, limit)
	}
	if err := rc.SetReadDeadline(time.Now().Add(s.o.RequestTimeout)); err != nil {
		return nil, err
	}
	var body []byte
	var err error
	if r.ContentLength >= 0 {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, body)
	} else {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(limit+1, limit)
	case err != nil:
		return nil, memory.Errorf(memory.CodeInvalid, "read request: %w", err).
			WithHint("the body has to come whole within %v", s.o.RequestTimeout)
	}
	return body, rc.SetReadDeadline(time.Time{})
}

func tooLarge(n, limit int64) error {
	return memory.Invalid("request", "of %d bytes or more is over the limit of %d", n, limit).
		WithHint("send less at once; import has no limit")
}

// serveHello greets.
func (s *Server) serveHello(w http.ResponseWriter, _ *http.Request) {
	in := s.o.Info
	h := Hello{Protocol: Protocol, Build: in.Build, Format: in.Format, Store: in.Store, PID: in.PID,
		Since: in.Since, Instance: s.instance, MaxRequest: s.o.MaxRequest, Clients: s.Clients(),
		Calls: s.under.count()}
	newAnswer(w, s.o.RequestTimeout).finish(frame{Result: appendJSON(nil, h)})
}

// servePresence keeps a client on the list for as long as it stays connected.
func (s *Server) servePresence(w http.ResponseWriter, r *http.Request) {
	a := newAnswer(w, s.o.RequestTimeout)
	info, err := clientInfo(r)
	if err != nil {
		a.fail(err)
		return
	}
	leave, ok := begin(s, a, r, func() (func(), error) { return s.under.join(info) })
	if !ok {
		return
	}
	defer leave()
	ctx, done := s.follows.add(r.Context())
	defer done()
	if a.send(frame{}, nil) == nil {
		<-ctx.Done()
	}
}

// clientInfo reads who a client says it is.
func clientInfo(r *http.Request) (memory.ClientInfo, error) {
	c := memory.ClientInfo{Since: time.Now()}
	for header, field := range map[string]*string{headerName: &c.Name, headerVersion: &c.Version,
		headerSession: &c.Session, headerProject: &c.Project} {
		v, err := url.QueryUnescape(r.Header.Get(header))
		if err != nil {
			return c, memory.Invalid(header, "%w", err).WithHint("escape it as in a URL's query")
		}
		*field = v[:min(len(v), maxName)]
	}
	if p, ok := r.Context().Value(peerKey{}).(Peer); ok && p.PID != 0 {
		c.PID = p.PID
		return c, nil
	}
	var err error
	if v := r.Header.Get(headerPID); v != "" {
		if c.PID, err = strconv.Atoi(v); err != nil {
			return c, memory.Invalid(headerPID, "%.20q is no number", v).
				WithHint("give the process id")
		}
	}
	return c, nil
}

// failClosing is fail, and the end of a connection whose request was not read whole.
func (a *answer) failClosing(err error) {
	a.w.Header().Set("Connection", "close")
	a.fail(err)
}

// refuse is fail with a status of its own, which says that nothing was carried out.
func (a *answer) refuse(status int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.buf = appendFrame(a.buf, frame{Error: toWire(err), End: true})
	if err := a.flushLocked(status, true); err != nil {
		return // the client has gone, and knows
	}
}

// errAborted is what a stream's write returns when the client has gone.
func errAborted(method string, err error) error {
	return fmt.Errorf("%s: client has gone: %w", method, err)
}
