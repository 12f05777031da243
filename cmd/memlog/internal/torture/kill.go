package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"memlog/cmd/memlog/internal/daemon"
)

// lookAgain is the pause between two looks for an owner that is not there yet.
const lookAgain = 2 * time.Millisecond

// killOwners kills the owner of the store until ctx ends. What ends is the process that status
// names, and nothing else.
func (r *run) killOwners(ctx context.Context) error {
	for last := 0; pause(ctx, r.KillEvery/2+rand.N(r.KillEvery)); {
		pid, ok := r.owner(ctx, last)
		if !ok {
			return nil
		}
		if pid == os.Getpid() {
			return fmt.Errorf("process %d owns the store and is this one", pid)
		}
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Kill()
		}
		if err != nil {
			return fmt.Errorf("kill owner %d: %w", pid, err)
		}
		last = pid
		r.kills.Add(1)
		r.step("torture")
	}
	return nil
}

// owner returns the process that owns the store and was not the last one; false when ctx ends.
func (r *run) owner(ctx context.Context, last int) (int, bool) {
	for {
		st, err := daemon.Status(ctx, r.Owner)
		if err == nil && st.Running && st.PID != last {
			return st.PID, true
		}
		if !pause(ctx, lookAgain) {
			return 0, false
		}
	}
}

// pause waits; false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
