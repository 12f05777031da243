package transfer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

// few are memories of two projects and three days.
func few() []Line {
	plain := Line{ID: id(5), Content: "We deploy on Fridays.\r\nNever on Mondays.",
		CreatedAt: at("2023-05-08T13:56:00Z"), UpdatedAt: at("2023-05-08T13:56:00Z"), Version: 1}
	hostile := Line{ID: id(6), Project: "`x`\n# heading", Type: "` ``",
		Content: "```\n# no heading\n````text\n<script>\x1b[31m", Tags: []string{"a`b", "", " c\nd"},
		Metadata: json.RawMessage("{\n \"```\": 1.0 }"), Aliases: []string{"alias"}, Version: 2,
		UpdatedAt: at("2023-05-09T00:00:00Z")}
	next := plain
	next.ID, next.CreatedAt = id(7), at("2023-05-08T23:30:00Z")
	return []Line{plain, next, full(), hostile}
}

// export writes lines and records in a format.
func export(
	t *testing.T, format string, o WriterOptions, lines []Line, records []RecordLine,
) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, format, o)
	if err != nil {
		t.Fatal(err)
	}
	until := memory.Resolved{Seq: 118, Time: at("2024-01-02T03:04:05Z")}
	if err := w.Begin(Heading{Until: until}); err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if err := w.Memory(l); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range records {
		if err := w.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	if len(w.Notes()) != 0 {
		t.Errorf("notes %q", w.Notes())
	}
	return b.Bytes()
}

// TestGolden holds what is written against files that people looked at. Those of JSON are the
// format: a change there is a change of FORMAT.md.
func TestGolden(t *testing.T) {
	east := WriterOptions{Zone: time.FixedZone("EAST", 3600)}
	for name, got := range map[string][]byte{
		"memories.jsonl": export(t, FormatJSONL, east, few(), nil),
		"memories.json":  export(t, FormatJSON, east, few(), nil),
		"memories.md":    export(t, FormatMarkdown, east, few(), nil),
		"records.jsonl":  export(t, FormatJSONL, east, nil, []RecordLine{record(t)}),
		"empty.json":     export(t, FormatJSON, east, nil, nil),
		"empty.md":       export(t, FormatMarkdown, east, nil, nil),
	} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(got), string(want)); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
	}
}

// TestGoldenReads holds that the golden lines are read as what they were written from.
func TestGoldenReads(t *testing.T) {
	b, err := os.ReadFile("testdata/memories.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var got []Line
	for _, it := range readAll(t, string(b), ReaderOptions{}) {
		if it.Memory == nil {
			t.Fatalf("rejected: %+v", it.Rejected)
		}
		got = append(got, *it.Memory)
	}
	if d := cmp.Diff(got, few()); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
}

// TestArrayHasTheLines holds that the array is valid JSON and each of its lines is a line of JSONL.
func TestArrayHasTheLines(t *testing.T) {
	got := export(t, FormatJSON, WriterOptions{}, few(), []RecordLine{record(t)})
	var all []json.RawMessage
	if err := json.Unmarshal(got, &all); err != nil || len(all) != len(few())+1 {
		t.Fatalf("%d elements, %v", len(all), err)
	}
	lines := export(t, FormatJSONL, WriterOptions{}, few(), []RecordLine{record(t)})
	joined := strings.ReplaceAll(strings.TrimSuffix(string(lines), "\n"), "\n", ",\n")
	if want := "[\n" + joined + "\n]\n"; string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestHeading(t *testing.T) {
	epoch := time.Unix(0, 0)
	for until, want := range map[memory.Resolved]string{
		{}:                    "# Memories\n",
		{Seq: 7}:              "# Memories\n\nAs of seq 7.\n",
		{Seq: 7, Time: epoch}: "# Memories\n\nAs of 1970-01-01 00:00:00 UTC (seq 7).\n",
	} {
		m := markdown{zone: time.UTC}
		if got := string(m.begin(nil, Heading{Until: until})); got != want {
			t.Errorf("%+v: got %q, want %q", until, got, want)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	_, err := NewWriter(&bytes.Buffer{}, "yaml", WriterOptions{})
	if memory.CodeOf(err) != memory.CodeInvalid {
		t.Errorf("got %v, want an invalid argument", err)
	}
	w, _ := NewWriter(&bytes.Buffer{}, "", WriterOptions{})
	if _, ok := w.f.(jsonLines); !ok {
		t.Errorf("the empty format writes %T", w.f)
	}
}

func TestDocumentHoldsNoRecords(t *testing.T) {
	w, _ := NewWriter(&bytes.Buffer{}, FormatMarkdown, WriterOptions{})
	if err := w.Begin(Heading{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Record(record(t)); memory.CodeOf(err) != memory.CodeInvalid {
		t.Errorf("got %v, want an invalid argument", err)
	}
}

// TestBadMemoryFailsAlone holds that a memory that cannot be written leaves no half line, and that
// the others still make a whole export.
func TestBadMemoryFailsAlone(t *testing.T) {
	for _, format := range []string{FormatJSONL, FormatJSON} {
		var b bytes.Buffer
		w, _ := NewWriter(&b, format, WriterOptions{})
		bad := Line{ID: id(9), Content: "ok", Tags: []string{"\xff"}}
		err := errors.Join(w.Begin(Heading{}))
		for range 2 {
			if err := w.Memory(bad); err == nil || !strings.Contains(err.Error(), id(9).String()) {
				t.Errorf("%s: bad memory: %v", format, err)
			}
			err = errors.Join(err, w.Memory(Line{Content: "x"}))
		}
		if err = errors.Join(err, w.End()); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			FormatJSONL: "{\"content\":\"x\"}\n{\"content\":\"x\"}\n",
			FormatJSON:  "[\n{\"content\":\"x\"},\n{\"content\":\"x\"}\n]\n",
		}[format]
		if b.String() != want {
			t.Errorf("%s: got %q, want %q", format, b.String(), want)
		}
	}
}

func TestOrderOfCalls(t *testing.T) {
	steps := map[string]func(*Writer) error{
		"begin": func(w *Writer) error { return w.Begin(Heading{}) },
		"mem":   func(w *Writer) error { return w.Memory(Line{}) },
		"rec":   func(w *Writer) error { return w.Record(RecordLine{LogID: id(1)}) },
		"end":   func(w *Writer) error { return w.End() },
	}
	for calls, ok := range map[string]bool{
		"begin end": true, "begin mem rec mem end": true, "mem": false, "rec": false, "end": false,
		"begin begin": false, "begin end mem": false, "begin end rec": false, "begin end end": false,
	} {
		w, _ := NewWriter(&bytes.Buffer{}, FormatJSONL, WriterOptions{})
		var err error
		for _, c := range strings.Fields(calls) {
			err = steps[c](w)
		}
		if (err == nil) != ok || err != nil && !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v, want accepted %t", calls, err, ok)
		}
	}
}

// fullDisk takes n bytes, then fails.
type fullDisk struct{ n int }

var errNoSpace = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.n {
		return d.n, errNoSpace
	}
	d.n -= len(p)
	return len(p), nil
}

// TestFullDisk holds that an export that did not get out whole never ends in success.
func TestFullDisk(t *testing.T) {
	for _, room := range []int{0, 100, 70 << 10} {
		w, _ := NewWriter(&fullDisk{room}, FormatJSONL, WriterOptions{})
		_ = w.Begin(Heading{})
		var failed error
		for range 100 {
			if err := w.Memory(Line{Content: strings.Repeat("x", 1000)}); err != nil {
				failed = err
			} else if failed != nil {
				t.Fatalf("room for %d: went on after %v", room, failed)
			}
		}
		for range 2 {
			if err := w.End(); !errors.Is(err, errNoSpace) {
				t.Errorf("room for %d: End: %v", room, err)
			}
		}
	}
}

func TestLongLineIsNoted(t *testing.T) {
	w, _ := NewWriter(&bytes.Buffer{}, FormatJSONL, WriterOptions{})
	w.noteLong(MaxLine+1, "memory a") // with its line feed
	w.noteLong(MaxLine+2, "memory b")
	if got := w.Notes(); len(got) != 1 || !strings.HasPrefix(got[0], "memory b is a line of") {
		t.Errorf("notes %q", got)
	}
}

// outline takes a document apart as CommonMark does as far as fences go: the lines outside of
// fences, and what stands in each fence.
func outline(doc string) (outside, fenced []string) {
	fence := regexp.MustCompile("^ {0,3}(`{3,})([^`]*)$")
	open, inside := 0, ""
	isBreak := func(r rune) bool { return r == '\n' || r == '\r' }
	for _, line := range strings.FieldsFunc(doc, isBreak) {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == 0 && m != nil:
			open, inside = len(m[1]), ""
		case open > 0 && m != nil && len(m[1]) >= open && strings.TrimSpace(m[2]) == "":
			open, fenced = 0, append(fenced, inside)
		case open > 0:
			inside += line + "\n"
		default:
			outside = append(outside, line)
		}
	}
	if open > 0 {
		fenced = append(fenced, "never closed")
	}
	return outside, fenced
}

// outsideLine is every line that a document may have outside of its fences.
var outsideLine = regexp.MustCompile("^(# Memories|As of .*|None\\.|## No project|" +
	"## Project `.*`|" +
	"### (No date|[0-9]{4}-[0-9-]{5})|#### ([0-9:]{8} )?[0-9a-f-]{36}( \\(deleted\\))?|" +
	"Metadata:|- superseded by [0-9a-f-]{36}|- part of its past was lost|" +
	"- (type|tags|also known as|said again( [-0-9: ]{19} UTC)?)( `.*`)?|" +
	"- `.*` → [0-9a-f-]{36}|- version [0-9]+( of [-0-9: ]{19} UTC)?)$")

// TestDocumentHolds draws memories of hostile texts and finds in the document exactly as many
// sections and fences as there should be, and no line that memlog did not write.
func TestDocumentHolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := rapid.SliceOfN(genLine(), 0, 4).Draw(rt, "lines")
		doc := string(export(t, FormatMarkdown, WriterOptions{}, lines, nil))
		outside, fenced := outline(doc)
		sections, wantFences := 0, len(lines)
		for _, l := range lines {
			if len(l.Metadata) > 0 {
				wantFences++
			}
		}
		for _, line := range outside {
			if !outsideLine.MatchString(line) {
				rt.Errorf("stray line %q in\n%s", line, doc)
			}
			if strings.HasPrefix(line, "#### ") {
				sections++
			}
			checkSpans(rt, line)
		}
		if sections != len(lines) || len(fenced) != wantFences {
			rt.Errorf("%d sections and %d fences for %d memories in\n%s",
				sections, len(fenced), len(lines), doc)
		}
	})
}

// checkSpans holds that every run of back quotes of a line opens or closes a span: one that does
// neither would make text of what was meant as code.
func checkSpans(t *rapid.T, line string) {
	runs := regexp.MustCompile("`+").FindAllString(line, -1)
	for i := 0; i < len(runs); i++ {
		end := i + 1
		for end < len(runs) && runs[end] != runs[i] {
			end++
		}
		if end == len(runs) {
			t.Errorf("open span in %q", line)
		}
		i = end
	}
}

func TestCodeSpans(t *testing.T) {
	for s, want := range map[string]string{
		"a": "`a`", "": "`  `", "a`b": "``a`b``", "`": "`` ` ``", "a``": "``` a`` ```", " a": "`  a `",
		"a\nb\x00": "`a␊b␀`", "\u0085\u2028\x7f": "`\ufffd\ufffd␡`",
	} {
		if got := string(appendSpan(nil, s)); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

// TestWriterSharesNothing holds that a Writer may be given the same slices again and again.
func TestWriterSharesNothing(t *testing.T) {
	l := full()
	x := event.Extra{"a": {5}}
	l.Extra = x
	got := export(t, FormatJSONL, WriterOptions{}, []Line{l, l}, nil)
	a, b, _ := bytes.Cut(bytes.TrimSuffix(got, []byte("\n")), []byte("\n"))
	if !bytes.Equal(a, b) {
		t.Errorf("the same line twice differs:\n%s\n%s", a, b)
	}
}

// TestServiceFormat holds an export for mcp-memory-service against what its importer asks for: every
// member that it reads is there with the type that it has in Python, and no tombstone.
func TestServiceFormat(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, FormatService, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Repeat("ab", 32)
	if err := w.Begin(Heading{}); err != nil {
		t.Fatal(err)
	}
	for _, l := range []Line{
		{ID: id(1), Content: " Über alles ", CreatedAt: at("2023-05-08T13:56:00.25Z"),
			UpdatedAt: at("2023-05-08T13:56:00.25Z"), Version: 1},
		{ID: id(2), Content: "b", Type: "decision", Tags: []string{"x"}, Aliases: []string{"n", hash},
			Metadata: []byte(`[1]`), Links: []event.Link{{From: id(2), To: id(1), Type: "because"}}},
	} {
		if err := w.Memory(l); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Memory(Line{ID: id(3), Content: "gone", Deleted: true}); err == nil {
		t.Error("a tombstone was written")
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Metadata struct {
			Total int `json:"total_memories"`
		} `json:"export_metadata"`
		Memories []struct {
			Content     string         `json:"content"`
			ContentHash string         `json:"content_hash"`
			Tags        []string       `json:"tags"`
			Type        string         `json:"memory_type"`
			Created     *float64       `json:"created_at"`
			Updated     *float64       `json:"updated_at"`
			Metadata    map[string]any `json:"metadata"`
		} `json:"memories"`
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	if got.Metadata.Total != 2 || len(got.Memories) != 2 {
		t.Fatalf("%s", b.Bytes())
	}
	one, two := got.Memories[0], got.Memories[1]
	sum := sha256.Sum256([]byte("über alles"))
	if one.ContentHash != hex.EncodeToString(sum[:]) || one.Tags == nil || one.Type != "note" ||
		*one.Created != 1683554160.25 || one.Metadata == nil {
		t.Errorf("%+v", one)
	}
	if two.ContentHash != hash || two.Type != "decision" || two.Metadata["value"] == nil ||
		!strings.Contains(b.String(), "because") {
		t.Errorf("%+v", two)
	}
}
