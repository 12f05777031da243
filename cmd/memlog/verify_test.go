package main

import (
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// TestHealingOfUnreadable sends nobody to give up what only permissions keep away.
func TestHealingOfUnreadable(t *testing.T) {
	got := healing([]memory.Problem{{Kind: "unreadable", Segment: "log/1",
		Detail: "open log/1: permission denied"}})
	if !strings.Contains(got, "permissions") || strings.Contains(got, "--dry-run") {
		t.Error(got)
	}
}
