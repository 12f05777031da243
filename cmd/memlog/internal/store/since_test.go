package store

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// TestUndoLeavesALinkThatOthersMade takes back a link that was removed, and made again by another
// session, since.
func TestUndoLeavesALinkThatOthersMade(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	res, err := s.Store(ctx, memory.StoreRequest{
		Memories: []memory.NewMemory{{Content: "one"}, {Content: "two"}}})
	if err != nil {
		t.Fatal(err)
	}
	r := memory.LinkRequest{From: res.Stored[0].ID.String(), To: res.Stored[1].ID.String(),
		Type: "because", Origin: memory.Origin{Session: "mine"}}
	link := func(session string, remove bool) memory.Seq {
		t.Helper()
		r.Origin.Session, r.Remove = session, remove
		c, err := s.Link(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		return c.Seq
	}
	mine := link("mine", false)
	link("other", true)
	link("other", false)
	undo, err := s.Undo(ctx, memory.UndoRequest{Seq: mine})
	if memory.CodeOf(err) != memory.CodeConflict || len(undo.Left) != 1 || undo.Seq != 0 {
		t.Errorf("undo: got %+v, %v", undo, err)
	}
	m, err := s.Get(ctx, memory.GetRequest{ID: r.From})
	if err != nil || len(m.Links) != 1 {
		t.Errorf("links: got %+v, %v", m.Links, err)
	}
	if _, err := s.Undo(ctx, memory.UndoRequest{Seq: mine, Force: true}); err != nil {
		t.Error(err)
	}
}

// TestImportOfOwnRecordsThatAreMissing imports the records of a log into an older copy of the
// store: what that lacks is not counted as present.
func TestImportOfOwnRecordsThatAreMissing(t *testing.T) {
	ctx := context.Background()
	dir, old := t.TempDir(), t.TempDir()
	s := open(t, dir)
	add := func(s *Store, text string) {
		t.Helper()
		r := memory.StoreRequest{Memories: []memory.NewMemory{{Content: text}}}
		if _, err := s.Store(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	add(s, "both have it")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	add(s, "only the newer one has it")
	add(s, "nor this")
	var b bytes.Buffer
	if _, err := s.Export(ctx, &b, memory.ExportRequest{Events: true}); err != nil {
		t.Fatal(err)
	}
	s = open(t, old)
	add(s, "the copy went on apart")
	res, err := s.Import(ctx, strings.NewReader(b.String()), memory.ImportRequest{})
	if err != nil || res.Present != 2 || len(res.Rejected) != 2 || res.Imported != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
}
