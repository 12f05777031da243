package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	"pgregory.net/rapid"

	"memlog/cmd/memlog/internal/memory"
	"memlog/projection"
)

// history drives a store through random commands and keeps what the state was after each.
type history struct {
	t      *rapid.T
	ctx    context.Context
	s      *Store
	ids    []memory.ID
	states map[memory.Seq][32]byte
}

func (h *history) state() [32]byte {
	e, done, err := h.s.use()
	if err != nil {
		h.t.Fatal(err)
	}
	defer done()
	v, err := e.db.View()
	if err != nil {
		h.t.Fatal(err)
	}
	defer v.Close()
	running, err := v.StateDigest()
	if err != nil {
		h.t.Fatal(err)
	}
	scanned, err := projection.StateDigest(v)
	if err != nil || running != scanned {
		h.t.Fatalf("running state digest %x, scanned %x (%v)", running, scanned, err)
	}
	return running
}

func (h *history) pick(label string) string {
	if len(h.ids) == 0 {
		return memory.ID{1}.String()
	}
	return rapid.SampledFrom(h.ids).Draw(h.t, label).String()
}

func (h *history) tags(label string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 3,
		rapid.ID[string]).Draw(h.t, label)
}

// expected reports whether a command may fail that way in a random history.
func expected(err error) bool {
	switch memory.CodeOf(err) {
	case "", memory.CodeNotFound, memory.CodeConflict, memory.CodeInvalid:
		return true
	}
	return false
}

// command gives one random command.
func (h *history) command() error { return h.commandOf(rapid.IntRange(0, 11).Draw(h.t, "op")) }

// forward gives one that is no undo.
func (h *history) forward() error {
	return h.commandOf(rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 11}).Draw(h.t, "op"))
}

func (h *history) commandOf(op int) error {
	texts := []string{"red apple pie", "green pear tart", "blue plum cake", "red apple pies"}
	text := rapid.SampledFrom(texts).Draw(h.t, "text")
	switch op {
	case 0, 1, 2:
		n := rapid.IntRange(1, 3).Draw(h.t, "n")
		var ms []memory.NewMemory
		for i := range n {
			ms = append(
				ms,
				memory.NewMemory{Content: fmt.Sprintf("%s %d", text, rapid.IntRange(0, 2).Draw(h.t, "k")),
					Tags: h.tags(fmt.Sprint("tags", i))},
			)
		}
		res, err := h.s.Store(h.ctx, memory.StoreRequest{Memories: ms})
		for _, st := range res.Stored {
			h.ids = append(h.ids, st.ID)
		}
		return err
	case 3:
		tags := h.tags("tags")
		_, err := h.s.Update(h.ctx, memory.UpdateRequest{ID: h.pick("id"), Content: &text, Tags: &tags})
		return err
	case 4:
		_, err := h.s.Delete(h.ctx, memory.DeleteRequest{IDs: []string{h.pick("id")}})
		return err
	case 5:
		_, err := h.s.Delete(h.ctx, memory.DeleteRequest{Filter: memory.Filter{Tags: []string{"a"}}})
		return err
	case 6:
		_, err := h.s.Restore(h.ctx, memory.RestoreRequest{IDs: []string{h.pick("id")}})
		return err
	case 7:
		_, err := h.s.Link(h.ctx, memory.LinkRequest{From: h.pick("from"), To: h.pick("to"), Type: "t",
			Remove: rapid.Bool().Draw(h.t, "remove")})
		return err
	case 8:
		_, err := h.s.Duplicates(h.ctx, memory.DuplicatesRequest{Merge: true, Threshold: 0.5})
		return err
	case 9:
		_, err := h.s.Undo(h.ctx, memory.UndoRequest{Force: rapid.Bool().Draw(h.t, "force")})
		return err
	case 10:
		seq := rapid.IntRange(1, int(h.s.engine.Log.Head().Seq)).Draw(h.t, "undo")
		_, err := h.s.Undo(h.ctx, memory.UndoRequest{Seq: memory.Seq(seq)})
		return err
	default:
		line := fmt.Sprintf(
			`{"content": "%s", "tags": ["a"], "created_at": "2020-01-0%dT00:00:00Z"}`,
			text,
			rapid.IntRange(1, 3).Draw(h.t, "day"),
		)
		_, err := h.s.Import(h.ctx, bytes.NewReader([]byte(line)), memory.ImportRequest{Name: "x"})
		return err
	}
}

// undoLast takes the newest record back and holds the state against what it was before.
func (h *history) undoLast(before [32]byte, seq memory.Seq) {
	if _, err := h.s.Undo(h.ctx, memory.UndoRequest{Seq: seq}); err != nil {
		if memory.CodeOf(err) == memory.CodeInvalid { // a record that changed no memory
			return
		}
		h.t.Fatalf("undo %d: %v", seq, err)
	}
	if got := h.state(); got != before {
		h.t.Fatalf("state after undo of %d is %x, was %x before it", seq, got, before)
	}
	h.states[memory.Seq(h.s.engine.Log.Head().Seq)] = before
}

func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "store")
		if err != nil {
			rt.Fatal(err)
		}
		ctx := context.Background()
		s, err := Open(ctx, dir, Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { s.Close() }()
		h := &history{t: rt, ctx: ctx, s: s, states: map[memory.Seq][32]byte{}}
		h.states[1] = h.state()
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			before, head := h.state(), s.engine.Log.Head().Seq
			if err := h.command(); !expected(err) {
				rt.Fatal(err)
			}
			now := memory.Seq(s.engine.Log.Head().Seq)
			h.states[now] = h.state()
			if memory.Seq(head)+1 == now && rapid.IntRange(0, 3).Draw(rt, "back") == 0 {
				h.undoLast(before, now)
			}
		}
		if seq := rapid.SampledFrom(sortedKeys(h.states)).Draw(rt, "revert"); rapid.Bool().Draw(
			rt,
			"reverting",
		) {
			if _, err := s.Revert(ctx, memory.RevertRequest{Until: memory.Moment{Seq: seq}}); err != nil {
				rt.Fatalf("revert to %d: %v", seq, err)
			}
			if got := h.state(); got != h.states[seq] {
				rt.Fatalf("state after revert to %d is %x, was %x", seq, got, h.states[seq])
			}
		}
		h.replays()
		h.travels(t)
		h.survives(dir)
	})
}

// TestUndoAllTheWay takes every command of a random history back, one bare undo after the other.
func TestUndoAllTheWay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "store")
		if err != nil {
			rt.Fatal(err)
		}
		s, err := Open(t.Context(), dir, Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		h := &history{t: rt, ctx: t.Context(), s: s}
		states := [][32]byte{h.state()}
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			if err := h.forward(); !expected(err) {
				rt.Fatal(err)
			}
			if st := h.state(); st != states[len(states)-1] {
				states = append(states, st)
			}
		}
		for {
			res, err := s.Undo(t.Context(), memory.UndoRequest{})
			if memory.CodeOf(err) == memory.CodeNotFound {
				break
			}
			if err != nil {
				rt.Fatalf("%+v: %v", res, err)
			}
		}
		if got := h.state(); got != states[0] {
			rt.Fatalf("state is %x after all was undone, was %x before all", got, states[0])
		}
	})
}

func sortedKeys(m map[memory.Seq][32]byte) []memory.Seq {
	set := map[uint64]bool{}
	for k := range m {
		set[uint64(k)] = true
	}
	var out []memory.Seq
	for _, k := range sorted(set) {
		out = append(out, memory.Seq(k))
	}
	return out
}

// replays holds the state as of every record against a replay until it.
func (h *history) replays() {
	for _, seq := range sortedKeys(h.states) {
		res, err := h.s.Replay(h.ctx, memory.ReplayRequest{Until: memory.Moment{Seq: seq}, Diff: true})
		if err != nil {
			h.t.Fatalf("replay until %d: %v", seq, err)
		}
		if want := fmt.Sprintf("%x", h.states[seq]); res.Digest != want {
			h.t.Fatalf("replay until %d has state %s, want %s", seq, res.Digest, want)
		}
	}
}

// travels exports the store, as memories and as events, and imports it into fresh ones.
func (h *history) travels(t *testing.T) {
	for _, events := range []bool{false, true} {
		var file bytes.Buffer
		if _, err := h.s.Export(h.ctx, &file, memory.ExportRequest{Events: events}); err != nil {
			h.t.Fatal(err)
		}
		dir, err := os.MkdirTemp(t.TempDir(), "fresh")
		if err != nil {
			h.t.Fatal(err)
		}
		fresh, err := Open(h.ctx, dir, Options{})
		if err != nil {
			h.t.Fatal(err)
		}
		defer fresh.Close()
		for range 2 {
			text := file.String()
			res, err := fresh.Import(
				h.ctx,
				bytes.NewReader([]byte(text)),
				memory.ImportRequest{Name: "export"},
			)
			if err != nil || len(res.Rejected) > 0 {
				h.t.Fatalf("events %v: %+v %v\n%s", events, res, err, text)
			}
			there := &history{t: h.t, ctx: h.ctx, s: fresh}
			if got, want := there.state(), h.state(); got != want {
				h.t.Fatalf("events %v: state after import is %x, want %x\n%s", events, got, want, text)
			}
		}
	}
}

// survives compares the index live, reopened and rebuilt, and has the store verified.
func (h *history) survives(dir string) {
	digest := func() [32]byte {
		e, done, err := h.s.use()
		if err != nil {
			h.t.Fatal(err)
		}
		defer done()
		v, err := e.db.View()
		if err != nil {
			h.t.Fatal(err)
		}
		defer v.Close()
		d, err := v.Digest()
		if err != nil {
			h.t.Fatal(err)
		}
		return d
	}
	live := digest()
	if err := h.s.Close(); err != nil {
		h.t.Fatal(err)
	}
	s, err := Open(h.ctx, dir, Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	defer s.Close()
	h.s = s
	if got := digest(); got != live {
		h.t.Fatalf("reopened index digest %x, live %x", got, live)
	}
	if _, err := h.s.Rebuild(h.ctx, memory.RebuildRequest{}); err != nil {
		h.t.Fatal(err)
	}
	if got := digest(); got != live {
		h.t.Fatalf("rebuilt index digest %x, live %x", got, live)
	}
	res, err := h.s.Verify(h.ctx, memory.VerifyRequest{Deep: true})
	if err != nil || !res.OK || len(res.Notes) > 0 {
		h.t.Fatalf("verify: %+v %v", res, err)
	}
}
