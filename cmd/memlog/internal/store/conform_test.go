package store

import (
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/memory/memorytest"
)

func TestConformance(t *testing.T) {
	memorytest.Run(t, func(t *testing.T) memory.Service { return open(t, t.TempDir()) })
}

// TestConformanceShared holds the service that takes turns against the same contract.
func TestConformanceShared(t *testing.T) {
	memorytest.Run(t, func(t *testing.T) memory.Service {
		s := NewShared(t.TempDir(), Options{Holder: "test"}, 0)
		t.Cleanup(func() { s.Close() })
		return s
	})
}
