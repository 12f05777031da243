package store

import (
	"bytes"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// two is a store and a copy that the records of the first were brought to.
type two struct {
	*testing.T
	there, here *Store
	id          string // of a memory that both have
}

func newTwo(t *testing.T) *two {
	t.Helper()
	w := &two{T: t, there: open(t, t.TempDir()), here: open(t, t.TempDir())}
	res, err := w.there.Store(t.Context(), memory.StoreRequest{Memories: []memory.NewMemory{
		{Content: "first"}}})
	if err != nil {
		t.Fatal(err)
	}
	w.id = res.Stored[0].ID.String()
	w.bring(0)
	return w
}

func (w *two) edit(s *Store, content string) {
	w.Helper()
	if _, err := s.Update(w.Context(), memory.UpdateRequest{ID: w.id, Content: &content}); err != nil {
		w.Fatal(err)
	}
}

func (w *two) delete(s *Store) {
	w.Helper()
	if _, err := s.Delete(w.Context(), memory.DeleteRequest{IDs: []string{w.id}}); err != nil {
		w.Fatal(err)
	}
}

// say stores what the memory says once more.
func (w *two) say(s *Store, content string, tags ...string) {
	w.Helper()
	res, err := s.Store(w.Context(), memory.StoreRequest{Memories: []memory.NewMemory{
		{Content: content, Tags: tags}}})
	if err != nil || res.Stored[0].Created {
		w.Fatalf("%+v %v", res, err)
	}
}

// bring imports the log of there; the dry run before it has to come to the same, and another after
// it to nothing new.
func (w *two) bring(rejected int) memory.ImportResult {
	w.Helper()
	var file bytes.Buffer
	if _, err := w.there.Export(w.Context(), &file, memory.ExportRequest{Events: true}); err != nil {
		w.Fatal(err)
	}
	dry := bring(w.T, w.here, file.String(), memory.ImportRequest{DryRun: true})
	res := bring(w.T, w.here, file.String(), memory.ImportRequest{})
	head := w.here.engine.Log.Head()
	again := bring(w.T, w.here, file.String(), memory.ImportRequest{})
	if len(res.Rejected) != rejected || len(again.Rejected) != rejected ||
		len(dry.Rejected) != rejected || dry.Imported != res.Imported ||
		again.Imported != 0 || w.here.engine.Log.Head() != head {
		w.Errorf("dry %+v\nreal %+v\nagain %+v", dry, res, again)
	}
	for _, r := range res.Rejected {
		if !strings.Contains(r.Reason, "changed here since") || !strings.Contains(r.Reason, w.id) {
			w.Error(r.Reason)
		}
	}
	return res
}

func (w *two) want(versionsHere string) {
	w.Helper()
	if got := versions(w.T, w.here, w.id); got != versionsHere {
		w.Errorf("versions %q, want %q", got, versionsHere)
	}
}

// TestImportEventsOverChange brings records about a memory that was changed here: what was changed
// stays, whatever the record, and whatever came of that log in between.
func TestImportEventsOverChange(t *testing.T) {
	t.Run("edited", func(t *testing.T) {
		w := newTwo(t)
		w.edit(w.here, "mine")
		w.edit(w.there, "theirs")
		w.bring(1)
		w.say(w.there, "theirs", "t")
		w.edit(w.there, "theirs again")
		w.bring(2) // the repetition is taken
		w.delete(w.there)
		w.bring(3)
		w.want("first mine")
	})
	t.Run("deleted", func(t *testing.T) {
		w := newTwo(t)
		w.delete(w.here)
		w.edit(w.there, "theirs")
		w.bring(1)
		w.delete(w.there) // it is gone at both ends
		w.bring(1)
		w.want("first -first")
	})
	t.Run("taken back", func(t *testing.T) {
		w := newTwo(t)
		if _, err := w.here.Undo(t.Context(), memory.UndoRequest{}); err != nil {
			t.Fatal(err)
		}
		w.say(w.there, "first", "t")
		w.edit(w.there, "theirs")
		w.bring(2)
		if _, err := w.here.Get(t.Context(), memory.GetRequest{ID: w.id}); memory.CodeOf(err) !=
			memory.CodeNotFound {
			t.Error(err)
		}
	})
	t.Run("said again", func(t *testing.T) {
		w := newTwo(t)
		w.say(w.here, "first", "mine")
		w.edit(w.there, "theirs")
		w.bring(1)
		w.want("first")
	})
	t.Run("made the same", func(t *testing.T) {
		w := newTwo(t)
		w.edit(w.here, "the same")
		w.edit(w.there, "the same")
		w.bring(0)
		w.edit(w.there, "more")
		w.bring(0)
		w.want("first the same the same more")
	})
}

// TestImportEventsGoOn brings a log again as it grows.
func TestImportEventsGoOn(t *testing.T) {
	w := newTwo(t)
	w.edit(w.there, "second")
	w.say(w.there, "second", "t")
	w.bring(0)
	w.edit(w.there, "third")
	w.delete(w.there)
	w.bring(0)
	w.want("first second third -third")
	here, err := w.here.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there, err := w.there.Stats(t.Context())
	if err != nil || here.Digest != there.Digest {
		t.Errorf("state %s, want %s (%v)", here.Digest, there.Digest, err)
	}
}
