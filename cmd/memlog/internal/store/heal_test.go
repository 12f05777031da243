package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// breakIndex makes a closed store whose index opens and cannot be read.
func breakIndex(t *testing.T) (dir string, id memory.ID) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	var r memory.StoreRequest
	for i := range 200 {
		r.Memories = append(r.Memories,
			memory.NewMemory{Content: fmt.Sprint("deploy key number ", i), Tags: []string{"ops"}})
	}
	res, err := s.Store(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "index", "g*", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	for _, name := range tables {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := 100; i < len(b)*2/3; i += 500 {
			b[i] ^= 0x55
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, res.Stored[0].ID
}

// TestReadsHealTheIndex reads from a broken index in every way there is: each answers at once.
func TestReadsHealTheIndex(t *testing.T) {
	ctx := context.Background()
	dir, id := breakIndex(t)
	broken := 0
	for name, read := range map[string]func(*Store) (int, error){
		"search": func(s *Store) (int, error) {
			r, err := s.Search(ctx, memory.SearchRequest{Query: "deploy", Limit: 100})
			return len(r.Hits), err
		},
		"list": func(s *Store) (int, error) {
			r, err := s.List(ctx, memory.ListRequest{})
			return r.Total, err
		},
		"get": func(s *Store) (int, error) {
			m, err := s.Get(ctx, memory.GetRequest{ID: id.String()})
			return len(m.Content), err
		},
		"history": func(s *Store) (int, error) {
			h, err := s.History(ctx, id.String())
			return len(h.Versions), err
		},
		"tags": func(s *Store) (int, error) {
			r, err := s.Tags(ctx, memory.TagsRequest{})
			return len(r.Tags), err
		},
		"replay": func(s *Store) (int, error) {
			r, err := s.Replay(ctx, memory.ReplayRequest{})
			return r.Memories, err
		},
		"export": func(s *Store) (int, error) {
			var b bytes.Buffer
			_, err := s.Export(ctx, &b, memory.ExportRequest{})
			return b.Len(), err
		},
		"undo": func(s *Store) (int, error) {
			r, err := s.Undo(ctx, memory.UndoRequest{})
			return len(r.Affected), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			to := t.TempDir()
			if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			s := open(t, to)
			n, err := read(s)
			if err != nil || n == 0 {
				t.Errorf("got %d, %v", n, err)
			}
			broken += len(s.engine.Notes())
		})
	}
	if broken == 0 {
		t.Error("no index was found broken: this test tests nothing")
	}
}

// TestRebuildBesideFollower replaces the index while somebody follows the log.
func TestRebuildBesideFollower(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := open(t, t.TempDir())
	add := func(text string) {
		t.Helper()
		r := memory.StoreRequest{Memories: []memory.NewMemory{{Content: text}}}
		if _, err := s.Store(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	add("one")
	seen := make(chan memory.LogRecord, 10)
	go func() {
		for rec, err := range s.Log(ctx, memory.LogRequest{Follow: true}) {
			if err == nil {
				seen <- rec
			}
		}
	}()
	<-seen
	limit, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	done := make(chan error, 1)
	go func() {
		_, err := s.Rebuild(limit, memory.RebuildRequest{})
		if err == nil {
			_, err = s.Repair(limit, memory.RepairRequest{})
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-limit.Done():
		t.Fatal("the index cannot be replaced while the log is followed")
	}
	add("two")
	for last := memory.Seq(0); last < 3; { // it goes on with the log that was opened again
		select {
		case rec := <-seen:
			last = rec.Seq
		case <-limit.Done():
			t.Fatal("the follower does not see what came after the repair")
		}
	}
}

// TestRepeatedRequestOfFailedAttempt asks again for a request that was staged with a number and
// never became durable, while another one got that number.
func TestRepeatedRequestOfFailedAttempt(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	r := memory.StoreRequest{Memories: []memory.NewMemory{{Content: "another"}}}
	res, err := s.Store(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := replayed(ctx, s.engine.Log, uint64(res.Seq), "mine", []byte("print"))
	if memory.CodeOf(err) != memory.CodeBusy {
		t.Errorf("got %+v, %v, want %s", out, err, memory.CodeBusy)
	}
}

// TestStoreIsDecidedAnew: what a decision came to that did not reach the log (the index broke, say)
// has no part in the next one, before which others may have stored the same.
func TestStoreIsDecidedAnew(t *testing.T) {
	s := open(t, t.TempDir())
	ms := []event.Memory{{Content: "same"}}
	decide := func() event.Event {
		t.Helper()
		e, done, err := s.use()
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		v, err := e.db.View()
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		out, err := decideStore(v, ms, time.Now())
		if err != nil || len(out) != 1 {
			t.Fatal(out, err)
		}
		return out[0]
	}
	decide()
	r := memory.StoreRequest{Memories: []memory.NewMemory{{Content: "same"}}}
	if _, err := s.Store(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if ev, ok := decide().(event.Repeated); !ok {
		t.Errorf("the second decision makes a twin: %T", ev)
	}
}
