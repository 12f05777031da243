package rpc

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/memory/memorytest"
	"memlog/cmd/memlog/internal/store"
)

// TestConformance holds a client, a server and the store behind it against the contract.
func TestConformance(t *testing.T) {
	memorytest.Run(t, func(t *testing.T) memory.Service {
		return pair(t, openStore(t), ServerOptions{})
	})
}

func openStore(tb testing.TB) *store.Store {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "store")
	s, err := store.Open(context.Background(), dir, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// shortDir returns a directory whose path leaves room for a socket's name.
func shortDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "rpc")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// serve serves svc on a socket of its own until the test ends.
func serve(tb testing.TB, svc memory.Service, o ServerOptions) (*Server, string) {
	tb.Helper()
	path := filepath.Join(shortDir(tb), "s.sock")
	l, err := Listen(path)
	if err != nil {
		tb.Fatal(err)
	}
	return serveOn(tb, svc, o, l), path
}

func serveOn(tb testing.TB, svc memory.Service, o ServerOptions, l net.Listener) *Server {
	tb.Helper()
	s := NewServer(svc, o)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	tb.Cleanup(func() {
		if err := s.Shutdown(canceled()); err != nil {
			tb.Log(err)
		}
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return s
}

// canceled is a context for a Shutdown that does not wait.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// dial connects as a client called test until the test ends.
func dial(tb testing.TB, path string) *Client {
	tb.Helper()
	c, err := Dial(context.Background(), path, ClientOptions{Name: "test", Version: "v1 ü"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// pair is a client of a server of svc.
func pair(tb testing.TB, svc memory.Service, o ServerOptions) *Client {
	tb.Helper()
	_, path := serve(tb, svc, o)
	return dial(tb, path)
}
