package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	_ "time/tzdata" // the zones, on any machine
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestHostileLines holds that each line is rejected, alone, and for what is wrong with it.
func TestHostileLines(t *testing.T) {
	const u1, u2 = `"01000000-0000-7000-8000-000000000001"`, `"01000000-0000-7000-8000-000000000002"`
	rec := `{"log_id":` + u1 + `,"seq":1,"time":"2024-01-01T00:00:00Z","hash":"` +
		strings.Repeat("0", 64) + `"`
	for _, c := range []struct{ line, reason string }{
		{`x`, "not JSON: "},
		{`{"content":"x"`, "not JSON: unexpected end"},
		{`{"content":'x'}`, "not JSON: "},
		{"{\"content\":\"a\tb\"}", "not JSON: "},
		{"\x00\x00\x00\x00", "not JSON: "},
		{`{"content":"x"} "y"`, "more on the line than one JSON object"},
		{`{"content":"x"},`, "more on the line than one JSON object"},
		{`["content"]`, "want an object, got a list"},
		{`"content"`, "want an object, got text"},
		{`17`, "want an object, got a number"},
		{`null`, "want an object, got null"},
		{"{\"content\":\"\xff\"}", "not valid UTF-8 at byte 13"},
		{"\xff\xfe{\x00}\x00", "not UTF-8 but UTF-16"},
		{`{}`, "content: missing"},
		{`{"content":null}`, "content: missing"},
		{`{"Content":"x"}`, "content: missing"},
		{`{"content":7}`, "content: want text, got a number"},
		{`{"content":["x"]}`, "content: want text, got a list"},
		{`{"content":"x","content":"x"}`, "content: given twice"},
		{`{"content":"x","c\u006fntent":"y"}`, "content: given twice"},
		{`{"content":"x","foo":1,"foo":2}`, "foo: given twice"},
		{`{"content":"x","a\nb":1,"a\nb":2}`, `"a\nb": given twice`},
		{`{"content":"\ud800"}`, "content: half a character"},
		{`{"content":"\udc00\ud800"}`, "content: half a character"},
		{`{"content":"\ud800\ud800\udc00"}`, "content: half a character"},
		{`{"content":"\\\ud83d"}`, "content: half a character"},
		{`{"content":"x","\udead":1}`, `key "\"\\udead\"": half a character`},
		{`{"content":"x","tags":"a,b"}`, "tags: want a list, got text"},
		{`{"content":"x","tags":["a",null]}`, "tags: [1]: want text, got null"},
		{`{"content":"x","tags":[["a"]]}`, "tags: [0]: want text, got a list"},
		{`{"content":"x","type":{}}`, "type: want text, got an object"},
		{`{"content":"x","project":true}`, "project: want text, got true or false"},
		{`{"content":"x","version":"3"}`, "version: want a whole number, got text"},
		{`{"content":"x","version":1.0}`, "version: 1.0 is not a whole number from 0 on"},
		{`{"content":"x","version":-1}`, "version: -1 is not a whole number"},
		{`{"content":"x","version":18446744073709551616}`, "version: 18446744073709551616 is not a"},
		{`{"content":"x","deleted":1}`, "deleted: want true or false, got a number"},
		{`{"content":"x","deleted":true}`, "deleted: without an id"},
		{`{"content":"x","incomplete":"no"}`, "incomplete: want true or false, got text"},
		{`{"content":"x","id":""}`, `id: id "" is not a UUID`},
		{`{"content":"x","id":"abc"}`, `id: id "abc" is not a UUID`},
		{`{"content":"x","id":"00000000-0000-0000-0000-000000000000"}`, "id: the zero id"},
		{`{"content":"x","id":7}`, "id: want text, got a number"},
		{`{"content":"x","superseded_by":"x"}`, `superseded_by: id "x" is not a UUID`},
		{`{"content":"x","created_at":"yesterday"}`, `created_at: "yesterday" is not a time like`},
		{`{"content":"x","created_at":true}`, "created_at: want a time, got true or false"},
		{`{"content":"x","updated_at":""}`, `updated_at: "" is not a time like`},
		{`{"content":"x","metadata_base64":"?"}`, "metadata_base64: not base64"},
		{`{"content":"x","metadata_base64":""}`, "metadata_base64: not JSON"},
		{`{"content":"x","metadata_base64":"Iv8i"}`, "metadata_base64: not JSON"},
		{`{"content":"x","metadata":2,"metadata_base64":"MQ=="}`, "metadata_base64: not what metadata"},
		{`{"content":"x","extra":[]}`, "extra: want an object, got a list"},
		{`{"content":"x","extra":{"a":1}}`, "extra: a: want text, got a number"},
		{`{"content":"x","extra":{"a":"/w=="}}`, "extra: not the encoded fields"},
		{`{"content":"x","occurrences":{}}`, "occurrences: want a list, got an object"},
		{`{"content":"x","occurrences":[3]}`, "occurrences: [0]: want an object, got a number"},
		{`{"content":"x","occurrences":[{}]}`, "occurrences: [0]: id: missing"},
		{`{"content":"x","occurrences":[{"id":` + u1 + `,"extra":{"a":"/w=="}}]}`,
			"occurrences: [0]: extra: not the encoded fields"},
		{`{"content":"x","occurrences":[{"id":` + u1 + `,"metadata":1,"metadata_base64":"Mg=="}]}`,
			"occurrences: [0]: metadata_base64: not what metadata"},
		{`{"content":"x","links":[{"type":"a"}]}`, "links: [0]: to: missing"},
		{`{"content":"x","links":[{"to":"a"}]}`, `links: [0]: to: id "a" is not a UUID`},
		{`{"content":"x","id":` + u1 + `,"links":[{"from":` + u2 + `,"to":` + u2 + `}]}`,
			"links: [0]: neither end is this memory"},
		{`{"log_id":7}`, "log_id: want text"},
		{`{"log_id":null}`, "log_id: missing"},
		{`{"log_id":` + u1 + `}`, "seq: missing"},
		{`{"log_id":` + u1 + `,"seq":0}`, "seq: missing"},
		{`{"log_id":` + u1 + `,"seq":1}`, "time: missing"},
		{`{"log_id":` + u1 + `,"seq":1,"time":5}`, "hash: missing"},
		{`{"log_id":` + u1 + `,"seq":1,"hash":"00"}`, "hash: not 64 hexadecimal digits"},
		{`{"log_id":` + u1 + `,"seq":1,"lost":true,"events":[{"destroyed":true}]}`, "lost: "},
		{rec + `,"mark":7}`, "mark: want an object, got a number"},
		{rec + `,"events":7}`, "events: want a list, got a number"},
		{rec + `,"events":[{"kind":"stored","fields":{}}]}`, "events: [0]: raw: missing; `memlog export"},
		{rec + `,"events":[{"kind":"stored","fields":7}]}`, "events: [0]: fields: want an object"},
		{rec + `,"events":[{"kind":"stored","raw":"AA=="}]}`, "events: [0]: raw: malformed event"},
		{rec + `,"events":[{"kind":"stored","raw":"oWFrYXg="}]}`, `events: [0]: kind: "stored", but raw`},
		{rec + `,"events":[{"destroyed":true,"raw":"AA=="}]}`, "events: [0]: destroyed: but"},
	} {
		items := readAll(t, c.line+"\n"+`{"content":"next"}`, ReaderOptions{Source: "s"})
		if len(items) != 2 || items[0].Rejected == nil || items[1].Memory == nil {
			t.Errorf("%s: got %+v", c.line, items)
			continue
		}
		got := items[0].Rejected
		if !strings.HasPrefix(got.Reason, c.reason) || got.Line != 1 || got.Source != "s" {
			t.Errorf("%s: rejected as %+v, want reason %q", c.line, *got, c.reason)
		}
	}
}

// TestTolerated holds that what plain data looks like is read as what it means.
func TestTolerated(t *testing.T) {
	input := "\ufeff{\"content\":\"a\"}\r\n" +
		"\r\n  \t \n" +
		"  {\"tags\":[\"x\"], \"content\" : \"b\\ud83d\\ude00\\/\"}  \r\n" +
		"\ufeff{\"content\":\"\"}\n" +
		`{"content":"c","id":null,"tags":null,"created_at":null,"metadata":null,"links":null}` + "\n" +
		`{"content":"d","id":"01000000-0000-7000-8000-00000000000A","created_at":"2023-05-08"}`
	var got []Line
	var at []int
	for _, it := range readAll(t, input, ReaderOptions{}) {
		if it.Memory == nil {
			t.Fatalf("rejected: %+v", it.Rejected)
		}
		got, at = append(got, *it.Memory), append(at, it.Line)
	}
	want := []Line{
		{Content: "a"}, {Content: "b\U0001F600/", Tags: []string{"x"}}, {},
		{Content: "c", Metadata: []byte("null")},
		{Content: "d", ID: id(10), CreatedAt: time.Date(2023, 5, 8, 0, 0, 0, 0, time.UTC)},
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
	if d := cmp.Diff(at, []int{1, 4, 5, 6, 7}); d != "" {
		t.Errorf("line numbers -got +want:\n%s", d)
	}
}

func TestMemoryWithKeyOfARecord(t *testing.T) {
	items := readAll(t, `{"content":"x","log_id":"mine"}`, ReaderOptions{})
	if items[0].Memory == nil {
		t.Errorf("got %+v, want a memory", items[0])
	}
}

func TestTimes(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{
		`"2023-05-08T13:56:00Z"`:             "2023-05-08T13:56:00Z",
		`"2023-05-08T13:56:00.123456+02:00"`: "2023-05-08T11:56:00.123456Z",
		`"2023-05-08 13:56:00-01:30"`:        "2023-05-08T15:26:00Z",
		`"2023-05-08"`:                       "2023-05-07T22:00:00Z",
		`"2023-01-08 10:00:00"`:              "2023-01-08T09:00:00Z",
		`"2023-01-08T10:00:00.5"`:            "2023-01-08T09:00:00.5Z",
		`"0001-01-01T00:00:00.000001Z"`:      "0001-01-01T00:00:00.000001Z",
		`0`:                                  "1970-01-01T00:00:00Z",
		`-1.5`:                               "1969-12-31T23:59:58.5Z",
		`1683554160.123456`:                  "2023-05-08T13:56:00.123456Z",
		`1.68355416e9`:                       "2023-05-08T13:56:00Z",
		`1683554160123e-3`:                   "2023-05-08T13:56:00.123Z",
		`253402300799.999999`:                "9999-12-31T23:59:59.999999Z",
		`-62135596799.999999`:                "0001-01-01T00:00:00.000001Z",
	} {
		got, cut, err := parseTime([]byte(raw), berlin)
		if err != nil || cut || !got.Equal(at(want)) || got.Location() != time.UTC {
			t.Errorf("%s: got %s, cut %t, %v; want %s", raw, got, cut, err, want)
		}
	}
	for raw, want := range map[string]string{
		`"0001-01-01T00:00:00+01:00"`: "year 0, not 1 to 9999",
		`"9999-12-31T23:59:59-01:00"`: "year 10000, not 1 to 9999",
		`"2023-02-30"`:                "is not a time like",
		`"10000-01-01"`:               "is not a time like",
		`"1683554160"`:                "is not a time like",
		`253402300800`:                "year 10000, not 1 to 9999",
		`1683554160123`:               "beyond the year 9999; are they milliseconds?",
		`1e999`:                       "beyond the year 9999",
		`-1e300`:                      "beyond the year 9999",
		`-62135596801`:                "year 0, not 1 to 9999",
	} {
		got, _, err := parseTime([]byte(raw), time.UTC)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %s, %v; want an error with %q", raw, got, err, want)
		}
	}
	if _, _, err := parseTime([]byte("1e-999999999"), time.UTC); err != nil {
		t.Errorf("a number next to 0: %v", err)
	}
	for _, raw := range []string{`"2023-05-08T13:56:00.1234567Z"`, `1683554160.1234567`} {
		got, cut, err := parseTime([]byte(raw), time.UTC)
		if want := at("2023-05-08T13:56:00.123456Z"); err != nil || !cut || !got.Equal(want) {
			t.Errorf("%s: got %s, cut %t, %v; want %s, cut", raw, got, cut, err, want)
		}
	}
}

func TestNotes(t *testing.T) {
	input := `{"content":"a","foo":1,"created_at":1.1234567}` + "\n" +
		`{"content":"b","foo":{"bar":1},"links":[{"to":"01000000-0000-7000-8000-000000000001","w":1},` +
		`{"to":"01000000-0000-7000-8000-000000000002","w":1}]}` + "\n" +
		`{"foo":"rejected, so not counted"}`
	r := NewReader(strings.NewReader(input), ReaderOptions{})
	for _, err := r.Next(); err == nil; _, err = r.Next() {
	}
	want := []string{
		`field "foo" is not kept, 2 lines`,
		`field "created_at" is finer than a microsecond and was cut, 1 line`,
		`field "links.w" is not kept, 1 line`,
	}
	if d := cmp.Diff(r.Notes(), want); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
}

// TestNotesAreBounded holds that a line of nothing but unknown keys costs no memory for good.
func TestNotesAreBounded(t *testing.T) {
	var b strings.Builder
	for line := range 3 {
		b.WriteString(`{"content":"x"`)
		for i := range MaxNotes {
			b.WriteString(`,"` + strconv.Itoa(line*MaxNotes+i) + strings.Repeat("ü", 1000) + `":1`)
		}
		b.WriteString("}\n")
	}
	r := NewReader(strings.NewReader(b.String()), ReaderOptions{})
	for _, err := r.Next(); err == nil; _, err = r.Next() {
	}
	notes := r.Notes()
	if got := notes[len(notes)-1]; len(notes) != MaxNotes+1 ||
		got != "further fields are not kept, 2 lines" {
		t.Errorf("%d notes, the last %q", len(notes), got)
	}
	for _, n := range notes {
		if len(n) > 100 || !utf8.ValidString(n) || strings.Contains(n, `\x`) {
			t.Errorf("note %q", n)
		}
	}
	d := decoder{}
	for i := range MaxKeys {
		d.note(strconv.Itoa(i), notKept)
	}
	if len(d.notes) != MaxNotes+1 {
		t.Errorf("one line has %d notes", len(d.notes))
	}
}

// TestLineLimit holds that exactly MaxLine bytes are taken, whatever stands around them.
func TestLineLimit(t *testing.T) {
	const most = 40
	line := `{"content":"` + strings.Repeat("x", most-14) + `"}`
	for _, pre := range []string{"", "\ufeff"} {
		for _, post := range []string{"", "\n", "\r\n"} {
			o := ReaderOptions{MaxLine: most}
			if got := readAll(t, pre+line+post, o); len(got) != 1 || got[0].Memory == nil {
				t.Errorf("%q, %q: %d bytes: got %v", pre, post, most, rejections(got))
			}
			got := readAll(t, pre+" "+line+post+"\n"+line, o)
			if len(got) != 2 || got[0].Rejected == nil || got[1].Memory == nil ||
				!strings.HasPrefix(got[0].Rejected.Reason, "line of 4") {
				t.Errorf("%q, %q: one byte more: got %+v", pre, post, got)
			}
		}
	}
	got := readAll(t, "{"+strings.Repeat("\r", 200)+"\n", ReaderOptions{MaxLine: most})
	if len(got) != 1 || got[0].Rejected == nil {
		t.Errorf("a long line of breaks: got %+v", got)
	}
}

// endless is a source of n bytes that are no line breaks.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), e.n)
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.n -= n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestLongLineIsNotKept reads 256 MiB without a line break in a few MiB of memory.
func TestLongLineIsNotKept(t *testing.T) {
	const size, limit = 256 << 20, 1 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := NewReader(io.MultiReader(&endless{n: size}, strings.NewReader("\n{\"content\":\"y\"}")),
		ReaderOptions{MaxLine: limit})
	first, err1 := r.Next()
	second, err2 := r.Next()
	runtime.ReadMemStats(&after)
	if err1 != nil || err2 != nil || first.Rejected == nil || second.Memory == nil {
		t.Fatalf("got %+v, %v, then %+v, %v", first, err1, second, err2)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 16*limit {
		t.Errorf("%d bytes allocated", got)
	}
}

// TestBuffersShrink holds that one long line does not make all that follows cost as much.
func TestBuffersShrink(t *testing.T) {
	long := `{"content":"` + strings.Repeat("x", 2*keptBuffer) + `"}`
	r := NewReader(strings.NewReader(long+"\n"+`{"content":"y"}`), ReaderOptions{})
	w, _ := NewWriter(io.Discard, FormatJSONL, WriterOptions{})
	if err := w.Begin(Heading{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		it, err := r.Next()
		if err != nil || it.Memory == nil {
			t.Fatalf("got %+v, %v", it, err)
		}
		if err := w.Memory(*it.Memory); err != nil {
			t.Fatal(err)
		}
	}
	if cap(r.buf) > keptBuffer || cap(w.buf) > keptBuffer {
		t.Errorf("buffers of %d and %d bytes are kept", cap(r.buf), cap(w.buf))
	}
}

func TestSourceFails(t *testing.T) {
	broken := errors.New("broken pipe")
	src := io.MultiReader(strings.NewReader("{\"content\":\"a\"}\n{\"content\":"),
		iotest.ErrReader(broken))
	r := NewReader(src, ReaderOptions{Source: "in.jsonl"})
	if it, err := r.Next(); err != nil || it.Memory == nil {
		t.Fatalf("first line: %+v, %v", it, err)
	}
	for range 2 {
		it, err := r.Next()
		want := "read in.jsonl: line 2: broken pipe"
		if !errors.Is(err, broken) || err.Error() != want || it != (Item{}) {
			t.Errorf("got %+v, %v", it, err)
		}
	}
}

// TestSmallReads holds that it does not matter in which pieces a source comes.
func TestSmallReads(t *testing.T) {
	b, err := full().AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(iotest.OneByteReader(bytes.NewReader(b)), ReaderOptions{})
	if it, err := r.Next(); err != nil || it.Memory == nil || !cmp.Equal(*it.Memory, full()) {
		t.Errorf("got %+v, %v", it, err)
	}
}

// TestItemsShareNothing holds that an item stays as it was while reading goes on.
func TestItemsShareNothing(t *testing.T) {
	a, _ := full().AppendJSON(nil)
	r := NewReader(strings.NewReader(string(a)+"\n"+strings.Repeat(" ", len(a))+"\n"), ReaderOptions{})
	it, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatal(err)
	}
	if d := cmp.Diff(*it.Memory, full()); d != "" {
		t.Errorf("-got +want:\n%s", d)
	}
}

func TestElementLimits(t *testing.T) {
	keys, tags := strings.Builder{}, strings.Repeat(`"",`, MaxElements)
	for i := range MaxKeys {
		keys.WriteString(`"` + strconv.Itoa(i) + `":0,`)
	}
	for line, want := range map[string]string{
		`{` + keys.String() + `"content":"x"}`:            "more than 65536 keys",
		`{"content":"x","tags":[` + tags + `"one more"]}`: "tags: more than 1048576 elements",
	} {
		got := readAll(t, line, ReaderOptions{})
		if got[0].Rejected == nil || got[0].Rejected.Reason != want {
			t.Errorf("got %+v, want reason %q", got[0].Rejected, want)
		}
	}
}

// TestFormatDocument holds FORMAT.md against the code: limits, and every key that is read.
func TestFormatDocument(t *testing.T) {
	b, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for name, want := range map[string]int{
		"MaxLine": MaxLine, "MaxFields": MaxFields, "MaxNotes": MaxNotes, "MaxKeys": MaxKeys,
		"MaxElements": MaxElements,
	} {
		m := regexp.MustCompile(`(\d+)[^()\d]*\(` + "`" + name + "`").FindStringSubmatch(doc)
		if m == nil || m[1] != strconv.Itoa(want) {
			t.Errorf("%s: FORMAT.md says %q, the code %d", name, m, want)
		}
	}
	memories, records, _ := strings.Cut(doc, "## A line of a record")
	checkKeys(t, memories, lineTakers)
	checkKeys(t, memories, occurrenceTakers)
	checkKeys(t, memories, linkTakers)
	checkKeys(t, records, recordTakers)
	checkKeys(t, records, eventTakers)
	rows := regexp.MustCompile("(?m)^\\| `([a-z_0-9]+)` \\|")
	for _, m := range rows.FindAllStringSubmatch(memories, -1) {
		if lineTakers[m[1]] == nil {
			t.Errorf("FORMAT.md has the key %s, which is not read", m[1])
		}
	}
}

func checkKeys[T any](t *testing.T, doc string, by takers[T]) {
	t.Helper()
	for key := range by {
		if !strings.Contains(doc, "`"+key+"`") {
			t.Errorf("FORMAT.md does not have the key %s", key)
		}
	}
}

func FuzzReader(f *testing.F) {
	line, _ := full().AppendJSON(nil)
	rec, _ := record(f).AppendJSON(nil)
	f.Add(append(append(line, '\n'), rec...))
	f.Add([]byte("\ufeff{\"content\":\"a\"}\r\n\n{}\n[1]\nx{\"content\":\"\\ud800\"}"))
	f.Add([]byte(`{"content":"x","metadata":{ "a":1 },"metadata_base64":"eyJhIjoxfQ==",` +
		`"extra":{"t":"YWE="}}`))
	f.Add([]byte(`{"content":"x","created_at":1e9,` +
		`"occurrences":[{"id":"01000000-0000-7000-8000-000000000001"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkAccounted(t, b)
	})
}

// checkAccounted holds that every line of b that is not blank is one item, and that what is taken
// can be written and is then the same.
func checkAccounted(t *testing.T, b []byte) {
	const most = 4096
	items := readAll(t, string(b), ReaderOptions{MaxLine: most})
	next := 0
	for n, line := range bytes.Split(b, []byte("\n")) {
		line = bytes.TrimPrefix(bytes.TrimRight(line, "\r"), []byte("\ufeff"))
		if len(line) <= most && len(bytes.Trim(line, " \t\r")) == 0 {
			continue
		}
		if next == len(items) || items[next].Line != n+1 {
			t.Fatalf("line %d is not accounted for in %+v", n+1, items)
		}
		next++
	}
	if next != len(items) {
		t.Fatalf("%d items for %d lines", len(items), next)
	}
	for _, it := range items {
		switch {
		case it.Memory != nil && it.Record == nil && it.Rejected == nil:
			checkRoundTrip(t, *it.Memory)
			if _, err := it.Memory.Memory(); err != nil {
				t.Errorf("line %d: %v", it.Line, err)
			}
		case it.Record != nil && it.Memory == nil && it.Rejected == nil:
			if _, err := it.Record.AppendJSON(nil); err != nil {
				t.Errorf("line %d: %v", it.Line, err)
			}
		case it.Rejected != nil && it.Memory == nil && it.Record == nil:
			if it.Rejected.Reason == "" || it.Rejected.Line != it.Line {
				t.Errorf("line %d: rejected as %+v", it.Line, it.Rejected)
			}
		default:
			t.Errorf("line %d: not one of three: %+v", it.Line, it)
		}
	}
}

// TestGluedLines reads lines that have lost their breaks, each object for itself.
func TestGluedLines(t *testing.T) {
	src := `{"content":"a"}{"content":"b"} {"content":7}{"content":"c"}` + "\n" +
		`{"content":"d"}{"content":` + "\n" + `{"content":"e"}`
	rd := NewReader(strings.NewReader(src), ReaderOptions{})
	var got []string
	for {
		it, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case err != nil:
			t.Fatal(err)
		case it.Rejected != nil:
			got = append(got, fmt.Sprint(it.Line, " rejected ", it.Rejected.Reason))
		default:
			got = append(got, fmt.Sprint(it.Line, " ", it.Memory.Content))
		}
	}
	want := []string{"1 a", "1 b", "1 rejected content: want text, got a number", "1 c", "2 d",
		"2 rejected not JSON: unexpected end of JSON input", "3 e"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
