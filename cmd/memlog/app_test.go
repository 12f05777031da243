package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// fakeStore is a service of which a test supplies what it needs.
type fakeStore struct {
	memory.Service
	undo   func(memory.UndoRequest) (memory.UndoResult, error)
	store  func(memory.StoreRequest) (memory.StoreResult, error)
	search func(memory.SearchRequest) (memory.SearchResult, error)
	imp    func(string, memory.ImportRequest) (memory.ImportResult, error)
	repair func(memory.RepairRequest) (memory.RepairResult, error)
	export func(io.Writer) error
	log    iter.Seq2[memory.LogRecord, error]
	health memory.HealthResult
	closed bool
}

func (f *fakeStore) Close() error { f.closed = true; return nil }
func (f *fakeStore) Health(context.Context) (memory.HealthResult, error) {
	return f.health, nil
}
func (f *fakeStore) Undo(
	_ context.Context, r memory.UndoRequest,
) (memory.UndoResult, error) {
	return f.undo(r)
}
func (f *fakeStore) Store(
	_ context.Context, r memory.StoreRequest,
) (memory.StoreResult, error) {
	return f.store(r)
}
func (f *fakeStore) Search(
	_ context.Context, r memory.SearchRequest,
) (memory.SearchResult, error) {
	return f.search(r)
}
func (f *fakeStore) Import(
	_ context.Context, src io.Reader, r memory.ImportRequest,
) (memory.ImportResult, error) {
	b, _ := io.ReadAll(src)
	return f.imp(string(b), r)
}
func (f *fakeStore) Export(
	_ context.Context, w io.Writer, _ memory.ExportRequest,
) (memory.ExportResult, error) {
	return memory.ExportResult{}, f.export(w)
}
func (f *fakeStore) Log(
	context.Context, memory.LogRequest,
) iter.Seq2[memory.LogRecord, error] {
	return f.log
}
func (f *fakeStore) Repair(
	_ context.Context, r memory.RepairRequest,
) (memory.RepairResult, error) {
	return f.repair(r)
}

// ran is what a run of the command line left behind.
type ran struct {
	code        int
	out, errOut string
}

// runOn runs a command line on a fake store, as if on a terminal of 60 columns where tty.
func runOn(t *testing.T, f *fakeStore, tty bool, stdin string, words ...string) ran {
	t.Helper()
	var out, errOut bytes.Buffer
	f.health.OK = f.health.Problems == nil
	a := &app{
		stdin: strings.NewReader(stdin), stdout: &out, stderr: &errOut,
		env: func(name string) string {
			return map[string]string{"HOME": "/home/ana", envClaude: "window-1"}[name]
		},
		now: func() time.Time { return time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC) },
		open: func(context.Context, settings, *slog.Logger, bool) (memory.Service, error) {
			return f, nil
		},
		offline: func(settings, *slog.Logger) offlineKeeper { return f },
		front:   func(settings, *slog.Logger) (memory.Service, error) { return f, nil },
	}
	if tty {
		a.screen = screen{stdout: true, stderr: true, width: 60}
	}
	code := a.run(t.Context(), words)
	return ran{code, out.String(), errOut.String()}
}

func TestBareUndoIsOfTheStore(t *testing.T) {
	for _, tt := range []struct {
		words   []string
		session string
	}{
		{[]string{"undo"}, ""},
		{[]string{"undo", "--force"}, ""},
		{[]string{"undo", "7"}, "window-1"},
		{[]string{"undo", "--last", "2"}, "window-1"},
	} {
		var got memory.UndoRequest
		f := &fakeStore{undo: func(r memory.UndoRequest) (memory.UndoResult, error) {
			got = r
			return memory.UndoResult{}, nil
		}}
		r := runOn(t, f, false, "", tt.words...)
		if r.code != 0 || got.Origin.Session != tt.session {
			t.Errorf("%v: exit code %d, session %q, want %q", tt.words, r.code,
				got.Origin.Session, tt.session)
		}
		if !f.closed {
			t.Errorf("%v: the store was not let go", tt.words)
		}
	}
}

// A result and an error together are one document, which holds both.
func TestResultAndErrorAreOneDocument(t *testing.T) {
	id := event.NewID()
	f := &fakeStore{undo: func(memory.UndoRequest) (memory.UndoResult, error) {
		return memory.UndoResult{Left: []memory.LeftAlone{{ID: id, Reason: "edited since"}}},
			memory.Errorf(memory.CodeConflict, "1 memory has changed since")
	}}
	r := runOn(t, f, false, "", "undo", "7", "--json")
	if r.code != exitConflict {
		t.Errorf("exit code %d", r.code)
	}
	var doc struct {
		Undone []any              `json:"undone"`
		Left   []memory.LeftAlone `json:"left"`
		Error  errorBody          `json:"error"`
	}
	d := json.NewDecoder(strings.NewReader(r.out))
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if d.More() {
		t.Errorf("more than one document: %s", r.out)
	}
	if doc.Undone == nil || len(doc.Left) != 1 || doc.Error.Code != memory.CodeConflict {
		t.Errorf("document %s", r.out)
	}
	if want := "error: 1 memory has changed since\n"; r.errOut != want {
		t.Errorf("stderr %q, want %q", r.errOut, want)
	}
}

func TestRepairNeedsAcceptLoss(t *testing.T) {
	f := &fakeStore{repair: func(memory.RepairRequest) (memory.RepairResult, error) {
		return memory.RepairResult{Kept: 5, Lost: []memory.SeqRange{{From: 3, To: 3}}}, nil
	}}
	if r := runOn(t, f, false, "", "repair"); r.code != exitDamaged ||
		!strings.Contains(r.out, "seq 3") || !strings.Contains(r.errOut, "--accept-loss") {
		t.Errorf("%+v", r)
	}
	if r := runOn(t, f, false, "", "repair", "--accept-loss"); r.code != exitDone {
		t.Errorf("%+v", r)
	}
}

// An export that fails half way must not end in a document, which would look like part of it.
func TestFailedExportAddsNothing(t *testing.T) {
	boom := errors.New("disk on fire")
	f := &fakeStore{export: func(w io.Writer) error {
		if _, err := w.Write(bytes.Repeat([]byte("{}\n"), 10_000)); err != nil {
			return err
		}
		return boom
	}}
	r := runOn(t, f, false, "", "export", "--json")
	if r.code != exitFailed || strings.Contains(r.out, "error") {
		t.Errorf("exit code %d, stdout ends in %q", r.code, r.out[max(0, len(r.out)-80):])
	}
	f.export = func(io.Writer) error { return boom }
	if r := runOn(t, f, false, "", "export", "--json"); !strings.Contains(r.out, `{"error":`) {
		t.Errorf("an export that wrote nothing: stdout %q", r.out)
	}
}

func TestFailedExportLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	f := &fakeStore{export: func(io.Writer) error { return errors.New("disk on fire") }}
	r := runOn(t, f, false, "", "export", "-o", filepath.Join(dir, "out.jsonl"))
	left, err := os.ReadDir(dir)
	if err != nil || r.code != exitFailed || len(left) != 0 {
		t.Errorf("exit code %d, left %v, %v", r.code, left, err)
	}
}

func TestImportOfSeveralFilesIsOneGroup(t *testing.T) {
	var groups []string
	f := &fakeStore{imp: func(_ string, r memory.ImportRequest) (memory.ImportResult, error) {
		groups = append(groups, r.Group)
		return memory.ImportResult{Imported: 1, Group: "g", Seq: memory.Seq(len(groups)),
			Rejected: []memory.Rejected{{Line: 3, Reason: "bad"}}}, nil
	}}
	r := runOn(t, f, false, "x", "import", "-", "-", "--from", "memlog", "--json")
	var got memory.ImportResult
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	want := memory.ImportResult{Imported: 2, Group: "g", Seq: 2, Rejected: []memory.Rejected{
		{Source: "-", Line: 3, Reason: "bad"}, {Source: "-", Line: 3, Reason: "bad"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "g"}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// On a terminal contents are cut to three lines and nothing it obeys gets through; errors too.
func TestTerminal(t *testing.T) {
	evil := "\x1b]0;owned\x07" + strings.Repeat("long words go on ", 30)
	f := &fakeStore{search: func(memory.SearchRequest) (memory.SearchResult, error) {
		return memory.SearchResult{Hits: []memory.Hit{{Memory: memory.Memory{
			ID: event.NewID(), Content: evil, Tags: []string{"\x1b[2J"}}}}}, nil
	}}
	r := runOn(t, f, true, "", "search", "x")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != 5 || !strings.HasSuffix(lines[2], "…") {
		t.Errorf("shown as %d lines:\n%s", len(lines), r.out)
	}
	for _, l := range lines {
		if columns(l) > 60 {
			t.Errorf("%d columns: %s", columns(l), l)
		}
	}
	f.search = func(memory.SearchRequest) (memory.SearchResult, error) {
		return memory.SearchResult{}, memory.Errorf(memory.CodeFailed, "no %s", evil)
	}
	if bad := runOn(t, f, true, "", "search", "x"); strings.Contains(r.out+bad.errOut, "\x1b") {
		t.Errorf("an escape sequence reaches the terminal: %q %q", r.out, bad.errOut)
	}
}

// Damage on the way does not end a log, and sets the exit code; an interrupt ends --follow well.
func TestLogGoesOnOverDamage(t *testing.T) {
	damage := error(memory.Errorf(memory.CodeDamaged, "record 2 is damaged"))
	end := error(nil)
	f := &fakeStore{log: func(yield func(memory.LogRecord, error) bool) {
		_ = yield(memory.LogRecord{Seq: 1}, nil) && yield(memory.LogRecord{}, damage) &&
			yield(memory.LogRecord{Seq: 3}, nil) && (end == nil || yield(memory.LogRecord{}, end))
	}}
	r := runOn(t, f, false, "", "log")
	if r.code != exitDamaged || strings.Count(r.out, "seq ") != 2 {
		t.Errorf("%+v", r)
	}
	damage, end = nil, context.Canceled
	if r := runOn(t, f, false, "", "log", "--follow"); r.code != exitDone || r.errOut != "" {
		t.Errorf("an interrupted follower: %+v", r)
	}
	if r := runOn(t, f, false, "", "log"); r.code != exitFailed {
		t.Errorf("an interrupted log: %+v", r)
	}
}

func TestDamageIsSaidAtEveryLook(t *testing.T) {
	f := &fakeStore{
		search: func(memory.SearchRequest) (memory.SearchResult, error) {
			return memory.SearchResult{}, nil
		},
		health: memory.HealthResult{Problems: []memory.Problem{{Kind: "frame"}}},
	}
	if r := runOn(t, f, false, "", "search", "x"); !strings.Contains(r.errOut, "damaged") {
		t.Errorf("stderr %q", r.errOut)
	}
}

func TestOriginAndInput(t *testing.T) {
	var got memory.StoreRequest
	f := &fakeStore{store: func(r memory.StoreRequest) (memory.StoreResult, error) {
		got = r
		return memory.StoreResult{Seq: 1, Stored: make([]memory.Stored, len(r.Memories))}, nil
	}}
	r := runOn(t, f, false, "text\r\n", "add", "-", "--tag", "a,b", "--tag", " c ",
		"--request-id", "r", "--metadata", `{"a": 1.0}`, "--created-at", "2024-02-29")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	o := got.Origin
	if o.Client != clientName || o.Session != "window-1" || o.RequestID != "r" || o.Project == "" {
		t.Errorf("origin %+v", o)
	}
	want := memory.NewMemory{
		Content: "text", Tags: []string{"a,b", " c "}, Metadata: json.RawMessage(`{"a": 1.0}`),
		CreatedAt: time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff([]memory.NewMemory{want}, got.Memories); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := runOn(t, f, false, "{\"content\": \"a\xff\"}\n", "add", "--batch", "-"); r.code !=
		exitUsage || !strings.Contains(r.errOut, "- line 1: no UTF-8 text") {
		t.Errorf("no UTF-8 in a batch: %+v", r)
	}
	big := strings.Repeat("x", memory.MaxContent+10)
	if r := runOn(t, f, false, big, "add", "-"); r.code != exitUsage {
		t.Errorf("too much on standard input: %+v", r)
	}
	if r := runOn(t, f, false, "a\xffb", "add", "-"); r.code != exitUsage {
		t.Errorf("no UTF-8 on standard input: %+v", r)
	}
}

func TestNoTimeoutDoesNotWait(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	if got := storeOptions(settings{}, log, false).LockWait; got >= 0 {
		t.Errorf("--timeout 0 waits %v", got)
	}
	if got := storeOptions(settings{timeout: 5}, log, false).LockWait; got != 5 {
		t.Errorf("--timeout 5ns waits %v", got)
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", map[string]string{"HOME": "/h"}, "/h/.local/share/memlog"},
		{"linux", map[string]string{"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x/memlog"},
		{"linux", map[string]string{"HOME": "/h", "XDG_DATA_HOME": "x"}, "/h/.local/share/memlog"},
		{"darwin", map[string]string{"HOME": "/h"}, "/h/Library/Application Support/memlog"},
		{"windows", map[string]string{"LOCALAPPDATA": "/l"}, "/l/memlog"},
	} {
		got, err := dataDir(tt.goos, func(n string) string { return tt.env[n] })
		if err != nil || got != tt.want {
			t.Errorf("%s %v: %q, %v, want %q", tt.goos, tt.env, got, err, tt.want)
		}
	}
	for in, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "5": 5 * time.Second, "0": 0, "1m30s": 90 * time.Second,
	} {
		if got, err := parseTimeout("x", in); err != nil || got != want {
			t.Errorf("parseTimeout(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "-1s", "-5", "x", "99999999999999"} {
		if got, err := parseTimeout("x", in); err == nil {
			t.Errorf("parseTimeout(%q) = %v", in, got)
		}
	}
	for in, want := range map[string]slog.Level{"DEBUG": -4, "Warning": 4, "error": 8} {
		if got, err := parseLevel(in); err != nil || got != want {
			t.Errorf("parseLevel(%q) = %v, %v", in, got, err)
		}
	}
}
