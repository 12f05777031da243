package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

var (
	ifVersionParam = param{name: "if_version", kind: kindInt, min: 1, max: math.MaxInt32,
		doc: "Refuse if the memory has another version than this: someone else changed it."}
	dryRunParam = param{name: "dry_run", kind: kindBool, doc: "Only say what would be done."}
)

// changeSchema are the members of a changeAnswer in an output schema.
func changeSchema() fields {
	return fields{
		{"seq", described(anInt, "Of the record; 0 where there was nothing to do.")},
		{"affected", described(someStrings, "Ids, as many as fit max_tokens.")},
		{"total", described(anInt, "How many were affected.")},
		{"version", described(anInt, "Of the memory, now.")},
		{"dry_run", described(aBool, "Nothing was done.")},
		{"repeats", described(aBool, "The answer to a request_id that was seen before.")},
	}
}

// changeAnswer is what a change did.
type changeAnswer struct {
	Seq      memory.Seq `json:"seq"`
	Affected []rawJSON  `json:"affected"`
	Total    int        `json:"total"`
	Version  uint64     `json:"version,omitempty"`
	DryRun   bool       `json:"dry_run,omitempty"`
	Repeats  bool       `json:"repeats,omitempty"`
}

func updateTool() tool {
	return tool{
		name:  "memory_update",
		title: "Update a memory",
		doc: "Changes what is given of one memory and keeps the rest. The version before stays in " +
			"memory_history, and memory_undo brings it back.",
		params: with([]param{
			{name: "id", kind: kindText, required: true, doc: "Its id, or an alias."},
			{name: "content", kind: kindText, doc: "The new content."},
			{name: "tags", kind: kindList, doc: "All its tags from now on; an empty list for none."},
			{name: "type", kind: kindText, doc: "The new type; an empty string for none."},
			{name: "project", kind: kindText, doc: "The new project; an empty string for none."},
			{name: "metadata", kind: kindJSON, doc: "The new metadata, whole."},
			{name: "remove_metadata", kind: kindBool, doc: "Take the metadata away."},
			ifVersionParam,
		}, originParams),
		output:      object([]string{"seq", "affected", "total"}, changeSchema()),
		destructive: true, idempotent: true,
		run: runUpdate,
	}
}

func runUpdate(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	req, changed, err := c.updateRequest()
	if err != nil {
		return answer{}, err
	}
	res, err := svc.Update(ctx, req)
	if err != nil {
		return answer{}, err
	}
	out, _, err := c.changeAnswer(res)
	if err != nil {
		return answer{}, err
	}
	text := fmt.Sprintf("Nothing to change: %s says this already.", clip(req.ID, maxShown))
	if res.Seq > 0 {
		text = fmt.Sprintf("Updated %s (%s): now version %d, seq %d.%s", clip(req.ID, maxShown),
			strings.Join(changed, ", "), res.Version, res.Seq, repeated(res.Repeats))
	}
	return answer{text: text, structured: out}, nil
}

// updateRequest also names what is to change.
func (c *call) updateRequest() (req memory.UpdateRequest, changed []string, err error) {
	req = memory.UpdateRequest{
		ID: c.text("id"), IfVersion: uint64(c.int("if_version")), Origin: c.origin,
	}
	for name, to := range map[string]**string{
		"content": &req.Content, "type": &req.Type, "project": &req.Project,
	} {
		if c.has(name) {
			*to = new(c.text(name))
		}
	}
	if c.has("tags") {
		req.Tags = new(c.list("tags"))
	}
	req.Metadata = c.json("metadata")
	if c.bool("remove_metadata") {
		if c.has("metadata") {
			return req, nil, memory.Invalid("remove_metadata", "given together with metadata")
		}
		req.Metadata = json.RawMessage("null")
	}
	for _, name := range []string{"content", "tags", "type", "project", "metadata"} {
		if c.has(name) {
			changed = append(changed, name)
		}
	}
	if c.bool("remove_metadata") {
		changed = append(changed, "metadata removed")
	}
	if len(changed) == 0 {
		return req, nil, memory.Invalid("arguments", "nothing to change was given").WithHint(
			"give at least one of content, tags, type, project, metadata, remove_metadata.")
	}
	return req, changed, nil
}

// changeAnswer keeps the list of ids within the budget, and returns it for the text.
func (c *call) changeAnswer(res memory.Change) (changeAnswer, []string, error) {
	p, err := fitIDs(res.Affected, c.budget)
	return changeAnswer{
		Seq: res.Seq, Affected: p.entries, Total: len(res.Affected), Version: res.Version,
		DryRun: res.DryRun, Repeats: res.Repeats,
	}, p.texts, err
}

func fitIDs(ids []memory.ID, budget int) (page, error) {
	return fit(ids, budget, func(id memory.ID, _ limits) (string, any) { return id.String(), id })
}

// idLines lists ids in the text, and says how many are missing.
func idLines(shown []string, total int) string {
	text := ""
	for _, id := range shown {
		text += "\n- " + id
	}
	if rest := total - len(shown); rest > 0 {
		text += fmt.Sprintf("\n… and %d more, not shown.", rest)
	}
	return text
}
