//go:build unix

package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// TestStopped stops the owner with SIGSTOP: calls and dials end at their deadline and name it, and
// both work again when it goes on.
func TestStopped(t *testing.T) {
	owner := startChild(t)
	c := dial(t, owner.path)
	if err := owner.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus // waited for: the signal alone may arrive later
	if _, err := syscall.Wait4(owner.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil ||
		!status.Stopped() {
		t.Fatalf("it has not stopped: %v, %v", status, err)
	}
	short := func() context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	_, called := c.Stats(short())
	_, dialed := Dial(short(), owner.path, ClientOptions{})
	for what, err := range map[string]error{"call": called, "dial": dialed} {
		if memory.CodeOf(err) != memory.CodeBusy || errors.Is(err, ErrUnreachable) ||
			!strings.Contains(err.Error(), fmt.Sprint("pid ", owner.Process.Pid)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := owner.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	_, err := c.Stats(within(t))
	sameError(t, err, errFull)
	_, err = dial(t, owner.path).Stats(within(t))
	sameError(t, err, errFull)
}
