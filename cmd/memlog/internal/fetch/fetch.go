package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// How patient a fetch is.
const (
	DefaultStall = 30 * time.Second
	// StallBytes is the least that has to come within the stall time.
	StallBytes = 1 << 10
	// MaxAttempts is how often a file is asked for in a row without GoodAttempt bytes coming.
	MaxAttempts = 5
	GoodAttempt = 1 << 20

	firstBackoff = 250 * time.Millisecond
	maxHeader    = 64 << 10 // bytes of a response's header
)

// File is one to be fetched. Its name is added to the address.
type File struct {
	Name string
	Max  int64 // bytes
}

// Options of Run.
type Options struct {
	URL      *url.URL          // of the directory, from Address
	Files    []File            // in this order
	Stall    time.Duration     // how long a server may send next to nothing; 0: DefaultStall
	Agent    string            // the name this program gives itself
	Progress memory.Progress   // nil: nobody
	Note     func(text string) // is told what was met on the way; nil: nobody
	Backoff  time.Duration     // before the second attempt; 0: a quarter of a second
	// Transport is what requests go over; nil: one that goes by the environment's proxy.
	Transport http.RoundTripper
}

// run is one Run.
type run struct {
	Options
	dir    *os.Root
	state  state
	client *http.Client
}

// Run fetches files into dir until all are whole, or an error: what has come is kept then, and the
// next Run of the same address goes on there.
func Run(ctx context.Context, dir *os.Root, o Options) error {
	r := &run{Options: o, dir: dir}
	if r.Stall <= 0 {
		r.Stall = DefaultStall
	}
	if r.Backoff <= 0 {
		r.Backoff = firstBackoff
	}
	if r.Note == nil {
		r.Note = func(string) {}
	}
	if r.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.DisableCompression, t.MaxResponseHeaderBytes = true, maxHeader
		defer t.CloseIdleConnections()
		r.Transport = t
	}
	r.client = &http.Client{Transport: r.Transport, CheckRedirect: redirected}
	var err error
	if r.state, err = load(dir); err != nil {
		r.Note(fmt.Sprintf("begins anew: %v", err))
	}
	if r.state.URL != o.URL.String() || r.state.Files == nil {
		r.state = state{stateVersion, o.URL.String(), map[string]*part{}}
	}
	for _, f := range o.Files {
		if err := r.file(ctx, f); err != nil {
			return fmt.Errorf("fetch %s: %w", f.Name, err)
		}
	}
	return nil
}

// passing is an error that another attempt may not meet.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// file fetches one, in as many attempts as help.
func (r *run) file(ctx context.Context, f File) error {
	p := r.state.Files[f.Name]
	if p == nil {
		p = &part{}
		r.state.Files[f.Name] = p
	}
	wait := r.Backoff
	for n := 1; ; n++ {
		came, err := r.attempt(ctx, f, p)
		var again passing
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.As(err, &again):
			return err
		}
		if came >= GoodAttempt {
			n, wait = 0, r.Backoff
		}
		if n >= MaxAttempts {
			return fmt.Errorf("%w (after %d attempts)", err, n)
		}
		r.Note(fmt.Sprintf("%s: %v; trying again", f.Name, err))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait *= 2
	}
}
