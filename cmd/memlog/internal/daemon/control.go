package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// The limits of a control connection.
const (
	controlLine    = 4 << 10         // bytes of a request or an answer
	controlTimeout = 5 * time.Second // to send a request, and to answer one
)

// The verbs of a control request.
const (
	verbStop     = "stop"     // leave
	verbHandover = "handover" // leave, so that a newer version can own the store
)

// controlRequest asks an owner to leave.
type controlRequest struct {
	Verb    string `json:"verb"`
	Version string `json:"version,omitempty"` // of who asks
}

// controlAnswer says whether it does. After an answer without Refused the connection ends when the
// store's lock is free.
type controlAnswer struct {
	Refused string `json:"refused,omitempty"`
}

// controlPath is where the owner that listens at path takes control requests.
func controlPath(path string) string { return strings.TrimSuffix(path, ".sock") + ".ctl" }

// serveControl answers control requests until the owner leaves.
func (w *owner) serveControl(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		w.joined.Add(1)
		go w.control(c)
	}
}

// control answers one request. An accepted one keeps its connection until the end.
func (w *owner) control(c net.Conn) {
	defer w.joined.Done()
	_ = c.SetDeadline(time.Now().Add(controlTimeout))
	stop := context.AfterFunc(w.ending, func() { _ = c.SetDeadline(time.Now()) })
	defer stop()
	var r controlRequest
	err := json.NewDecoder(io.LimitReader(c, controlLine)).Decode(&r)
	a := controlAnswer{Refused: "request cannot be read"}
	if err == nil {
		a.Refused = w.refuse(r)
	}
	if err := json.NewEncoder(c).Encode(a); err != nil || a.Refused != "" {
		_ = c.Close() // who asked and went away has not been answered: nothing happens
		return
	}
	w.mu.Lock()
	w.asking = append(w.asking, c)
	w.mu.Unlock()
	w.leave(strings.TrimSpace(r.Verb + " " + r.Version))
}

// refuse says why the owner does not leave, "" where it does. An older program never evicts a newer
// one, and an owner that has just come stays for a while, so that two versions cannot chase each
// other away in turn.
func (w *owner) refuse(r controlRequest) string {
	switch age := time.Since(w.since); {
	case r.Verb == verbStop:
		return ""
	case r.Verb != verbHandover:
		return fmt.Sprintf("verb %.40q is not known", r.Verb)
	case !newer(r.Version, w.o.Version):
		return fmt.Sprintf("version %.40s is not newer than %s", r.Version, w.o.Version)
	case age < w.o.HandoverEvery:
		return fmt.Sprintf("owner is %v old; it hands over from %v on", age.Round(time.Millisecond),
			w.o.HandoverEvery)
	}
	return ""
}

// ask sends a control request to the owner that listens at path, and waits until it has let the
// store go. Where nobody listens the error wraps rpc.ErrUnreachable.
func ask(ctx context.Context, path string, r controlRequest) error {
	c, err := new(net.Dialer).DialContext(ctx, "unix", controlPath(path))
	if err != nil {
		return fmt.Errorf("%w: %w", rpc.ErrUnreachable, err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := json.NewEncoder(c).Encode(r); err != nil {
		return fmt.Errorf("%w: %w", rpc.ErrUnreachable, err)
	}
	in := bufio.NewReader(io.LimitReader(c, controlLine))
	line, err := in.ReadBytes('\n')
	switch {
	case ctx.Err() != nil:
		return memory.Errorf(memory.CodeBusy, "owner does not answer: %w", ctx.Err()).
			WithHint("memlog status names its process; it may be stopped")
	case err != nil:
		return fmt.Errorf("%w: %w", rpc.ErrUnreachable, err)
	}
	var a controlAnswer
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("read answer of owner: %w", err)
	}
	if a.Refused != "" {
		return memory.Errorf(memory.CodeConflict, "owner does not leave: %s", a.Refused)
	}
	_, _ = in.ReadByte() // its end, or ours
	if ctx.Err() != nil {
		return memory.Errorf(memory.CodeBusy, "owner has not left yet: %w", ctx.Err()).
			WithHint("it lets the calls under way end first; try again")
	}
	return nil
}
