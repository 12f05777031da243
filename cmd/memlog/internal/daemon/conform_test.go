package daemon_test

import (
	"context"
	"testing"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/memory/memorytest"
)

// TestConformance holds a Front and the owner it finds against the contract of every service.
func TestConformance(t *testing.T) {
	memorytest.Run(t, func(t *testing.T) memory.Service {
		w := newWorld(t)
		ctx, end := context.WithCancel(context.Background())
		owned := make(chan error, 1)
		go func() { owned <- daemon.Own(ctx, w.options()) }()
		t.Cleanup(func() {
			end()
			if err := <-owned; err != nil {
				t.Error(err)
			}
		})
		w.until("the owner serves", func() bool { return w.status().Running })
		o := w.options()
		o.Open = func(context.Context) (memory.Service, error) {
			t.Error("a front opened the store")
			return nil, memory.Errorf(memory.CodeFailed, "no")
		}
		return w.front(o)
	})
}

// TestConformanceInProcess does the same where no process can be started.
func TestConformanceInProcess(t *testing.T) {
	memorytest.Run(t, func(t *testing.T) memory.Service {
		w := newWorld(t)
		return w.front(w.options())
	})
}
