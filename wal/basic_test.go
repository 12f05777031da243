package wal

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// entry is an append of one event.
func entry(text string) func() (Entry, error) {
	return func() (Entry, error) {
		id := "r-" + strings.ToValidUTF8(text[:min(len(text), 100)], "?")
		return Entry{RequestID: id, Events: [][]byte{[]byte(text)}}, nil
	}
}

func mustOpen(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	l, err := Open(context.Background(), dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustAppend(t testing.TB, l *Log, text string) Record {
	t.Helper()
	r, err := l.Append(context.Background(), entry(text))
	if err != nil {
		t.Fatalf("append %q: %v", text, err)
	}
	return r
}

func mustVerify(t testing.TB, dir string) Report {
	t.Helper()
	r, err := Verify(context.Background(), dir, VerifyOptions{})
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return r
}

// texts reads the log as "seq:event", a damaged stretch as "from-to!".
func texts(t testing.TB, l *Log, from, to Seq) []string {
	t.Helper()
	var all []string
	for r, err := range l.Records(from, to) {
		var c *CorruptionError
		switch {
		case err != nil && asCorruption(err, &c):
			all = append(all, fmt.Sprintf("%d-%d!", c.FromSeq, c.ToSeq))
		case err != nil:
			t.Fatalf("records: %v", err)
		case r.Lost:
			all = append(all, fmt.Sprintf("%d:lost", r.Seq))
		case len(r.Events) == 0:
			all = append(all, fmt.Sprintf("%d:mark", r.Seq))
		default:
			all = append(all, fmt.Sprintf("%d:%s", r.Seq, r.Events[0]))
		}
	}
	return all
}

func asCorruption(err error, c **CorruptionError) bool {
	e, ok := err.(*CorruptionError)
	*c = e
	return ok
}

func TestAppendReadReopen(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, Options{SegmentSize: 700})
	id := l.ID()
	for i := 2; i <= 20; i++ {
		if r := mustAppend(t, l, fmt.Sprint("m", i)); r.Seq != Seq(i) {
			t.Fatalf("append %d: got seq %d", i, r.Seq)
		}
	}
	check := func(l *Log) {
		t.Helper()
		got := texts(t, l, 0, 0)
		if len(got) != 20 || got[0] != "1:mark" || got[19] != "20:m20" {
			t.Fatalf("records: got %v", got)
		}
		r, err := l.Read(7)
		if err != nil || string(r.Events[0]) != "m7" || r.RequestID != "r-m7" {
			t.Fatalf("read 7: got %+v, %v", r, err)
		}
		if seq, err := l.SeqAt(r.Time); err != nil || seq != 7 {
			t.Fatalf("seq at time of 7: got %d, %v", seq, err)
		}
		if seq, err := l.SeqAt(r.Time.Add(-time.Microsecond)); err != nil || seq != 6 {
			t.Fatalf("seq before time of 7: got %d, %v", seq, err)
		}
	}
	check(l)
	if n := len(l.Segments()); n < 4 {
		t.Errorf("segments: got %d, want several", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, dir, Options{SegmentSize: 700})
	check(l)
	if l.ID() != id {
		t.Errorf("id: got %x, want %x", l.ID(), id)
	}
	if h := l.Health(); h.ReadOnly != "" || len(h.Damage) > 0 || len(h.Notes) > 0 {
		t.Errorf("health: got %+v", h)
	}
	if r := mustAppend(t, l, "m21"); r.Seq != 21 || r.Epoch != 2 {
		t.Errorf("append after reopen: got seq %d epoch %d", r.Seq, r.Epoch)
	}
	l.Close()
	rep := mustVerify(t, dir)
	if !rep.OK() || rep.Records != 21 || len(rep.Notes) > 0 {
		t.Errorf("verify: got %+v", rep)
	}
	ro := mustOpen(t, dir, Options{ReadOnly: true})
	check2 := texts(t, ro, 0, 0)
	if len(check2) != 21 {
		t.Errorf("read-only: got %v", check2)
	}
}
