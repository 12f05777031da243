package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

var (
	oldStoreParams = []param{
		{name: "conversation_id", kind: kindText, doc: "Kept in the metadata."},
		{name: "client_hostname", kind: kindText, doc: "Kept in the metadata, as hostname."},
	}
	oldSessionParams = []param{
		{name: "turns", kind: kindJSON, required: true, doc: "A list of {role, content}."},
		{name: "session_id", kind: kindText, doc: "Kept as a tag."},
	}
	oldUpdateParams = []param{
		{name: "updates", kind: kindJSON, required: true,
			doc: "What to change: tags, memory_type, content, metadata, or members of the metadata."},
		{name: "preserve_timestamps", kind: kindBool, doc: "true, or left out."},
		{name: "versioned", kind: kindBool, doc: "Every update is a version."},
	}
	oldRateParams = []param{
		{name: "rating", kind: kindInt, min: -1, max: 1, required: true, doc: "-1, 0 or 1."},
		{name: "feedback", kind: kindText, doc: "Why."},
	}
)

// adjustStore takes tags and type out of the metadata, where mcp-memory-service has them, and keeps
// the hash by which it would name the memory as an alias.
func adjustStore(_ context.Context, _ memory.Service, c *call) error {
	meta, err := c.members("metadata")
	if err != nil {
		return err
	}
	lifted, err := c.lift(meta)
	if err != nil {
		return err
	}
	for name, as := range map[string]string{
		"conversation_id": "conversation_id", "client_hostname": "hostname",
	} {
		if c.has(name) {
			meta[as], _ = json.Marshal(c.text(name)) // a string is always encoded
			lifted = true
		}
	}
	if c.has("content") {
		c.args["aliases"] = []string{contentHash(c.text("content"))}
	}
	if !lifted { // it is kept word for word
		return nil
	}
	return c.setMetadata(meta)
}

// lift makes tags and type of a metadata those of the call, and reports whether there were any. A
// type beside another one stays where it is.
func (c *call) lift(meta map[string]json.RawMessage) (lifted bool, err error) {
	for _, m := range []struct{ name, as string }{
		{"tags", "tags"}, {"type", "type"}, {"memory_type", "type"},
	} {
		raw, ok := meta[m.name]
		if !ok || string(raw) == "null" || m.as == "type" && c.has("type") {
			continue
		}
		p, _ := find(entryParams, m.as)
		v, err := p.parse(raw, "metadata."+m.name)
		if err != nil {
			return false, err
		}
		if tags, ok := v.([]string); ok {
			v = slices.Concat(c.list("tags"), tags)
		}
		c.args[m.as], lifted = v, true
		delete(meta, m.name)
	}
	return lifted, nil
}

// members reads an object, which may also stand in quotes; an empty one where there is none.
func (c *call) members(name string) (map[string]json.RawMessage, error) {
	raw := c.json(name)
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil && strings.HasPrefix(quoted, "{") {
		raw = json.RawMessage(quoted)
	}
	m := map[string]json.RawMessage{}
	if len(raw) == 0 {
		return m, nil
	}
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return nil, memory.Invalid(name, "want an object, not %s", shape(raw))
	}
	return m, nil
}

// setMetadata makes m the metadata of the call, or none.
func (c *call) setMetadata(m map[string]json.RawMessage) error {
	delete(c.args, "metadata")
	if len(m) == 0 {
		return nil
	}
	b, err := marshal(m)
	if err != nil {
		return fmt.Errorf("encode the metadata: %w", err)
	}
	c.args["metadata"] = json.RawMessage(b)
	return nil
}

// adjustSession makes one memory of the turns of a conversation.
func adjustSession(_ context.Context, _ memory.Service, c *call) error {
	var turns []struct{ Role, Content string }
	if err := json.Unmarshal(c.json("turns"), &turns); err != nil || len(turns) == 0 {
		return memory.Invalid("turns", "want a list of {role, content}, not %s",
			shape(c.json("turns")))
	}
	var lines []string
	for _, t := range turns {
		lines = append(lines, t.Role+": "+t.Content)
	}
	c.args["content"] = strings.Join(lines, "\n")
	if c.has("session_id") {
		c.args["tags"] = append(slices.Clone(c.list("tags")), "session:"+c.text("session_id"))
	}
	return nil
}

func adjustAllTags(ctx context.Context, svc memory.Service, c *call) error {
	c.args["match"] = string(memory.MatchAll)
	return needs("tags")(ctx, svc, c)
}

// adjustUpdate takes the updates apart. Members of the metadata are merged with those there are,
// under the version that was read, so that no other window's change is lost.
func adjustUpdate(ctx context.Context, svc memory.Service, c *call) error {
	if c.has("preserve_timestamps") && !c.bool("preserve_timestamps") {
		return memory.Invalid("preserve_timestamps", "the time a memory was created is kept always").
			WithHint("leave it out; to change the time, store the memory anew with created_at.")
	}
	updates, err := c.members("updates")
	if err != nil {
		return err
	}
	custom := map[string]json.RawMessage{}
	for name, raw := range updates {
		switch name {
		case "metadata":
			c.args["updates.metadata"] = raw
			more, err := c.members("updates.metadata")
			if err != nil {
				return err
			}
			maps.Copy(custom, more)
		case "content", "tags", "type", "memory_type":
			p, _ := canonical(updateTool().params, name)
			if c.args[p.name], err = p.parse(raw, "updates."+name); err != nil {
				return err
			}
		case "created_at", "created_at_iso", "updated_at", "updated_at_iso":
			return memory.Invalid("updates."+name, "times are kept by memlog").
				WithHint("leave it out; nothing was changed.")
		default:
			custom[name] = raw
		}
	}
	return c.merge(ctx, svc, custom)
}

// adjustRate keeps a rating where mcp-memory-service has it.
func adjustRate(ctx context.Context, svc memory.Service, c *call) error {
	rating := map[string]json.RawMessage{"user_rating": fmt.Append(nil, c.int("rating"))}
	if c.has("feedback") {
		rating["user_feedback"], _ = json.Marshal(c.text("feedback")) // a string is always encoded
	}
	return c.merge(ctx, svc, rating)
}

// merge adds members to the metadata of the memory that is updated.
func (c *call) merge(
	ctx context.Context, svc memory.Service, more map[string]json.RawMessage,
) error {
	if len(more) == 0 {
		return nil
	}
	m, err := svc.Get(ctx, memory.GetRequest{ID: c.text("id")})
	if err != nil {
		return err
	}
	c.args["metadata"] = m.Metadata
	all, err := c.members("metadata")
	if err != nil {
		return memory.Errorf(memory.CodeInvalid, "the metadata of %s is no object, to which members "+
			"could be added", m.ID).WithHint("memory_update replaces it whole.")
	}
	maps.Copy(all, more)
	if !c.has("if_version") {
		c.args["if_version"] = int64(m.Version)
	}
	return c.setMetadata(all)
}

// cleanupTool takes away memories that say the same as an older one, word for word.
func cleanupTool() tool {
	return tool{
		name:   "cleanup_duplicates",
		params: with([]param{dryRunParam, maxTokensParam}, originParams),
		output: object([]string{"seq", "affected", "total"}, changeSchema()),
		run:    runCleanup, destructive: true, idempotent: true,
	}
}

func runCleanup(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	res, err := svc.Duplicates(ctx, memory.DuplicatesRequest{
		Merge: true, DryRun: c.bool("dry_run"), Threshold: 1, Origin: c.origin})
	if err != nil {
		return answer{}, err
	}
	out, shown, err := c.changeAnswer(memory.Change{
		Seq: res.Seq, Affected: res.Affected, DryRun: res.DryRun})
	if err != nil {
		return answer{}, err
	}
	text := "No memory says what another one says."
	switch n := plural(len(res.Sets), "set", "sets"); {
	case len(res.Sets) > 0 && res.DryRun:
		text = fmt.Sprintf("Would merge %s of memories that say the same; nothing was done.", n)
	case len(res.Sets) > 0:
		text = fmt.Sprintf("Merged %s of memories that say the same, seq %d; the oldest of each "+
			"stays. memory_undo with seq %d takes that back.", n, res.Seq, res.Seq)
	}
	text += idLines(shown, len(res.Affected))
	return answer{text: text, structured: out}, nil
}
