package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// readmeElsewhere are the README's commands that this test does not run, and why.
var readmeElsewhere = map[string]string{
	"go test ./...":           "it is what runs this test",
	"go install ./cmd/memlog": "it would install; the next test builds",
	"go test ./wal ./recovery ./cmd/memlog/internal/store": "go test ./... runs them",
	"memlog torture":                     "torture.txtar runs it, for a shorter time",
	"memlog serve --http 127.0.0.1:7433": "it stays; TestServeHTTP runs it",
	"go run ./cmd/memlog try":            "run below as memlog try",
}

// readmeMoments are moments of the README that lie before this test's store, and what stands for
// them here.
var readmeMoments = strings.NewReplacer(`"5 minutes ago"`, "now", `"1 hour ago"`, "seq:3")

// readmeWords cuts a command line into words as a shell does, with double quotes only.
func readmeWords(line string) []string {
	var words []string
	for _, w := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		words = append(words, strings.Trim(w, `"`))
	}
	return words
}

// TestReadme runs every command of the README, in its order, on one fresh store.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "memlog")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dir := t.TempDir()
	notes := []byte("# Build\n\n- use make\n")
	if err := os.WriteFile(filepath.Join(dir, "CLAUDE.md"), notes, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []byte {
		cmd := exec.Command(bin, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "MEMLOG_STORE="+filepath.Join(dir, "store"), "HOME="+dir,
			"USERPROFILE="+dir, "CLAUDE_CONFIG_DIR="+dir, "CLAUDE_PROJECT_DIR="+dir)
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("memlog %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.String())
		}
		return out
	}
	var seen []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if readmeElsewhere[line] != "" {
			seen = append(seen, line)
			continue
		}
		rest, ok := strings.CutPrefix(line, "memlog ")
		if !ok || strings.Contains(line, "──") {
			continue
		}
		words := readmeWords(readmeMoments.Replace(rest))
		for i, w := range words {
			switch w {
			case "ID":
				words[i] = newest(t, run("list", "--limit", "1", "--json"))
			case "DIR":
				words[i] = filepath.Join(dir, "into")
			}
		}
		run(words...)
		seen = append(seen, line)
	}
	if len(seen) < 30 {
		t.Errorf("only %d commands were found in the README", len(seen))
	}
	for line := range readmeElsewhere {
		if !slices.Contains(seen, line) {
			t.Errorf("the README no longer has %q", line)
		}
	}
	run("try")
}

func newest(t *testing.T, list []byte) string {
	t.Helper()
	var page struct{ Memories []struct{ ID string } }
	if err := json.Unmarshal(list, &page); err != nil || len(page.Memories) == 0 {
		t.Fatalf("no memory in %s: %v", list, err)
	}
	return page.Memories[0].ID
}
