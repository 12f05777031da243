package foreign

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/unicode"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
)

// clearFrom fills a part of a file with zero bytes.
func clearFrom(t *testing.T, path string, from, to int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[from:to])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readText reads a text as a file whose name says nothing.
func readText(t *testing.T, text string, o Options) ([]transfer.Line, Summary, []memory.Rejected) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return readAllOf(t, path, o)
}

// said is a line in short.
func short(lines []transfer.Line) string {
	var out []string
	for _, l := range lines {
		when := ""
		if !l.CreatedAt.IsZero() {
			when = " " + l.CreatedAt.Format("060102")
		}
		out = append(out, fmt.Sprintf("%s %s [%s]%s", l.Type, l.Content, strings.Join(l.Tags, ","), when))
	}
	return strings.Join(out, "; ")
}

// TestJSONShapes reads each of the five shapes, and what memlog itself writes as JSON.
func TestJSONShapes(t *testing.T) {
	const want = "note one [a,b] 231114; error two []"
	for name, text := range map[string]string{
		"export": `{"export_metadata":{"total_memories":2},"memories":[{"content":"one","content_hash":"h1",
			"tags":["a","b"],"created_at":1700000000.5,"memory_type":"note","metadata":{"n":1},
			"embedding":[0.5]},{"content":"two","content_hash":"h2","tags":[],"memory_type":"error",
			"metadata":{}}]}`,
		"dated": `{"memories":[{"content":"one","content_hash":"h1","tags":["a","b"],"metadata":{"n":1},
			"created_at_iso":"2023-11-14T22:13:20.5Z","memory_type":"note"},{"content":"two",
			"content_hash":"h2","memory_type":"error"}],"export_date":"2024-01-01","total_memories":2}`,
		"backup": `{"timestamp":"20240101_000000","total_memories":2,"memories":[{"id":"h1",
			"document":"one","metadata":{"tags":"[\"a\",\"b\"]","timestamp":1700000000,"memory_type":"note",
			"n":1},"embedding":null},{"id":"h2","document":"two","metadata":{"type":"error"}}]}`,
		"chroma": `{"ids":["h1","h2"],"documents":["one","two"],"metadatas":[{"tags":"a,b",
			"created_at":1700000000000,"memory_type":"note","n":1},{"memory_type":"error"}]}`,
		"list": `[{"hash":"h1","content":"one","created_at":"1700000000.5","metadata":"{\"n\":1}",
			"tags":"a, b","type":"note"},{"hash":"h2","content":"two","type":"error","tags":"",
			"metadata":""}]`,
	} {
		lines, s, rejected := readText(t, text, Options{})
		if short(lines) != want || s.Format != JSON || len(rejected) > 0 {
			t.Errorf("%s: %q, want %q; %+v %v", name, short(lines), want, s, rejected)
			continue
		}
		if lines[0].ID != serviceID("h1") || string(lines[0].Metadata) != `{"n":1}` {
			t.Errorf("%s: %+v %s", name, lines[0], lines[0].Metadata)
		}
		if cut, _, rejected := readText(t, text[:len(text)-4], Options{}); len(rejected) != 1 ||
			len(cut) == 0 && name != "chroma" {
			t.Errorf("%s, cut: %q, rejected %v", name, short(cut), rejected)
		}
	}
	ours := "[\n{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"content\":\"ours\"}\n]\n"
	if lines, _, _ := readText(t, ours, Options{}); len(lines) != 1 ||
		lines[0].ID.String() != "01890a5d-ac96-774b-bcce-b302099a8057" {
		t.Errorf("%+v", lines)
	}
}

// TestJSONCut cuts a document at every byte: what stands whole before is read, always.
func TestJSONCut(t *testing.T) {
	var text strings.Builder
	var ends []int
	text.WriteString(`{"export_metadata":{},"memories":[`)
	for i := range 5 {
		if i > 0 {
			text.WriteString(",")
		}
		fmt.Fprintf(&text, `{"content":"memory %d","content_hash":"h%d"}`, i, i)
		ends = append(ends, text.Len())
	}
	text.WriteString("]}")
	for n := ends[0]; n < text.Len(); n++ {
		whole := 0
		for _, e := range ends {
			if e <= n {
				whole++
			}
		}
		lines, _, rejected := readText(t, text.String()[:n], Options{})
		if len(lines) != whole || len(rejected) != 1 {
			t.Fatalf("cut at %d: %d of %d, rejected %v", n, len(lines), whole, rejected)
		}
	}
}

// TestEncodings reads one text in every encoding that tools on Windows write.
func TestEncodings(t *testing.T) {
	const text = `[{"content":"caf\u00e9 für 5 €","hash":"h"}]`
	const want = "café für 5 €"
	le, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	be, err := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	ansi := strings.NewReplacer("ü", "\xfc", "€", "\x80").Replace(text)
	for name, in := range map[string]string{"plain": text, "mark": "\ufeff" + text, "little": le,
		"big without mark": be, "windows-1252": ansi} {
		lines, s, rejected := readText(t, in, Options{})
		if len(lines) != 1 || lines[0].Content != want || len(rejected) > 0 {
			t.Errorf("%s: %q %v", name, short(lines), rejected)
		}
		if told := len(s.Notes) > 0; told != (name != "plain" && name != "mark") {
			t.Errorf("%s: notes %v", name, s.Notes)
		}
	}
}

// TestTimes reads what tools write as times.
func TestTimes(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string // "": no time; "!": an error
	}{
		{1700000000.25, "2023-11-14T22:13:20.25Z"}, {int64(1700000000), "2023-11-14T22:13:20Z"},
		{1700000000250.0, "2023-11-14T22:13:20.25Z"}, {1.70000000025e15, "2023-11-14T22:13:20.25Z"},
		{1.7e18, "2023-11-14T22:13:20Z"}, {"1700000000", "2023-11-14T22:13:20Z"},
		{"2023-11-14T22:13:20.25", "2023-11-14T22:13:20.25Z"}, {"2023-11-14", "2023-11-14T00:00:00Z"},
		{"2023-11-14 22:13:20+02:00", "2023-11-14T20:13:20Z"}, {nil, ""}, {0.0, ""}, {"", ""},
		{-1.0, "!"}, {"yesterday", "!"}, {1e300, "!"}, {"NaN", "!"}, {[]byte("x"), "!"},
	} {
		got, err := parseTime(c.in)
		text := ""
		switch {
		case err != nil:
			text = "!"
		case !got.IsZero():
			text = got.Format(time.RFC3339Nano)
		}
		if text != c.want {
			t.Errorf("%v: %s (%v), want %s", c.in, text, err, c.want)
		}
	}
}

// TestGraph reads entities and relations: glued together, cut off, out of order, and to nowhere.
func TestGraph(t *testing.T) {
	text := `{"type":"relation","from":"A","to":"B","relationType":"knows"}
{"type":"entity","name":"A","entityType":"person","observations":["one","two"]}{"type":"entity","name":"B","entityType":"","observations":[]}
{"type":"entity","name":"C","entityType":"x","observ{"type":"entity","name":"D","entityType":"x","observations":["four",{"content":"five"}]}
{"type":"relation","from":"A","to":"nobody","relationType":"knows"}
{"type":"entity","name":"A","entityType":"person","observations":["two","six"]}
{"type":"relation","from":"D","to":"A","relationType":"likes"}{"type":"rel`
	lines, s, rejected := readText(t, text, Options{})
	want := "observation one [A]; observation two [A]; entity B [B]; observation four [D]; " +
		"observation five [D]; observation two [A]; observation six [A]"
	if short(lines) != want || s.Links != 2 || s.Format != Graph {
		t.Errorf("got  %s\nwant %s\n%+v", short(lines), want, s)
	}
	by := byContent(lines)
	if a := by["one"]; a.Aliases[0] != "A" || a.Links[0].To != by["B"].ID || a.Links[0].Type != "knows" {
		t.Errorf("%+v", a)
	}
	if d := by["four"]; d.Links[0].To != by["one"].ID || by["five"].Links != nil {
		t.Errorf("%+v", d)
	}
	var places []int
	for _, r := range rejected {
		places = append(places, r.Line)
	}
	if fmt.Sprint(places) != "[3 6 4]" {
		t.Errorf("rejected %+v", rejected)
	}
}

// TestDocument reads a document of notes by its headings, bullets and paragraphs.
func TestDocument(t *testing.T) {
	text := "---\nname: x\n---\n# Project\n\nA paragraph\nof two lines.\n\n## Build\n- use make\n  - and go\n\n" +
		"  more of it\n- second\n1. numbered\n\n```sh\n# no heading\n- no bullet\n```\n## Style ##\nTabs.\n"
	lines, _, _ := readText(t, text, Options{})
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprintf("%s|%q", strings.Join(l.Tags, ","), l.Content))
	}
	want := []string{`Project|"A paragraph\nof two lines."`, `Build|"use make\n  - and go\n\n  more of it"`,
		`Build|"second"`, `Build|"numbered\n\n` + "```sh" + `\n# no heading\n- no bullet\n` + "```" + `"`,
		`Style|"Tabs."`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestTranscript takes what was said, and nothing of what the program noted.
func TestTranscript(t *testing.T) {
	text := `{"type":"summary","summary":"s","leafUuid":"l"}
{"type":"user","uuid":"u1","sessionId":"s1","cwd":"/work","timestamp":"2024-05-06T07:08:09.5Z","message":{"role":"user","content":"Hello"}}
{"type":"assistant","uuid":"u2","sessionId":"s1","message":{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"Hi"},{"type":"tool_use","name":"x"}]}}
{"type":"user","uuid":"u3","sessionId":"s1","message":{"role":"user","content":[{"type":"tool_result","content":"r"}]}}
{"type":"user","uuid":"u4","isMeta":true,"sessionId":"s1","message":{"role":"user","content":"meta"}}
{"type":"user","uuid":"u5","sess`
	lines, s, rejected := readText(t, text, Options{})
	if short(lines) != "message Hello [user] 240506; message Hi [assistant]" || len(rejected) != 1 ||
		rejected[0].Line != 6 || s.Format != Transcript {
		t.Errorf("%s %+v %v", short(lines), s, rejected)
	}
	if l := lines[0]; l.Project != "/work" || l.Aliases[0] != "u1" ||
		string(l.Metadata) != `{"role":"user","session":"s1"}` {
		t.Errorf("%+v", l)
	}
}

// TestPipe reads lines, and another format, from what can be read only once.
func TestPipe(t *testing.T) {
	for format, text := range map[Format]string{
		Memlog: strings.Repeat(`{"content":"a line"}`+"\n", 20_000),
		JSON:   `[{"hash":"h","content":"a"}]`,
	} {
		in, err := Open(t.Context(), "-", Options{Stdin: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil || in.Summary().Format != format || format == Memlog && string(b) != text ||
			len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", format, len(b), err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}
