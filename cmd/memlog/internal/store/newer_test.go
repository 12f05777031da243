package store_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
	"memlog/wal"
	"memlog/wal/event"
)

// What a newer version could write, as CBOR by hand: {"b": {"x": 1}, "i": true, "k": "dreamt"}, the
// same without "i", and fields with the values 42 and ["a", {"deep": null}].
var (
	dreamt   = []byte("\xa3\x61b\xa1\x61x\x01\x61i\xf5\x61k\x66dreamt")
	forgot   = []byte("\xa2\x61b\xa1\x61x\x01\x61k\x66forgot")
	fortyTwo = event.Extra{"zy": []byte("\x18\x2a")}
	deep     = event.Extra{"zz": []byte("\x82\x61a\xa1\x64deep\xf6")}
)

var (
	newerID = event.ID{1, 0x92, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16}
	occID   = event.ID{1, 0x92, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 17}
)

// byNewer appends records to the log of a store that nobody holds, as a newer version would.
func byNewer(t *testing.T, dir string, records ...[]event.Envelope) {
	t.Helper()
	log, err := wal.Open(context.Background(), dir, wal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, envs := range records {
		var raw [][]byte
		for _, env := range envs {
			b, err := event.Encode(env)
			if err != nil {
				t.Fatal(err)
			}
			raw = append(raw, b)
		}
		if _, err := log.Append(context.Background(), func() (wal.Entry, error) {
			return wal.Entry{Events: raw, Provenance: wal.Provenance{Client: "memlog 9"}}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// newerHistory is a store in which a newer version wrote fields and an ignorable kind.
func newerHistory(t *testing.T) (string, *store.Store) {
	t.Helper()
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{})
	add(t, s, "by this version")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	when := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	m := event.Memory{ID: newerID, Version: 1, Content: "by a newer version", Tags: []string{"t"},
		CreatedAt: when, UpdatedAt: when, Extra: fortyTwo}
	byNewer(t, dir,
		[]event.Envelope{{Event: event.Stored{Memory: m}, Top: deep},
			{Event: event.Unknown{Name: "dreamt", Ignorable: true, Raw: dreamt}}},
		[]event.Envelope{{Event: event.Unknown{Name: "dreamt", Ignorable: true, Raw: dreamt}}},
		[]event.Envelope{{Event: event.Repeated{ID: newerID, Occurrence: event.Occurrence{ID: occID,
			CreatedAt: when, Extra: deep}}, Extra: fortyTwo, Top: deep}})
	return dir, openStore(t, dir, store.Options{})
}

// eventsOf decodes the events of an export, without what speaks of one log only.
func eventsOf(t *testing.T, text string) []event.Envelope {
	t.Helper()
	var out []event.Envelope
	for line := range strings.Lines(text) {
		var rec struct{ Events []struct{ Raw string } }
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatal(err)
		}
		for _, e := range rec.Events {
			raw, err := base64.StdEncoding.DecodeString(e.Raw)
			if err != nil {
				t.Fatal(err)
			}
			env, err := event.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			env.Request = nil // names the attempt, which an import is another one of
			switch env.Event.(type) {
			case event.Undone, event.Digested:
				continue
			}
			out = append(out, env)
		}
	}
	return out
}

// bytesOf encodes events again.
func bytesOf(t *testing.T, envs []event.Envelope) []string {
	t.Helper()
	var out []string
	for _, env := range envs {
		b, err := event.Encode(env)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

func export(t *testing.T, s memory.Service, r memory.ExportRequest) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := s.Export(context.Background(), &b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// imported imports a text into an empty store.
func imported(t *testing.T, text string) (*store.Store, memory.ImportResult) {
	t.Helper()
	s := openStore(t, t.TempDir(), store.Options{})
	res, err := s.Import(context.Background(), strings.NewReader(text),
		memory.ImportRequest{Name: "export"})
	if err != nil {
		t.Fatal(err)
	}
	return s, res
}

// change has this version change the memory of the newer one in every way.
func change(t *testing.T, s memory.Service) {
	t.Helper()
	ctx, id, text := context.Background(), newerID.String(), "changed by this version"
	if _, err := s.Update(ctx, memory.UpdateRequest{ID: id, Content: &text}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(ctx, memory.DeleteRequest{IDs: []string{id}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Restore(ctx, memory.RestoreRequest{IDs: []string{id}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Store(ctx, memory.StoreRequest{Memories: []memory.NewMemory{
		{ID: newerID, Content: "stored again under its id"}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Undo(ctx, memory.UndoRequest{}); err != nil {
		t.Fatal(err)
	}
}

// TestNewerFields reads, changes, exports and imports what a newer version wrote: nothing that this
// one does not know is lost.
func TestNewerFields(t *testing.T) {
	_, s := newerHistory(t)
	ctx := context.Background()
	m, err := s.Get(ctx, memory.GetRequest{ID: newerID.String()})
	if err != nil || m.Content != "by a newer version" || m.OccurrenceCount != 1 {
		t.Fatalf("%+v %v", m, err)
	}
	h, err := s.Health(ctx)
	if err != nil || !h.OK || !h.Writable {
		t.Fatalf("%+v %v", h, err)
	}
	change(t, s)
	verified(t, s)
	text := export(t, s, memory.ExportRequest{Events: true})
	events := eventsOf(t, text)
	versions, unknown, tops := 0, 0, 0
	for _, env := range events {
		var m event.Memory
		if cmp.Equal(env.Top, deep) {
			tops++
		}
		switch ev := env.Event.(type) {
		case event.Unknown:
			unknown++
			if !bytes.Equal(ev.Raw, dreamt) {
				t.Errorf("event %q, want %q", ev.Raw, dreamt)
			}
			continue
		case event.Repeated:
			if diff := cmp.Diff(deep, ev.Occurrence.Extra); diff != "" {
				t.Errorf("occurrence: %s", diff)
			}
			if diff := cmp.Diff(fortyTwo, env.Extra); diff != "" {
				t.Errorf("event of a repetition: %s", diff)
			}
			continue
		case event.Stored:
			m = ev.Memory
		case event.Updated:
			m = ev.Memory
		case event.Restored:
			m = ev.Memory
		case event.Reverted:
			m = ev.Memory
		}
		if m.ID == newerID {
			versions++
			if diff := cmp.Diff(fortyTwo, m.Extra); diff != "" {
				t.Errorf("%s: %s", env.Event.Kind(), diff)
			}
		}
	}
	if versions != 5 || unknown != 2 || tops != 2 {
		t.Errorf("%d versions, %d unknown events, %d with a field beside the body; want 5, 2, 2",
			versions, unknown, tops)
	}
	there, res := imported(t, text)
	if len(res.Rejected) > 0 {
		t.Fatalf("%+v", res.Rejected)
	}
	again := eventsOf(t, export(t, there, memory.ExportRequest{Events: true}))
	if diff := cmp.Diff(bytesOf(t, events), bytesOf(t, again)); diff != "" {
		t.Errorf("events after export and import: %s", diff)
	}
	verified(t, there)
	sameState(t, s, there)
}

func sameState(t *testing.T, a, b memory.Service) {
	t.Helper()
	one, err := a.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.Stats(context.Background())
	if err != nil || one.Digest != two.Digest {
		t.Fatalf("states %s and %s (%v)", one.Digest, two.Digest, err)
	}
}

// TestNewerMemories exports and imports memories with fields of a newer version.
func TestNewerMemories(t *testing.T) {
	_, s := newerHistory(t)
	text := export(t, s, memory.ExportRequest{})
	there, res := imported(t, text)
	if len(res.Rejected) > 0 {
		t.Fatalf("%+v", res.Rejected)
	}
	if diff := cmp.Diff(text, export(t, there, memory.ExportRequest{})); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(text, `"extra"`); n != 2 {
		t.Errorf("%d extras of a memory and its occurrence, want 2:\n%s", n, text)
	}
	sameState(t, s, there)
}

// TestNewerKind opens a log with a kind that this version may not skip: for reading only.
func TestNewerKind(t *testing.T) {
	dir, s := newerHistory(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	byNewer(t, dir, []event.Envelope{{Event: event.Unknown{Name: "forgot", Raw: forgot}}})
	ctx := context.Background()
	for range 2 { // also when the index has it already
		s = openStore(t, dir, store.Options{})
		h, err := s.Health(ctx)
		if err != nil || h.Writable || !strings.Contains(h.ReadOnly, "forgot") {
			t.Fatalf("%+v %v", h, err)
		}
		head := h.Seq
		refusesAll(t, s)
		if h, err = s.Health(ctx); err != nil || h.Seq != head {
			t.Fatalf("the head went from %d to %d (%v)", head, h.Seq, err)
		}
		found, err := s.Search(ctx, memory.SearchRequest{Query: "newer"})
		if err != nil || len(found.Hits) != 1 {
			t.Fatalf("%+v %v", found, err)
		}
		verified(t, s)
		text := export(t, s, memory.ExportRequest{Events: true})
		if got := eventsOf(t, text); !slices.ContainsFunc(got, func(e event.Envelope) bool {
			u, ok := e.Event.(event.Unknown)
			return ok && bytes.Equal(u.Raw, forgot)
		}) {
			t.Fatalf("the export lacks it: %s", text)
		}
		there, res := imported(t, text)
		if len(res.Rejected) != 1 || !strings.Contains(res.Rejected[0].Reason, "forgot") {
			t.Fatalf("%+v", res.Rejected)
		}
		add(t, there, "an import of it does not bind")
		if lines := export(t, s, memory.ExportRequest{}); strings.Count(lines, "\n") != 2 {
			t.Fatalf("%s", lines)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// refusesAll gives every kind of write to a store that may take none.
func refusesAll(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, id, text := context.Background(), newerID.String(), "x"
	for name, write := range map[string]func() error{
		"store": func() error {
			_, err := s.Store(ctx, memory.StoreRequest{Memories: []memory.NewMemory{{Content: "x"}}})
			return err
		},
		"update": func() error {
			_, err := s.Update(ctx, memory.UpdateRequest{ID: id, Content: &text})
			return err
		},
		"delete": func() error {
			_, err := s.Delete(ctx, memory.DeleteRequest{IDs: []string{id}})
			return err
		},
		"undo": func() error { _, err := s.Undo(ctx, memory.UndoRequest{}); return err },
		"revert": func() error {
			_, err := s.Revert(ctx, memory.RevertRequest{Until: memory.Moment{Seq: 2}})
			return err
		},
		"import": func() error {
			_, err := s.Import(ctx, strings.NewReader(`{"content":"x"}`), memory.ImportRequest{})
			return err
		},
	} {
		err := write()
		var e *memory.Error
		if !errors.As(err, &e) || e.Code != memory.CodeFailed || e.Hint == "" ||
			!strings.Contains(err.Error(), "forgot") {
			t.Errorf("%s: code %q: %v", name, memory.CodeOf(err), err)
		}
	}
}
