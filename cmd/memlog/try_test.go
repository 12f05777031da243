package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	long := strings.Repeat("word ", 30)
	text := "intro too short\n\n# One\n\n" + long + "\n\nshort\n\n" + long +
		"\n## Two\n```\n# no heading\n\n" + long + "\n```\n#hashtag\n"
	var got []string
	for _, p := range split("f", text) {
		got = append(got, p.Heading+"|"+p.Content)
	}
	trimmed := strings.TrimSpace(long)
	want := []string{
		"|intro too short",
		"One|One: " + trimmed,
		"One|One: short\n\n" + trimmed,
		"Two|Two: ```\n# no heading\n\n" + long + "\n```\n#hashtag",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, p := range split("f", strings.Repeat("ü", 5000)) {
		if len(p.Content) > maxPiece || strings.Contains(p.Content, "\ufffd") {
			t.Errorf("a piece of %d bytes", len(p.Content))
		}
	}
}

func TestCollect(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"README.md": "# Top\n\nThe first document.", "p/doc.go": "// Package p is p.\npackage p\n",
		"p/p.go": "// Package p again.\npackage p\n", ".git/x.md": "hidden", "bad.md": "\xff",
		"node_modules/y.md": "foreign", "twin.md": "# Top\n\nThe first document.",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := collect(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	want := []piece{
		{"README.md", "Top", "Top: The first document."}, {"p/doc.go", "", "Package p is p."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := collect(t.Context(), filepath.Join(root, "nowhere")); exitCode(err) != exitNotFound {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestOwnHelpAnswersItsQuestions(t *testing.T) {
	pieces := ownHelp()
	if len(pieces) < minPieces || !aboutMemlog(pieces) {
		t.Errorf("%d pieces do not answer the questions", len(pieces))
	}
}

func TestQuestionsMadeFromDocuments(t *testing.T) {
	pieces := []piece{{Content: "the tomatoes want water"}, {Content: "the basil dislikes wind"},
		{Content: "the tyres want air"}}
	var got []string
	for _, q := range questionsFor(pieces) {
		if _, ok := q.answered([]tryMemory{{Content: "something else"}}); ok {
			t.Errorf("%q is answered by anything", q.text)
		}
		got = append(got, q.text)
	}
	want := []string{"tomatoes water want", "basil dislikes wind", "tyres want"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProgressLine(t *testing.T) {
	if newProgress(nil, false, 80).progress() != nil {
		t.Error("progress where nobody sees it")
	}
	var buf bytes.Buffer
	p := newProgress(&buf, true, 30)
	draw := p.progress()
	draw("replay", 1, 4)
	draw("replay", 2, 4) // too soon after the first
	draw("replay", 4, 4)
	p.clear()
	p.clear()
	want := "\r\x1b[Kreplay   25 %  1 of 4" + "\r\x1b[Kreplay  100 %  4 of 4" + "\r\x1b[K"
	if got := buf.String(); got != want {
		t.Errorf("drew %q, want %q", got, want)
	}
	buf.Reset()
	newProgress(&buf, true, 60).draw("replay", 1, 4)
	want = "\r\x1b[Kreplay  [=====               ]  25 %  1 of 4"
	if got := buf.String(); got != want {
		t.Errorf("drew %q, want %q", got, want)
	}
}
