package httpserver

import (
	"context"
	"net/http"
	"time"
)

// serve answers a request: the guards, then the place that was asked for.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.serving.Add(1)
	defer s.serving.Done()
	begun := time.Now()
	out := &answer{ResponseWriter: w, control: http.NewResponseController(w)}
	if no := s.admit(out, r); no != nil {
		no.write(out)
	}
	s.counters.request(out.status)
	s.o.Logger.Debug("http request", "method", r.Method, "path", r.URL.Path, "status", out.status,
		"took", time.Since(begun), "from", r.RemoteAddr)
}

// admit carries out a request, or says why not.
func (s *Server) admit(w *answer, r *http.Request) *refusal {
	if no := s.checkNames(r); no != nil {
		return s.slowly(no)
	}
	open := r.URL.Path == "/healthz"
	if !open {
		if no := s.checkToken(r); no != nil {
			return s.slowly(no)
		}
	}
	if !s.let.Allow() {
		return refuse(http.StatusTooManyRequests, "more than %.0f requests a second", s.o.RequestRate).
			after("1")
	}
	switch r.URL.Path {
	case "/healthz":
		return s.health(w, r)
	case "/metrics":
		return s.metrics(w, r)
	case "/mcp":
		return s.endpoint(w, r)
	}
	return refuse(http.StatusNotFound, "there is /mcp, /healthz and /metrics here")
}

// slowly bounds how often a refusal is explained.
func (s *Server) slowly(no *refusal) *refusal {
	if s.refused.Allow() {
		return no
	}
	return refuse(http.StatusTooManyRequests, "too many requests were refused").after("1")
}

// endpoint has the MCP endpoint answer.
func (s *Server) endpoint(w *answer, r *http.Request) *refusal {
	places, what := s.calls, "requests are under way"
	stream := s.o.MCP.IsStream(r)
	if stream {
		places, what = s.streams, "streams are open"
	}
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	default:
		return refuse(http.StatusTooManyRequests, "%d %s", cap(places), what).after("1")
	}
	if no := s.readBody(w, r); no != nil {
		return no
	}
	if stream {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.ending, cancel)()
		r = r.WithContext(ctx)
	}
	s.o.MCP.ServeHTTP(w, r)
	return nil
}

// health answers /healthz. It says nothing of the store but whether it answers.
func (s *Server) health(w *answer, r *http.Request) *refusal {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return onlyGet(w)
	}
	ctx, cancel := context.WithTimeout(r.Context(), healthTime)
	defer cancel()
	if err := s.o.Health(ctx); err != nil {
		s.o.Logger.Warn("store is not well", "err", err)
		return refuse(http.StatusServiceUnavailable, "the store is not well").after("5")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n"))
	return nil
}

// metrics answers /metrics, without the store's own where that does not answer.
func (s *Server) metrics(w *answer, r *http.Request) *refusal {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return onlyGet(w)
	}
	ctx, cancel := context.WithTimeout(r.Context(), healthTime)
	defer cancel()
	m, err := s.o.Metrics(ctx)
	if err != nil {
		s.o.Logger.Warn("metrics of the store", "err", err)
	}
	s.counters.handler(m).ServeHTTP(w, r)
	return nil
}

func onlyGet(w http.ResponseWriter) *refusal {
	w.Header().Set("Allow", "GET, HEAD")
	return refuse(http.StatusMethodNotAllowed, "only GET is answered here")
}

// answer is a response that remembers its status, and that a client which does not read cannot hold
// up for ever.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
}

// Unwrap lets a response controller through.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if err := a.control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return a.ResponseWriter.Write(b)
}

// Flush implements [http.Flusher].
func (a *answer) Flush() { a.control.Flush() }
