package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/mcpserver"
	"memlog/cmd/memlog/internal/memory"
)

// client is one MCP client and its server process.
type client struct {
	*run
	number  int
	session *mcpserver.Client
	seen    int // the highest count this client knows of
}

// connect starts a client's server and shakes hands.
func (r *run) connect(ctx context.Context, number int) (*client, error) {
	args := append([]string{"mcp", "--store", r.Owner.Store}, r.ChildArgs...)
	cmd := exec.Command(r.Exe, args...)
	cmd.Env = append(os.Environ(), "MEMLOG_SESSION="+r.id)
	cmd.Stderr = r.Stderr
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	s, err := mcpserver.Dial(ctx, cmd, clientName)
	if err != nil {
		return nil, err
	}
	return &client{run: r, number: number, session: s}, nil
}

// close ends the session, and the server with it. That it ends by itself is part of the trial.
func (c *client) close(ctx context.Context) error {
	if err := c.session.Close(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("client %d: its server did not end with its input: %w", c.number, err)
	}
	return nil
}

// work does operations until there are enough, or one ends in an error.
func (c *client) work(ctx context.Context) {
	for n := 0; c.more(ctx, n); n++ {
		c.begun.Add(1)
		op := fmt.Sprintf("%d.%d", c.number, n)
		do := c.store
		if n%2 == 1 {
			do = c.raise
		}
		if err := do(ctx, op); err != nil && ctx.Err() == nil {
			c.ledger.wrong("client %d, operation %d: %v", c.number, n, err)
		}
	}
}

// answer is what of the tools' answers is of use here.
type answer struct {
	ID       string          `json:"id"`
	Seq      memory.Seq      `json:"seq"`
	Version  uint64          `json:"version"`
	Metadata json.RawMessage `json:"metadata"`
	Stored   []struct {
		ID      string `json:"id"`
		Created bool   `json:"created"`
	} `json:"stored"`
}

// call calls a tool. conflict tells that somebody else was faster.
func (c *client) call(ctx context.Context, tool string, args map[string]any) (
	a answer, conflict bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	res, err := c.session.Call(ctx, tool, args)
	switch {
	case err != nil:
		return a, false, err
	case res.IsError && strings.Contains(res.Text, "is at version"):
		return a, true, nil
	case res.IsError:
		return a, false, fmt.Errorf("%s", res.Text)
	}
	return a, false, json.Unmarshal(res.Structured, &a)
}

// makeCounter stores the memory that is raised.
func (c *client) makeCounter(ctx context.Context) (string, error) {
	const op = "counter"
	request := c.id + "-" + op
	c.ledger.issue(request, op)
	a, _, err := c.call(ctx, "memory_store", map[string]any{
		"content": "The counter of " + c.id, "metadata": mark{Op: op}, "request_id": request})
	if err != nil {
		return "", err
	}
	if len(a.Stored) != 1 {
		return "", fmt.Errorf("%d memories stored for one", len(a.Stored))
	}
	c.ledger.ack(request, op, "", a.Seq, 0)
	return a.Stored[0].ID, nil
}

// store stores a memory that is like no other.
func (c *client) store(ctx context.Context, op string) error {
	request := c.id + "-" + op
	c.ledger.issue(request, op)
	began := time.Now()
	a, _, err := c.call(ctx, "memory_store", map[string]any{
		"content":  fmt.Sprintf("Client %d of %s stored this as operation %s.", c.number, c.id, op),
		"metadata": mark{Op: op}, "tags": []string{"torture"}, "request_id": request})
	if err != nil {
		return err
	}
	if len(a.Stored) != 1 || !a.Stored[0].Created {
		return fmt.Errorf("stored %+v for one new memory", a.Stored)
	}
	c.ledger.ack(request, op, a.Stored[0].ID, a.Seq, time.Since(began))
	return nil
}

// raise adds one to the counter, as often as others are faster.
func (c *client) raise(ctx context.Context, op string) error {
	for attempt := range maxAttempts {
		if ctx.Err() != nil || time.Now().After(c.until) {
			return ctx.Err() // given up: it was not acknowledged
		}
		was, _, err := c.call(ctx, "memory_get", map[string]any{"id": c.counter})
		if err != nil {
			return err
		}
		n := countOf(was.Metadata)
		if n < c.seen {
			return fmt.Errorf("the counter is read as %d after it was %d", n, c.seen)
		}
		request := fmt.Sprintf("%s-%s-%d", c.id, op, attempt)
		c.ledger.issue(request, op)
		began := time.Now()
		a, conflict, err := c.call(ctx, "memory_update", map[string]any{"id": c.counter,
			"if_version": was.Version, "metadata": mark{Op: op, Count: n + 1}, "request_id": request})
		switch {
		case err != nil:
			return err
		case conflict:
			c.ledger.refuse(request)
			continue
		case a.Version != was.Version+1:
			return fmt.Errorf("the counter is at version %d after an update of %d", a.Version, was.Version)
		}
		c.seen = n + 1
		c.ledger.ack(request, op, "", a.Seq, time.Since(began))
		return nil
	}
	return fmt.Errorf("others were faster %d times", maxAttempts)
}
