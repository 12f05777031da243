package mcpserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// contentHash is how mcp-memory-service names a memory: SHA-256, in hex, of its content without
// space around it and in lower case. So several memories can have the same.
func contentHash(content string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(content))))
	return hex.EncodeToString(sum[:])
}

// isHash reports whether a text is a hash as contentHash writes it, in any case.
func isHash(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == sha256.Size
}

// The limits of the search for a memory with a given hash, which has to look at each: how many in
// one go, and how many at all.
const (
	hashPage = 1000
	hashMost = 5 * hashPage
)

// resolveHashes puts ids in the place of hashes among the arguments that name memories. A hash that
// is an alias is found by the service; another may be that of a memory which was not imported.
func (c *call) resolveHashes(ctx context.Context, svc memory.Service) error {
	for _, name := range []string{"id", "from", "to"} {
		if hash := c.text(name); isHash(hash) {
			id, err := c.byHash(ctx, svc, name, hash)
			if err != nil {
				return err
			}
			c.args[name] = id
		}
	}
	for i, hash := range c.list("ids") {
		if isHash(hash) {
			id, err := c.byHash(ctx, svc, "ids", hash)
			if err != nil {
				return err
			}
			c.list("ids")[i] = id
		}
	}
	return nil
}

// byHash returns the id of the memory whose content has a hash, a live one first; the hash itself
// where it is an alias, or of nothing there is. In a store of more than hashMost memories only the
// newest are looked at, and a hash that is of none of them is an error: it may be an older one's.
func (c *call) byHash(
	ctx context.Context, svc memory.Service, arg, hash string,
) (string, error) {
	_, err := svc.Get(ctx, memory.GetRequest{ID: hash, IncludeDeleted: true})
	if memory.CodeOf(err) != memory.CodeNotFound {
		return hash, err
	}
	var live, deleted []memory.ID
	req := memory.ListRequest{IncludeDeleted: true, Limit: hashPage}
	for seen := 0; ; {
		res, err := svc.List(ctx, req)
		if err != nil {
			return "", err
		}
		for _, m := range res.Memories {
			switch {
			case !strings.EqualFold(contentHash(m.Content), hash):
			case m.Deleted:
				deleted = append(deleted, m.ID)
			default:
				live = append(live, m.ID)
			}
		}
		seen += len(res.Memories)
		c.progress("looking for the hash: %d of %d memories", seen, res.Total)
		if req.Cursor = res.NextCursor; req.Cursor == "" {
			break
		}
		if seen >= hashMost && len(live) == 0 {
			return "", memory.Errorf(memory.CodeNotFound, "the hash %s is no alias, and not that of one "+
				"of the newest %d of %d memories", hash, seen, res.Total).
				WithHint("find the memory with memory_search and use its id")
		}
		if seen >= hashMost {
			break
		}
	}
	if len(live) == 0 {
		live = deleted
	}
	switch len(live) {
	case 0:
		return hash, nil
	case 1:
		return live[0].String(), nil
	}
	return "", memory.Invalid(arg, "%s is the hash of %s", hash, memories(len(live))).
		WithHint("use an id: %s or %s.", live[0], live[1])
}
