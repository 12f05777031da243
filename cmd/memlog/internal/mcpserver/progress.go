package mcpserver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// progressEvery is how often a client that asked for it hears of a call under way. A call that is
// answered sooner sends nothing.
const progressEvery = time.Second

// reporter tells a client that a call is under way. What it counts is the seconds since the call
// began: they only go up, whatever the work turns out to be, and so a client that gives up on a
// silent call goes on waiting for one that waits for the store.
type reporter struct {
	session *mcp.ServerSession
	token   any
	log     *slog.Logger
	stop    chan struct{}
	done    sync.WaitGroup

	mu sync.Mutex
	// mu guards:
	message string
}

// report starts a reporter for a call; nil where the client did not ask for progress. The caller
// ends it with finish.
func (s *Server) report(ctx context.Context, req *mcp.CallToolRequest) *reporter {
	token := req.Params.GetProgressToken()
	if token == nil || req.Session == nil {
		return nil
	}
	r := &reporter{session: req.Session, token: token, log: s.o.Logger,
		stop: make(chan struct{}), message: "waiting for the store"}
	r.done.Go(func() { r.run(ctx) })
	return r
}

func (r *reporter) run(ctx context.Context) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-r.stop:
			return
		case <-tick.C:
		}
		r.mu.Lock()
		message := r.message
		r.mu.Unlock()
		err := r.session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
			ProgressToken: r.token, Progress: time.Since(began).Seconds(), Message: message,
		})
		if err != nil {
			r.log.Debug("progress was not sent", "error", err)
			return
		}
	}
}

// say sets what the next report says.
func (r *reporter) say(format string, args ...any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.message = fmt.Sprintf(format, args...)
	r.mu.Unlock()
}

// finish ends the reports; none comes after it.
func (r *reporter) finish() {
	if r == nil {
		return
	}
	close(r.stop)
	r.done.Wait()
}
