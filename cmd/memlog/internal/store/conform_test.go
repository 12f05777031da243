package store

import (
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/memory/memorytest"
)

func TestConformance(t *testing.T) {
	memorytest.Run(t, func(t *testing.T) memory.Service { return open(t, t.TempDir()) })
}
