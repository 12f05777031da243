package store

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"memlog/cmd/memlog/internal/memory"
)

const (
	firstID  = "01890a5d-ac96-774b-bcce-b302099a8057"
	secondID = "01890a5d-ac96-774b-bcce-b302099a8058"
)

// line is one of a file, about a memory of this id.
func line(id, content string) string {
	return fmt.Sprintf(`{"id":%q,"content":%q,"created_at":"2024-01-01T00:00:00Z"}`+"\n", id, content)
}

func bring(t *testing.T, s *Store, text string, r memory.ImportRequest) memory.ImportResult {
	t.Helper()
	r.Name = "file"
	res, err := s.Import(t.Context(), strings.NewReader(text), r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// versions are the contents a memory has had, oldest first.
func versions(t *testing.T, s *Store, id string) string {
	t.Helper()
	h, err := s.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range h.Versions {
		text := v.Content
		if v.Deleted {
			text = "-" + text
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// came is what an import came to: imported, changed, present.
func came(r memory.ImportResult) [3]int { return [3]int{r.Imported, r.Changed, r.Present} }

// TestImportSameIDTwice imports a file that says three things of one memory: each is a version,
// and the file brings nothing the second time.
func TestImportSameIDTwice(t *testing.T) {
	s := open(t, t.TempDir())
	text := line(firstID, "a") + line(secondID, "x") + line(firstID, "b") + line(firstID, "b") +
		line(firstID, "a") + line(firstID, "c") + line(secondID, "x")
	dry := bring(t, s, text, memory.ImportRequest{DryRun: true})
	if came(dry)[0] != 2 {
		t.Errorf("dry run: %+v", dry)
	}
	if res := bring(t, s, text, memory.ImportRequest{}); came(res) != [3]int{2, 2, 3} ||
		len(res.Rejected) > 0 {
		t.Errorf("%+v", res)
	}
	head := s.engine.Log.Head().Seq
	if res := bring(t, s, text, memory.ImportRequest{}); came(res) != [3]int{0, 0, 7} {
		t.Errorf("again: %+v", res)
	}
	if now := s.engine.Log.Head().Seq; now != head {
		t.Errorf("the same file again made records %d to %d", head+1, now)
	}
	if got := versions(t, s, firstID); got != "a b c" {
		t.Errorf("versions %q", got)
	}
}

// TestImportSameAliasTwice is the same for memories that another program names.
func TestImportSameAliasTwice(t *testing.T) {
	s := open(t, t.TempDir())
	text := `{"aliases":["n1"],"content":"a"}
{"aliases":["n1"],"content":"b"}
`
	for range 2 {
		bring(t, s, text, memory.ImportRequest{})
		if got := versions(t, s, "n1"); got != "a b" {
			t.Errorf("versions %q", got)
		}
	}
}

// TestImportOlderVersion imports what a memory said before it was edited, deleted or restored
// here: the present stays. What it never said is a new version.
func TestImportOlderVersion(t *testing.T) {
	s := open(t, t.TempDir())
	old := line(firstID, "a")
	bring(t, s, old, memory.ImportRequest{})
	edit := func(text string) {
		t.Helper()
		_, err := s.Update(t.Context(), memory.UpdateRequest{ID: firstID, Content: &text})
		if err != nil {
			t.Fatal(err)
		}
	}
	edit("mine")
	gone := strings.Replace(old, "{", `{"deleted":true,`, 1)
	for _, text := range []string{old, gone} {
		if res := bring(t, s, text, memory.ImportRequest{}); came(res) != [3]int{0, 0, 1} ||
			len(res.Notes) != 1 {
			t.Errorf("%s: %+v", text, res)
		}
	}
	if got := versions(t, s, firstID); got != "a mine" {
		t.Errorf("versions %q", got)
	}
	if res := bring(t, s, line(firstID, "new"), memory.ImportRequest{}); res.Changed != 1 {
		t.Errorf("%+v", res)
	}
	gone = strings.Replace(gone, `"a"`, `"new"`, 1)
	if res := bring(t, s, gone, memory.ImportRequest{}); res.Changed != 1 {
		t.Errorf("a tombstone of the present: %+v", res)
	}
	if _, err := s.Restore(t.Context(), memory.RestoreRequest{IDs: []string{firstID}}); err != nil {
		t.Fatal(err)
	}
	if res := bring(t, s, gone, memory.ImportRequest{}); came(res) != [3]int{0, 0, 1} {
		t.Errorf("a tombstone that was restored: %+v", res)
	}
	if got := versions(t, s, firstID); got != "a mine new -new new" {
		t.Errorf("versions %q", got)
	}
}

// TestImportDryRun counts what the import itself comes to, also where lines that speak of one memory
// are chunks apart, and stores nothing.
func TestImportDryRun(t *testing.T) {
	s := open(t, t.TempDir())
	var text strings.Builder
	text.WriteString(line(firstID, "a") + `{"content":"plain"}` + "\n")
	for i := range 2 * chunkLines {
		fmt.Fprintf(&text, `{"content":"between %d"}`+"\n", i)
	}
	text.WriteString(line(firstID, "a") + line(firstID, "b") + `{"content":"plain"}` + "\n")
	dry := bring(t, s, text.String(), memory.ImportRequest{DryRun: true})
	if head := s.engine.Log.Head().Seq; head != 1 || dry.Seq != 0 {
		t.Errorf("a dry run made records up to %d", head)
	}
	if res := bring(t, s, text.String(), memory.ImportRequest{}); came(res) != came(dry) {
		t.Errorf("dry run %v, import %v", came(dry), came(res))
	}
}

// TestImportTwiceAtOnce imports one file from several callers at the same time: each memory comes in
// once, and the reports add up to what is there.
func TestImportTwiceAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	const n, callers = 3 * chunkLines, 3
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"content":"memory %d","metadata":{"n":%d}}`+"\n", i, i)
	}
	results := make(chan memory.ImportResult, callers)
	var g sync.WaitGroup
	for range callers {
		g.Go(func() {
			res, err := s.Import(t.Context(), strings.NewReader(text.String()), memory.ImportRequest{})
			if err != nil {
				t.Error(err)
			}
			results <- res
		})
	}
	g.Wait()
	close(results)
	imported, present := 0, 0
	for r := range results {
		imported, present = imported+r.Imported, present+r.Present
	}
	if imported != n || present != n*(callers-1) {
		t.Errorf("imported %d, present %d", imported, present)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Memories != n {
		t.Errorf("%d memories, want %d (%v)", st.Memories, n, err)
	}
}

// TestImportGoesOnInItsGroup cuts an import off in the middle and gives it again: it is one step to
// undo. What is imported after that is a step of its own.
func TestImportGoesOnInItsGroup(t *testing.T) {
	s := open(t, t.TempDir())
	var text strings.Builder
	const lines = 2*chunkLines + 10
	for n := range lines {
		fmt.Fprintf(&text, `{"content":"number %d"}`+"\n", n)
	}
	count := func() int {
		t.Helper()
		l, err := s.List(t.Context(), memory.ListRequest{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return l.Total
	}
	cut := io.MultiReader(strings.NewReader(text.String()[:text.Len()*3/4]),
		iotest.ErrReader(errors.New("cut off")))
	if _, err := s.Import(t.Context(), cut, memory.ImportRequest{Name: "x", Group: "g"}); err == nil {
		t.Fatal("an import of half a source says it is done")
	}
	if n := count(); n == 0 || n == lines {
		t.Fatalf("%d memories are there in the middle of an import", n)
	}
	var groups []string
	for range 3 {
		res := bring(t, s, text.String(), memory.ImportRequest{Group: "g"})
		if n := count(); n != lines {
			t.Fatalf("%d memories after an import of %d", n, lines)
		}
		groups = append(groups, res.Group)
		if _, err := s.Undo(t.Context(), memory.UndoRequest{}); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 0 {
			t.Fatalf("%d memories are left after an undo", n)
		}
	}
	if groups[0] != "g" || groups[1] == "g" || groups[2] == groups[1] {
		t.Errorf("the groups are %q, want each another one, and g first", groups)
	}
}

// TestImportOlderAfterNewer imports an older copy of a source after a newer one: what it says takes
// nothing back. A line that does not say when it was written counts as newer.
func TestImportOlderAfterNewer(t *testing.T) {
	at := func(content, updated string) string {
		return fmt.Sprintf(`{"id":%q,"content":%q,"created_at":"2024-01-01T00:00:00Z","updated_at":%q}`,
			firstID, content, updated) + "\n"
	}
	older, newer := at("a", "2024-02-01T00:00:00Z"), at("b", "2024-03-01T00:00:00Z")
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{newer, older}, "b"},
		{[]string{newer + older}, "b"},
		{[]string{older, newer}, "a b"},
		{[]string{newer, line(firstID, "c")}, "b c"},
		{[]string{newer, at("same time", "2024-03-01T00:00:00Z")}, "b same time"},
	} {
		s := open(t, t.TempDir())
		var last memory.ImportResult
		for _, f := range c.files {
			last = bring(t, s, f, memory.ImportRequest{})
		}
		if got := versions(t, s, firstID); got != c.want {
			t.Errorf("%q: versions %q, want %q", c.files, got, c.want)
		}
		kept := strings.Contains(strings.Join(last.Notes, "\n"), "older (updated_at)")
		if kept != (c.want == "b") {
			t.Errorf("%q: notes %q", c.files, last.Notes)
		}
	}
}

// TestImportSameText imports one text very often: with tags, times or metadata that differ, which
// each are one occasion more, and again, which adds nothing. What one line costs must not depend on
// how often the text was said before, else this takes minutes.
func TestImportSameText(t *testing.T) {
	const lines = 20_000
	for name, line := range map[string]func(n int) string{
		"tags":     func(n int) string { return fmt.Sprintf(`"tags":["t%d"]`, n) },
		"metadata": func(n int) string { return fmt.Sprintf(`"metadata":{"run":%d}`, n) },
		"time": func(n int) string {
			return fmt.Sprintf(`"created_at":"2024-01-01T%02d:%02d:%02dZ"`, n/3600, n/60%60, n%60)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir())
			var text strings.Builder
			for n := range lines {
				fmt.Fprintf(&text, `{"content":"always the same",%s}`+"\n", line(n))
			}
			for range 2 {
				bring(t, s, text.String(), memory.ImportRequest{})
				page, err := s.List(t.Context(), memory.ListRequest{})
				if err != nil || len(page.Memories) != 1 {
					t.Fatalf("%d memories: %v", len(page.Memories), err)
				}
				m := page.Memories[0]
				if m.OccurrenceCount != lines-1 {
					t.Errorf("it was said %d times again, want %d", m.OccurrenceCount, lines-1)
				}
				if want := map[string]int{"tags": lines}[name]; len(m.Tags) != want {
					t.Errorf("%d tags, want %d", len(m.Tags), want)
				}
			}
		})
	}
}
