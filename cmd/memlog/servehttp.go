package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/httpserver"
	"memlog/cmd/memlog/internal/mcpserver"
	"memlog/cmd/memlog/internal/memory"
)

// tokenName is the token's file, in the store.
const tokenName = "http.token"

func httpFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "http", Usage: "serve MCP over HTTP at `ADDR`, such as 127.0.0.1:7433; " +
			"port 0 takes a free one"},
		&cli.StringFlag{Name: "token-file", Usage: "`FILE` that holds the token; made where there is " +
			"none (default: " + tokenName + " in the store)"},
		&cli.StringSliceFlag{Name: "allow-host", Usage: "answer to `NAME` as well, such as a " +
			"proxy's; localhost and addresses need no leave"},
		&cli.BoolFlag{Name: "allow-remote", Usage: "listen also where other machines reach it, " +
			"without encryption"},
		// The fixtures of the protocol's official conformance suite beside the tools, on a store that
		// is thrown away: no token, loopback only.
		&cli.BoolFlag{Name: "conformance", Hidden: true},
	}
}

// httpServing is what serve --http prints when it listens.
type httpServing struct {
	URL       string `json:"url"`
	TokenFile string `json:"token_file,omitempty"`
	Store     string `json:"store"`
	PID       int    `json:"pid"`
}

func runHTTP(ctx context.Context, c *call) (err error) {
	if c.isSet("idle") {
		return memory.Invalid("--idle", "does not go with --http, which stays until it is stopped")
	}
	c.holder = "memlog serve --http"
	said := httpServing{Store: c.store, PID: os.Getpid()}
	o := httpserver.Options{
		Addr: c.str("http"), Remote: c.yes("allow-remote"), Hosts: c.flags.StringSlice("allow-host"),
		Logger: c.log,
	}
	if c.yes("conformance") {
		dir, err := c.openThrowaway(ctx, &o)
		if err != nil {
			return err
		}
		said.Store = dir
		defer func() { err = errors.Join(err, c.svc.Close(), os.RemoveAll(dir)) }()
	} else if said.TokenFile, err = c.openShared(ctx, &o); err != nil {
		return err
	}
	name, host := caller()
	o.MCP = mcpserver.New(c.svc, mcpserver.Options{
		Version: version(), Now: c.now, User: name, Host: host, Logger: c.log,
		Conformance: c.yes("conformance"),
	}).HTTP(0)
	o.Health = func(ctx context.Context) error {
		_, err := c.svc.Health(ctx)
		return err
	}
	o.Metrics = func(ctx context.Context) (*memory.MetricsResult, error) {
		m, err := c.svc.Metrics(ctx, memory.MetricsRequest{})
		if err != nil {
			return nil, err
		}
		return &m, nil
	}
	srv, err := httpserver.Listen(o)
	if err != nil {
		return err
	}
	said.URL = srv.URL()
	if err := c.emit(said, func(p *page) { p.httpServing(said) }); err != nil {
		return err
	}
	c.streamed = true
	return srv.Serve(ctx)
}

// openShared makes c use the store through its owner, and returns the file of the token.
func (c *call) openShared(ctx context.Context, o *httpserver.Options) (string, error) {
	var err error
	if c.svc, err = c.front(c.settings, c.log); err != nil {
		return "", err
	}
	if _, err := c.svc.Health(ctx); err != nil { // before anything is written beside the store
		return "", err
	}
	c.warn(ctx)
	file := filepath.Join(c.store, tokenName)
	if given := c.str("token-file"); given != "" {
		if file, err = filepath.Abs(given); err != nil {
			return "", err
		}
	} else if c.isSet("token-file") {
		return "", memory.Invalid("--token-file", "is empty")
	}
	o.Token, err = httpserver.Token(file)
	return file, err
}

// openThrowaway makes c use a new store of its own, and returns its directory.
func (c *call) openThrowaway(ctx context.Context, o *httpserver.Options) (string, error) {
	for _, name := range []string{"token-file", "allow-host", "allow-remote"} {
		if c.isSet(name) {
			return "", memory.Invalid("--"+name, "does not go with --conformance")
		}
	}
	dir, err := os.MkdirTemp("", "memlog-conformance-*")
	if err != nil {
		return "", fmt.Errorf("make a store to throw away: %w", err)
	}
	s := c.settings
	s.store = dir
	if c.svc, err = c.open(ctx, s, c.log, true); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

func (p *page) httpServing(s httpServing) {
	p.field("mcp", s.URL)
	p.field("store", s.Store)
	if s.TokenFile != "" {
		p.field("token", "in "+s.TokenFile)
	}
}
