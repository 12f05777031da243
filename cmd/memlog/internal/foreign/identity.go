package foreign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// The names under which ids are derived. They never change.
const (
	serviceNames    = "mcp-memory-service"
	graphNames      = "server-memory"
	documentNames   = "claude-memory"
	transcriptNames = "claude-transcript"
	importNames     = "import"
)

// serviceID is the id of what mcp-memory-service calls by a hash. All its stores and files name a
// memory alike, so what came from one is found again in another.
func serviceID(hash string) event.ID { return event.DerivedID(serviceNames, hash) }

// contentHash is the hash by which mcp-memory-service names a content.
func contentHash(content string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(content))))
	return hex.EncodeToString(sum[:])
}

// Group names the import of these paths as they are now: the same for the same bytes in the same
// order, so that an import that was cut off and is given again is one step to undo. It is empty
// where an input can be read only once.
func Group(ctx context.Context, paths []string) (string, error) {
	names := []string{importNames}
	for _, path := range paths {
		info, err := os.Stat(path)
		if path == "-" || err == nil && !info.Mode().IsRegular() {
			return "", nil
		}
		if err != nil {
			return "", notThere(path, err)
		}
		sum, err := readAll(ctx, path, "")
		if err != nil {
			return "", err
		}
		names = append(names, string(sum))
	}
	return memory.ID(event.DerivedID(names...)).String(), nil
}
