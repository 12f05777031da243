package foreign

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"memlog/wal/event"
)

// The names under which ids are derived. They never change.
const (
	serviceNames    = "mcp-memory-service"
	graphNames      = "server-memory"
	documentNames   = "claude-memory"
	transcriptNames = "claude-transcript"
)

// serviceID is the id of what mcp-memory-service calls by a hash. All its stores and files name a
// memory alike, so what came from one is found again in another.
func serviceID(hash string) event.ID { return event.DerivedID(serviceNames, hash) }

// contentHash is the hash by which mcp-memory-service names a content.
func contentHash(content string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(content))))
	return hex.EncodeToString(sum[:])
}
