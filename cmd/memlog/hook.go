package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/hook"
	"memlog/cmd/memlog/internal/memory"
)

// envBudget is how many tokens session-start may tell an agent.
const envBudget = "MEMLOG_HOOK_BUDGET"

func hookCommand() *command {
	return &command{
		name: "hook", group: "Processes",
		summary: "Answer a hook of Claude Code, whatever happens, within 200 ms",
		about: `
The plugin has Claude Code run them; each reads one JSON object from standard input. None ever stops
Claude Code: the exit code is 0 also after an error, and what went wrong is on standard error. What
is to be stored is kept in the directory spool of the store before its owner is asked, and waits
there until an owner has taken it.`,
		neverFails: true,
		subs: []*command{
			{
				name: "session-start", neverFails: true, failed: hookFailed("session-start"),
				summary: "Tell the agent the memories that matter for the project",
				about: `
Decisions, preferences and open ends of the project first, newer ones before older ones, within
` + envBudget + ` tokens (default: ` + strconv.Itoa(hook.DefaultBudget) + `, at most ` +
					strconv.Itoa(hook.MaxBudget) + `; 0: nothing). It stores nothing,
and does nothing where there is no store.`,
				run: runHook("session-start"),
			},
			{
				name: "user-prompt", neverFails: true, failed: hookFailed("user-prompt"),
				summary: "Store a prompt that begins with remember:",
				about: `
No other prompt is looked at any further. What looks like a key or a password is not stored. The
user is told of a prompt that is not stored, and of one that could not be read.`,
				run: runHook("user-prompt"),
			},
			{
				name: "session-end", neverFails: true, failed: hookFailed("session-end"),
				summary: "Store what waits in the spool",
				run:     runHook("session-end"),
			},
		},
	}
}

// hookFailed says what Claude Code is told where a hook could not be run.
func hookFailed(name string) func(error) []byte {
	return func(err error) []byte { return hook.Failed(name, err) }
}

func runHook(name string) func(context.Context, *call) error {
	return func(_ context.Context, c *call) error {
		c.streamed = true
		out := hook.Run(name, c.stdin, hook.Options{
			Service: hookService(c.settings, c.log), Store: c.store, Budget: c.hookBudget(),
			Project: c.env(envProject), Origin: c.origin, Now: time.Now, Note: c.note,
		})
		if _, err := c.stdout.Write(out); err != nil {
			c.note("hook %s: %v", name, err)
		}
		return nil // nothing is closed: what does not answer is not waited for
	}
}

// hookBudget reads the budget; one that cannot be read is said and not used.
func (c *call) hookBudget() int {
	v := c.env(envBudget)
	n, err := strconv.Atoi(v)
	switch {
	case v == "":
		return 0
	case err != nil || n < 0:
		c.note("%s: not a number of tokens: %q", envBudget, v)
		return 0
	case n == 0:
		return -1
	}
	return n
}

// errNoOwning is why a hook waits rather than open the store: it is gone before that would help.
var errNoOwning = memory.Errorf(memory.CodeBusy, "a hook does not own the store")

// hookService is a way to the owner of the store. It has one started, and never is one.
func hookService(s settings, log *slog.Logger) memory.Service {
	o := ownerOptions(s, log, true)
	o.Deadline = hook.Deadline
	o.Open = func(context.Context) (memory.Service, error) { return nil, errNoOwning }
	o.Spawn = func() error {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this binary: %w", err)
		}
		return daemon.Detached(self, "serve", "--store", s.store)()
	}
	return daemon.Front(o)
}

// drained returns an Open that hands over what hooks left in the spool before anybody is served.
func drained(open func(context.Context) (memory.Service, error), store string, log *slog.Logger,
) func(context.Context) (memory.Service, error) {
	return func(ctx context.Context) (memory.Service, error) {
		svc, err := open(ctx)
		if err != nil {
			return nil, err
		}
		n, err := hook.Spool{Store: store}.Drain(ctx, svc)
		if err != nil && !errors.Is(err, context.Canceled) {
			log.Warn("store what hooks left", "err", err)
		}
		if n > 0 {
			log.Info("stored what hooks left", "requests", n)
		}
		return svc, nil
	}
}
