package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
	"memlog/wal"
)

// stores returns how many commands were counted, by all processes so far.
func stores(t *testing.T, s *store.Store) uint64 {
	t.Helper()
	return measured(t, s).Total.Queue.TotalAcquisitions
}

func measured(t *testing.T, s *store.Store) memory.MetricsResult {
	t.Helper()
	m, err := s.Metrics(context.Background(), memory.MetricsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// countChild stores until it is killed, and says how much of that stands in the file.
func countChild(dir, _ string, say *teller) error {
	s, err := store.Open(context.Background(), dir, store.SaveEvery(store.Options{},
		2*time.Millisecond))
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		say.say("try %d", n)
		if _, err := s.Store(context.Background(), memory.StoreRequest{
			Memories: []memory.NewMemory{{Content: fmt.Sprint(n)}}}); err != nil {
			return err
		}
		var f struct {
			Total struct{ Wait struct{ Count int } }
		}
		text, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
		if err == nil {
			err = json.Unmarshal(text, &f)
		}
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("%w: %s", err, text)
		}
		say.say("saved %d", f.Total.Wait.Count)
	}
}

// TestCountersOutliveKill kills a process that counts, again and again: what it had written down is
// counted once in every life that follows, and what it stored is all there.
func TestCountersOutliveKill(t *testing.T) {
	dir := t.TempDir()
	saved, tried, all := 0, 0, 0
	for life := range 6 {
		c := start(t, "count", dir, "")
		for range 20 + 15*life {
			c.expect("try")
			all++
			line := c.expect("saved")
			if _, err := fmt.Sscanf(line, "saved %d", &saved); err != nil {
				t.Fatal(err)
			}
		}
		tried = all
		for _, line := range c.kill() {
			if strings.HasPrefix(line, "try") {
				tried++
			}
			_, _ = fmt.Sscanf(line, "saved %d", &saved) // else it is another line
		}
		all = tried
		if saved == 0 {
			t.Fatal("nothing was written down")
		}
	}
	s := openStore(t, dir, store.Options{})
	got := int(stores(t, s))
	if got < saved || got > tried {
		t.Errorf("%d stores are counted, %d were written down, %d tried", got, saved, tried)
	}
	if notes := measured(t, s).Notes; len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	t.Logf("%d tried, %d written down, %d counted", tried, saved, got)
	verified(t, s)
}

// TestCountersAddUp opens a store several times, as commands do that each use it once.
func TestCountersAddUp(t *testing.T) {
	dir := t.TempDir()
	for n := range 5 {
		s := openStore(t, dir, store.Options{})
		if got := stores(t, s); got != uint64(n) {
			t.Fatalf("%d stores counted, want %d", got, n)
		}
		add(t, s, fmt.Sprint("memory ", n))
		if n == 3 {
			verified(t, s)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := openStore(t, dir, store.Options{})
	m := measured(t, s)
	if m.LastVerify == nil || !m.LastVerify.OK || !m.LastVerify.Deep {
		t.Errorf("last verify %+v", m.LastVerify)
	}
	if m.Window.Queue.TotalAcquisitions != 5 {
		t.Errorf("the last hour: %+v", m.Window.Queue)
	}
	// A store that is only looked at changes nothing.
	before, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	ro := openStore(t, dir, store.Options{ReadOnly: true})
	if _, err := ro.List(context.Background(), memory.ListRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := ro.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Verify(context.Background(), dir, memory.VerifyRequest{}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err != nil || string(after) != string(before) {
		t.Errorf("changed by looking: %v\n%s\n%s", err, before, after)
	}
}

// TestGarbageCounters opens a store whose counters cannot be read: it says so, and goes on.
func TestGarbageCounters(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{})
	add(t, s, "one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "metrics.json")
	if err := os.WriteFile(name, []byte(`{"version":1,"since"`), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir, store.Options{})
	add(t, s, "two")
	m := measured(t, s)
	if len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "metrics.json.bad") ||
		m.Total.Queue.TotalAcquisitions != 1 || m.Memories != 2 {
		t.Errorf("%+v", m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir, store.Options{})
	if m := measured(t, s); len(m.Notes) != 0 || m.Total.Queue.TotalAcquisitions != 1 {
		t.Errorf("afterwards: %+v", m)
	}
	// A directory in its place cannot be replaced: that is said, and all else works.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{name, name + ".bad"} {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(p, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s = openStore(t, dir, store.Options{})
	add(t, s, "three")
	if _, err := s.ClearMetrics(context.Background(), memory.ClearMetricsRequest{}); err == nil {
		t.Error("cleared what cannot be written")
	}
	if m := measured(t, s); len(m.Notes) != 2 {
		t.Errorf("notes %q", m.Notes)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCountersOfAMovedStore are written where the store has gone to, and not into another store that
// took its place.
func TestCountersOfAMovedStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := openStore(t, dir, store.Options{})
	add(t, s, "one")
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Skip("a store in use cannot be moved here:", err)
	}
	other := openStore(t, dir, store.Options{})
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	_ = s.Close() // its index is not where it was
	after, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err != nil && !os.IsNotExist(err) || string(after) != string(before) {
		t.Errorf("another store's counters changed: %v\n%s\n%s", err, before, after)
	}
	moved := openStore(t, dir+"2", store.Options{})
	if got := stores(t, moved); got != 1 {
		t.Errorf("%d stores counted where it was moved to", got)
	}
}

// TestNoteVerify: a verify is noted where nobody has the store, and not beside one who has.
func TestNoteVerify(t *testing.T) {
	dir := t.TempDir()
	ctx, r := context.Background(), memory.VerifyRequest{By: "cron"}
	note := func() error {
		v, err := store.Verify(ctx, dir, r)
		if err != nil {
			t.Fatal(err)
		}
		return store.NoteVerify(dir, r, v)
	}
	for range 2 {
		s, err := store.Open(ctx, dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var locked *wal.LockedError
		if err := note(); !errors.As(err, &locked) {
			t.Errorf("noted beside an open store: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := note(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if v := measured(t, s).LastVerify; v == nil || !v.OK || v.By != "cron" {
		t.Errorf("last verify: %+v", v)
	}
	if err := os.Remove(filepath.Join(dir, "owner.lock")); err != nil {
		t.Fatal(err)
	}
	if err := note(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("noted in a store without a lock: %v", err)
	}
}
