package httpserver

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// refusal is why a request is not carried out.
type refusal struct {
	status int
	text   string
	wait   string // Retry-After, in seconds; empty: waiting does not help
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

func (f *refusal) after(seconds string) *refusal {
	f.wait = seconds
	return f
}

func (f *refusal) write(w http.ResponseWriter) {
	if f.wait != "" {
		w.Header().Set("Retry-After", f.wait)
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="memlog"`)
	}
	http.Error(w, f.text, f.status)
}

// checkNames refuses a request that does not name this server, or that a page of another one sent.
func (s *Server) checkNames(r *http.Request) *refusal {
	if !s.isOurs(r.Host) {
		return refuse(http.StatusForbidden, "Host %.100q is not a name of this server; call it by its "+
			"address, or allow the name with --allow-host", r.Host)
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !s.isOurs(u.Host) {
			return refuse(http.StatusForbidden, "Origin %.100q may not call this server", origin)
		}
	}
	return nil
}

// isOurs reports whether a host, with or without a port, names this server.
func (s *Server) isOurs(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" || slices.Contains(s.hosts, name) {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && (ip.IsLoopback() || s.remote)
}

// checkToken refuses a request without the token.
func (s *Server) checkToken(r *http.Request) *refusal {
	if s.o.Token == "" {
		return nil
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return refuse(http.StatusUnauthorized, "a token is needed: send the header "+
			"Authorization: Bearer TOKEN; memlog serve --http said at its start which file holds it")
	}
	// The digests have one length, so that nothing is told by the time of comparing.
	have, want := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(s.o.Token))
	if subtle.ConstantTimeCompare(have[:], want[:]) != 1 {
		return refuse(http.StatusUnauthorized, "the token is not that of this server")
	}
	return nil
}

// readBody reads the body before anything is done, so that half a request, or one that comes a byte
// at a time, holds up its own connection and nothing else.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) *refusal {
	limit := s.o.MaxBody
	over := refuse(http.StatusRequestEntityTooLarge, "the request's body has more than %d bytes; "+
		"send it in parts, or use memlog import", limit)
	if r.ContentLength > limit {
		return over
	}
	c := http.NewResponseController(w)
	if err := c.SetReadDeadline(time.Now().Add(s.o.BodyTime)); err != nil {
		return refuse(http.StatusInternalServerError, "bound the time of the request: %v", err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return over
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "the request's body did not come within %v",
			s.o.BodyTime)
	case err != nil:
		return refuse(http.StatusBadRequest, "the request's body did not come whole")
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return refuse(http.StatusInternalServerError, "bound the time of the request: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
