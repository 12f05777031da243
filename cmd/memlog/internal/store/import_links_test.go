package store

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// TestImportLinksAhead imports more links to later lines than are kept in memory, among them some to
// nowhere: all are made but those, which are rejected by their lines, and no file is left behind.
func TestImportLinksAhead(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := open(t, t.TempDir())
	const n = keptLinks + 1500
	name := func(i int) string { return event.DerivedID(fmt.Sprint(i)).String() }
	var text strings.Builder
	for i := range n {
		to := i + 1 + i%3*1000 // near and far, and beyond the end
		fmt.Fprintf(&text, `{"id":%q,"content":"memory %d","links":[{"to":%q,"type":"next"}]}`+"\n",
			name(i), i, name(to))
	}
	res := bring(t, s, text.String(), memory.ImportRequest{})
	lost := map[int]bool{}
	for i := range n {
		if i+1+i%3*1000 >= n {
			lost[i+1] = true
		}
	}
	if res.Imported != n || len(res.Rejected) != len(lost) {
		t.Errorf("imported %d of %d, rejected %d of %d", res.Imported, n, len(res.Rejected), len(lost))
	}
	for _, r := range res.Rejected {
		if !lost[r.Line] {
			t.Errorf("rejected %+v", r)
		}
	}
	for _, i := range []int{0, 1, 2, 499, 500, 4095, 4096, n - 2100} {
		m, err := s.Get(t.Context(), memory.GetRequest{ID: name(i)})
		found := false
		for _, l := range m.Links {
			found = found || l.From == m.ID && l.To == event.DerivedID(fmt.Sprint(i+1+i%3*1000))
		}
		if err != nil || !found {
			t.Errorf("memory %d: %v, links %v", i, err, m.Links)
		}
	}
	if again := bring(t, s, text.String(), memory.ImportRequest{}); again.Imported != 0 ||
		again.Seq != 0 {
		t.Errorf("again: %d imported, record %d", again.Imported, again.Seq)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if _, err := s.Undo(t.Context(), memory.UndoRequest{}); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Memories != 0 {
		t.Errorf("undone, and %d memories are left (%v)", st.Memories, err)
	}
}

// TestImportRejectedBounded imports nothing but damage: the report stays small.
func TestImportRejectedBounded(t *testing.T) {
	s := open(t, t.TempDir())
	res := bring(t, s, strings.Repeat("damage\n", memory.MaxRejected+10), memory.ImportRequest{})
	if len(res.Rejected) != memory.MaxRejected || res.More != 10 {
		t.Errorf("%d listed, %d more", len(res.Rejected), res.More)
	}
}

// TestImportAboutAt dates a memory that is new, and leaves one that is here as it is.
func TestImportAboutAt(t *testing.T) {
	s := open(t, t.TempDir())
	text := `{"id":"` + firstID + `","content":"a","about_at":"2020-01-0%dT00:00:00Z"}` + "\n"
	bring(t, s, fmt.Sprintf(text, 1), memory.ImportRequest{})
	if res := bring(t, s, fmt.Sprintf(text, 2), memory.ImportRequest{}); came(res) != [3]int{0, 0, 1} {
		t.Errorf("another guess: %+v", res)
	}
	m, err := s.Get(t.Context(), memory.GetRequest{ID: firstID})
	if err != nil || m.CreatedAt.Format("2006-01-02") != "2020-01-01" {
		t.Errorf("%v %v", m.CreatedAt, err)
	}
}
