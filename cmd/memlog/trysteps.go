package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// piecesPerCall is how many memories one call of memory_store carries; its answer then fits the
// budget of a result.
const piecesPerCall = 20

// tryMemory is what a trial reads of a memory in a tool's answer.
type tryMemory struct {
	ID      string  `json:"id"`
	Content string  `json:"content"`
	Version uint64  `json:"version"`
	Deleted bool    `json:"deleted"`
	Score   float64 `json:"score"`
}

// tool calls a tool and reads its structured answer into out.
func (t *trial) tool(ctx context.Context, name string, args map[string]any, out any) error {
	res, err := t.client.Call(ctx, name, args)
	if err != nil {
		return err
	}
	if res.IsError {
		return fmt.Errorf("%s: %s", name, res.Text)
	}
	if err := json.Unmarshal(res.Structured, out); err != nil {
		return fmt.Errorf("%s: read its answer: %w", name, err)
	}
	return nil
}

func (t *trial) store(ctx context.Context) (string, error) {
	files := map[string]bool{}
	for i := 0; i < len(t.pieces); i += piecesPerCall {
		part := t.pieces[i:min(i+piecesPerCall, len(t.pieces))]
		var entries []map[string]any
		for _, p := range part {
			files[p.File] = true
			entries = append(entries, map[string]any{
				"content": p.Content, "type": "document", "tags": []string{"try"},
				"metadata": map[string]any{"file": p.File, "heading": p.Heading},
			})
		}
		var res struct {
			Seq   uint64 `json:"seq"`
			Total int    `json:"total"`
		}
		args := map[string]any{"memories": entries, "reason": "memlog try"}
		if err := t.tool(ctx, "memory_store", args, &res); err != nil {
			return "", err
		}
		if res.Seq <= t.before || res.Total != len(part) {
			return "", fmt.Errorf("stored %d of %d, acknowledged as seq %d after seq %d",
				res.Total, len(part), res.Seq, t.before)
		}
		t.before = res.Seq
	}
	var list struct {
		Total int `json:"total"`
	}
	if err := t.tool(ctx, "memory_list", map[string]any{"limit": 1}, &list); err != nil {
		return "", err
	}
	if t.total = list.Total; t.total != len(t.pieces) {
		return "", fmt.Errorf("listed %d memories after storing %d", t.total, len(t.pieces))
	}
	t.report.Memories = t.total
	return fmt.Sprintf("%s of %s, durable as seq %d", plural(t.total, "piece"),
		plural(len(files), "file"), t.before), nil
}

func (t *trial) ask(ctx context.Context) (string, error) {
	questions := questionsFor(t.pieces)
	found := map[string]tryMemory{}
	for _, q := range questions {
		var res struct {
			Hits []tryMemory `json:"hits"`
		}
		args := map[string]any{"query": q.text, "limit": answersShown}
		if err := t.tool(ctx, "memory_search", args, &res); err != nil {
			return "", err
		}
		t.tell("%s", q.text)
		for _, h := range res.Hits[:min(2, len(res.Hits))] {
			t.tell("  %.2f  %s", h.Score, h.Content)
		}
		hit, ok := q.answered(res.Hits)
		if !ok {
			return "", fmt.Errorf("no answer to %q among %s", q.text,
				plural(len(res.Hits), "hit"))
		}
		found[hit.ID] = hit
		switch {
		case t.updated.ID == "":
			t.updated = hit
		case t.deleted.ID == "" && hit.ID != t.updated.ID:
			t.deleted = hit
		}
	}
	if t.deleted.ID == "" {
		return "", errors.New("one memory answers every question")
	}
	return fmt.Sprintf("%d answered", len(questions)), nil
}

func (t *trial) update(ctx context.Context) (string, error) {
	if err := t.whole(ctx, &t.updated); err != nil {
		return "", err
	}
	var res struct {
		Seq     uint64 `json:"seq"`
		Version uint64 `json:"version"`
	}
	err := t.tool(ctx, "memory_update", map[string]any{
		"id": t.updated.ID, "content": t.updated.Content + "\n\nChecked by memlog try.",
		"if_version": t.updated.Version,
	}, &res)
	if err != nil {
		return "", err
	}
	if res.Version != t.updated.Version+1 || res.Seq != t.before+1 {
		return "", fmt.Errorf("version %d as seq %d", res.Version, res.Seq)
	}
	return fmt.Sprintf("version %d, seq %d", res.Version, res.Seq), nil
}

// whole reads a memory in full, as a search may shorten it.
func (t *trial) whole(ctx context.Context, m *tryMemory) error {
	return t.tool(ctx, "memory_get", map[string]any{"id": m.ID}, m)
}

func (t *trial) remove(ctx context.Context) (string, error) {
	var res struct {
		Seq uint64 `json:"seq"`
	}
	args := map[string]any{"ids": []string{t.deleted.ID}}
	if err := t.tool(ctx, "memory_delete", args, &res); err != nil {
		return "", err
	}
	var list struct {
		Total int `json:"total"`
	}
	if err := t.tool(ctx, "memory_list", map[string]any{"limit": 1}, &list); err != nil {
		return "", err
	}
	if list.Total != t.total-1 {
		return "", fmt.Errorf("%d memories are left of %d", list.Total, t.total)
	}
	return fmt.Sprintf("gone from search, kept in the log, seq %d", res.Seq), nil
}

func (t *trial) undo(ctx context.Context) (string, error) {
	var res struct {
		Seq      uint64   `json:"seq"`
		Affected []string `json:"affected"`
	}
	if err := t.tool(ctx, "memory_undo", nil, &res); err != nil {
		return "", err
	}
	var m tryMemory
	if err := t.tool(ctx, "memory_get", map[string]any{"id": t.deleted.ID}, &m); err != nil {
		return "", err
	}
	if m.Deleted || len(res.Affected) != 1 || res.Affected[0] != t.deleted.ID {
		return "", fmt.Errorf("undo affected %v, not %s", res.Affected, t.deleted.ID)
	}
	return fmt.Sprintf("it is back, seq %d", res.Seq), nil
}

func (t *trial) history(ctx context.Context) (string, error) {
	var res struct {
		Versions []struct {
			Event string `json:"event"`
			Seq   uint64 `json:"seq"`
		} `json:"versions"`
	}
	args := map[string]any{"id": t.updated.ID}
	if err := t.tool(ctx, "memory_history", args, &res); err != nil {
		return "", err
	}
	var words []string
	for _, v := range res.Versions {
		words = append(words, fmt.Sprintf("%s as seq %d", v.Event, v.Seq))
	}
	text := strings.Join(words, ", ")
	if len(res.Versions) != 2 {
		return "", fmt.Errorf("a memory that was stored and corrected shows: %s", text)
	}
	return text, nil
}

// goBack reads the store as of the last record before the correction.
func (t *trial) goBack(ctx context.Context) (string, error) {
	then := tryMemory{}
	args := map[string]any{"id": t.updated.ID, "as_of": t.before}
	if err := t.tool(ctx, "memory_get", args, &then); err != nil {
		return "", err
	}
	if then.Content != t.updated.Content {
		return "", fmt.Errorf("as of seq %d it does not say what it said", t.before)
	}
	var list struct {
		Total int `json:"total"`
	}
	args = map[string]any{"limit": 1, "as_of": t.before}
	if err := t.tool(ctx, "memory_list", args, &list); err != nil {
		return "", err
	}
	if list.Total != t.total {
		return "", fmt.Errorf("%d memories as of seq %d, not %d", list.Total, t.before, t.total)
	}
	return fmt.Sprintf("as of seq %d: %s, the old words", t.before, plural(t.total, "memory")), nil
}

func (t *trial) health(ctx context.Context) (string, error) {
	var res struct {
		OK       bool   `json:"ok"`
		Seq      uint64 `json:"seq"`
		Memories int    `json:"memories"`
	}
	if err := t.tool(ctx, "memory_health", nil, &res); err != nil {
		return "", err
	}
	const after = 3 // correction, deletion, undo
	if !res.OK || res.Seq != t.before+after || res.Memories != t.total {
		return "", fmt.Errorf("ok %v, seq %d, %d memories", res.OK, res.Seq, res.Memories)
	}
	return fmt.Sprintf("ok, %s, seq %d", plural(res.Memories, "memory"), res.Seq), nil
}

// verify has the whole log checked by another process, and replayed against the index.
func (t *trial) verify(ctx context.Context) (string, error) {
	var res memory.VerifyResult
	if err := t.command(ctx, &res, "verify", "--deep"); err != nil {
		return "", err
	}
	t.report.Records = res.Records
	if !res.OK || res.Index.Replayed != res.Index.Digest || res.Index.Digest == "" {
		return "", fmt.Errorf("ok %v, index digest %s, replayed %s", res.OK, res.Index.Digest,
			res.Index.Replayed)
	}
	return fmt.Sprintf("%s, digest %.16s… both times", plural(res.Records, "record"),
		res.Index.Digest), nil
}

// replay has the store as of the last record before the correction rebuilt from the log.
func (t *trial) replay(ctx context.Context) (string, error) {
	var then, now memory.ReplayResult
	err := t.command(ctx, &then, "replay", "--until", fmt.Sprintf("seq:%d", t.before), "--diff")
	if err != nil {
		return "", err
	}
	if then.Memories != t.total || len(then.Changed) != 1 {
		return "", fmt.Errorf("%d memories, %d changed since", then.Memories, len(then.Changed))
	}
	if err := t.command(ctx, &now, "replay", "--until", "now"); err != nil {
		return "", err
	}
	if now.Digest == then.Digest {
		return "", errors.New("the past and the present have the same digest")
	}
	var stats memory.StatsResult
	if err := t.command(ctx, &stats, "stats"); err != nil {
		return "", err
	}
	if stats.Digest != now.Digest {
		return "", fmt.Errorf("replayed digest %s, live digest %s", now.Digest, stats.Digest)
	}
	return fmt.Sprintf("1 change since seq %d, digests agree", t.before), nil
}

// command runs this binary on the throw-away store and reads its JSON document.
func (t *trial) command(ctx context.Context, out any, words ...string) error {
	cmd := exec.CommandContext(ctx, t.exe, append(words, "--json", "--store", t.dir)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	b, err := cmd.Output()
	if jerr := json.Unmarshal(b, out); err == nil && jerr != nil {
		err = jerr
	}
	if err != nil {
		return fmt.Errorf("memlog %s: %w: %s", words[0], err, strings.TrimSpace(said.String()))
	}
	return nil
}
