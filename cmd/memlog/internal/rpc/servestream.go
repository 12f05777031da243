package rpc

import (
	"io"
	"net/http"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// serveLog sends records as they come: each at once where the log is followed, else as many as fill
// a chunk.
func (s *Server) serveLog(w http.ResponseWriter, r *http.Request) {
	a := newAnswer(w, s.o.StreamTimeout)
	var q memory.LogRequest
	body, err := s.readBody(w, r, a.rc)
	if err == nil {
		err = decodeRequest(body, &q)
	}
	if err != nil {
		a.fail(err)
		return
	}
	ctx := r.Context()
	if q.Follow {
		followed, done := s.follows.add(ctx)
		defer done()
		ctx = followed
	}
	at, ok := begin(s, a, r, s.under.stream)
	if !ok {
		return
	}
	defer at.end()
	s.carryOut(a, at, methodLog, func() (span, error) {
		write := a.hold
		if q.Follow {
			write = func(f frame) error { return a.send(f, nil) }
		}
		for rec, err := range s.svc.Log(ctx, q) {
			f := frame{Record: &rec, Error: toWire(err)}
			if err := write(f); err != nil {
				return nil, errAborted(methodLog, err)
			}
		}
		return nil, ctx.Err()
	})
}

// serveExport sends what the service writes in chunks.
func (s *Server) serveExport(w http.ResponseWriter, r *http.Request) {
	a := newAnswer(w, s.o.StreamTimeout)
	var q memory.ExportRequest
	body, err := s.readBody(w, r, a.rc)
	if err == nil {
		err = decodeRequest(body, &q)
	}
	if err != nil {
		a.failClosing(err)
		return
	}
	at, ok := begin(s, a, r, s.under.stream)
	if !ok {
		return
	}
	defer at.end()
	q.Progress = a.progressFor(r)
	s.carryOut(a, at, methodExport, func() (span, error) {
		out := &chunkWriter{a: a}
		res, err := s.svc.Export(r.Context(), out, q)
		if failed := out.flush(); err == nil {
			err = failed
		}
		return appendJSON(nil, res), err
	})
}

// chunkWriter frames what is written to it.
type chunkWriter struct {
	a   *answer
	buf []byte
}

func (w *chunkWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	if len(w.buf) < chunkSize {
		return len(p), nil
	}
	return len(p), w.flush()
}

func (w *chunkWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	err := w.a.send(frame{Chunk: int64(len(w.buf))}, w.buf)
	w.buf = w.buf[:0]
	if err != nil {
		return errAborted(methodExport, err)
	}
	return nil
}

// serveImport reads the source while it answers. When the answer is out before the source has
// ended, it goes on reading until the client has seen that and hangs up.
func (s *Server) serveImport(w http.ResponseWriter, r *http.Request) {
	a := newAnswer(w, s.o.StreamTimeout)
	w.Header().Set("Connection", "close") // net/http would keep one whose body timed out
	if err := a.rc.EnableFullDuplex(); err != nil {
		a.fail(err)
		return
	}
	deadline := func(d time.Duration) {
		var until time.Time
		if d > 0 {
			until = time.Now().Add(d)
		}
		if err := a.rc.SetReadDeadline(until); err != nil {
			s.o.Logger.Debug("set the deadline of an import", "cause", err)
		}
	}
	deadline(s.o.RequestTimeout)
	src := &unframedSource{frames: newFrameReader(r.Body, r.ContentLength), deadline: deadline,
		patience: s.o.StreamTimeout}
	s.importFrom(a, r, src)
	if src.err == nil {
		deadline(s.o.RequestTimeout)
		_, err := io.Copy(io.Discard, r.Body)
		s.o.Logger.Debug("import ended before its source", "cause", err)
	}
}

func (s *Server) importFrom(a *answer, r *http.Request, src *unframedSource) {
	var q memory.ImportRequest
	first, err := src.frames.next(s.o.MaxRequest)
	if err == nil {
		err = decodeRequest(first.Request, &q)
	}
	if err != nil {
		a.fail(memory.Errorf(memory.CodeInvalid, "read import request: %w", err).
			WithHint("the first line of the body has it"))
		return
	}
	at, ok := begin(s, a, r, s.under.stream)
	if !ok {
		return
	}
	defer at.end()
	q.Progress = a.progressFor(r)
	s.carryOut(a, at, methodImport, func() (span, error) {
		res, err := s.svc.Import(r.Context(), src, q)
		return appendJSON(nil, res), err
	})
}
