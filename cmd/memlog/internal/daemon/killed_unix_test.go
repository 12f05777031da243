//go:build unix

package daemon_test

import (
	"os"
	"testing"

	"memlog/cmd/memlog/internal/daemon"
)

// TestOwnersKilledAtStart kills the first processes that are to serve before they do: others are
// started, and the window does not own the store itself. Where all are killed, it does.
func TestOwnersKilledAtStart(t *testing.T) {
	for name, kills := range map[string]int{"some": 3, "all": 1000} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o, started := w.spawning(), 0
			start, killed := o.Spawn, daemon.Detached("/bin/sh", "-c", "kill -9 $$")
			o.Spawn = func() error {
				if started++; started <= kills {
					return killed()
				}
				return start()
			}
			w.add(w.front(o), "kept")
			self := w.status().PID == os.Getpid()
			if self != (name == "all") {
				t.Errorf("after %d starts this process owns the store: %v", started, self)
			}
		})
	}
}
