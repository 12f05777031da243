package transfer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

func id(n byte) event.ID { return event.ID{0: 1, 6: 0x70, 8: 0x80, 15: n} }

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// full is a line with every field set.
func full() Line {
	return Line{
		ID: id(1), Content: "Grüße,\n\"wir\" sagen <b>\x00\u2028\U0001F600", Type: "note",
		Project: "memlog", Tags: []string{"a", "b c"}, Metadata: json.RawMessage(`{"n": 1.50,"m":[ ]}`),
		CreatedAt: at("2023-05-08T13:56:00.000001Z"), UpdatedAt: at("0009-07-28T00:00:00Z"),
		Version: 3, Aliases: []string{"sha:1"}, SupersededBy: id(2), Deleted: true, Incomplete: true,
		Occurrences: []event.Occurrence{{ID: id(3), CreatedAt: at("2024-01-01T00:00:00Z"),
			Metadata: []byte("1e2"), Tags: []string{"c"}, Extra: event.Extra{"mood": {5}}}},
		Links: []event.Link{{From: id(1), To: id(4), Type: "because"}},
		Extra: event.Extra{"stars": {0x05}, "z\n\"": {0x61, 'x'}},
	}
}

// readAll reads all items of s.
func readAll(t interface{ Fatalf(string, ...any) }, s string, o ReaderOptions) []Item {
	r := NewReader(strings.NewReader(s), o)
	var all []Item
	for {
		it, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		all = append(all, it)
	}
}

// checkRoundTrip writes l, reads it back and writes it again.
func checkRoundTrip(t interface {
	Fatalf(string, ...any)
	Errorf(string, ...any)
}, l Line) {
	b, err := l.AppendJSON(nil)
	if err != nil {
		t.Fatalf("AppendJSON: %v", err)
	}
	if bytes.ContainsAny(b, "\r\n") || !json.Valid(b) {
		t.Fatalf("not one line of JSON: %q", b)
	}
	items := readAll(t, string(b)+"\n", ReaderOptions{})
	if len(items) != 1 || items[0].Memory == nil {
		t.Fatalf("%s\ncame back as %+v", b, rejections(items))
	}
	got := *items[0].Memory
	if d := cmp.Diff(got, l, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-got +want):\n%s", b, d)
	}
	if !bytes.Equal(got.Metadata, l.Metadata) {
		t.Errorf("metadata %q came back as %q", l.Metadata, got.Metadata)
	}
	if again, _ := got.AppendJSON(nil); !bytes.Equal(again, b) {
		t.Errorf("written again as\n%s, want\n%s", again, b)
	}
}

func rejections(items []Item) (all []string) {
	for _, it := range items {
		if it.Rejected != nil {
			all = append(all, fmt.Sprintf("line %d: %s", it.Line, it.Rejected.Reason))
		}
	}
	return all
}

func TestRoundTripFull(t *testing.T) {
	checkRoundTrip(t, full())
	checkRoundTrip(t, Line{})
}

// TestMetadataWordForWord holds that metadata comes back byte for byte, whatever its form.
func TestMetadataWordForWord(t *testing.T) {
	for _, m := range []string{
		`{}`, `null`, `"x"`, `{"a" :  1.500e+01 ,"a":2}`, `[1,   2]`, `"<&>\u003c\/\ud800"`,
		"{\n  \"a\": \"b\\n\"\r\n}", ` {"a":1}`, "{}\n", "\r\n7\t",
		`{"b":"\u2028 raw: ` + "\u2028" + `"}`,
		`123456789012345678901234567890.00`, strings.Repeat("[", 64) + strings.Repeat("]", 64),
	} {
		l := Line{ID: id(1), Content: "x", Metadata: json.RawMessage(m)}
		checkRoundTrip(t, l)
		l.Metadata = nil
		l.Occurrences = []event.Occurrence{{ID: id(2), Metadata: []byte(m)}}
		checkRoundTrip(t, l)
	}
}

// TestMetadataReadable holds that people and other tools see metadata as JSON, in any form.
func TestMetadataReadable(t *testing.T) {
	l := Line{Content: "x", Metadata: json.RawMessage("{\n \"a\":\r\n1 }\n")}
	b, err := l.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"content":"x","metadata":{  "a":  1 },"metadata_base64":"ewogImEiOg0KMSB9Cg=="}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func TestRoundTripRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkRoundTrip(t, genLine().Draw(t, "line")) })
}

func genLine() *rapid.Generator[Line] {
	return rapid.Custom(func(t *rapid.T) Line {
		l := Line{
			ID: genID().Draw(t, "id"), Content: genText().Draw(t, "content"),
			Type: genText().Draw(t, "type"), Project: genText().Draw(t, "project"),
			Tags:      rapid.SliceOfN(genText(), 0, 4).Draw(t, "tags"),
			Metadata:  genJSON(2).Draw(t, "metadata"),
			CreatedAt: genTime().Draw(t, "created"), UpdatedAt: genTime().Draw(t, "updated"),
			Version:      rapid.Uint64().Draw(t, "version"),
			Aliases:      rapid.SliceOfN(genText(), 0, 3).Draw(t, "aliases"),
			SupersededBy: genID().Draw(t, "superseded"),
			Deleted:      rapid.Bool().Draw(t, "deleted"), Incomplete: rapid.Bool().Draw(t, "incomplete"),
			Extra: genExtra().Draw(t, "extra"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "occurrences") {
			l.Occurrences = append(l.Occurrences, event.Occurrence{
				ID: genID().Draw(t, "id"), CreatedAt: genTime().Draw(t, "created"),
				Metadata: genJSON(1).Draw(t, "metadata"), Extra: genExtra().Draw(t, "extra"),
				Tags: rapid.SliceOfN(genText(), 0, 2).Draw(t, "tags")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "links") {
			k := event.Link{From: l.ID, To: genID().Draw(t, "to"), Type: genText().Draw(t, "type")}
			if rapid.Bool().Draw(t, "incoming") {
				k.From, k.To = k.To, k.From
			}
			l.Links = append(l.Links, k)
		}
		return l
	})
}

func genID() *rapid.Generator[event.ID] {
	return rapid.Map(rapid.SliceOfN(rapid.Byte(), 15, 15), func(b []byte) event.ID {
		return event.ID(append([]byte{1}, b...))
	})
}

func genText() *rapid.Generator[string] {
	awkward := rapid.SampledFrom([]string{"\x00", "\n", "\r", "\"", "\\", "`", "\u2028", "\ufeff",
		"\u0085", "\ufffd", "\U0001F600", "e\u0301", "{", "</script>", "\x7f", "```\n# x"})
	return rapid.OneOf(rapid.String(), awkward, rapid.Map(rapid.SliceOf(awkward),
		func(s []string) string { return strings.Join(s, "") }))
}

func genTime() *rapid.Generator[time.Time] {
	first, last := at("0001-01-01T00:00:00Z"), at("9999-12-31T23:59:59.999999Z")
	return rapid.Map(rapid.Int64Range(first.UnixMicro(), last.UnixMicro()),
		func(us int64) time.Time { return time.UnixMicro(us).UTC() })
}

// genJSON makes JSON in all its forms, line breaks and odd numbers included; sometimes nothing.
func genJSON(depth int) *rapid.Generator[json.RawMessage] {
	return rapid.Custom(func(t *rapid.T) json.RawMessage {
		if rapid.IntRange(0, 3).Draw(t, "none") == 0 {
			return nil
		}
		return json.RawMessage(drawJSON(t, depth))
	})
}

func drawJSON(t *rapid.T, depth int) string {
	blank := rapid.SampledFrom([]string{"", "", " ", "\t", "\n", "\r\n"})
	b := func() string { return blank.Draw(t, "blank") }
	kind := rapid.IntRange(0, 4).Draw(t, "kind")
	switch {
	case kind == 0 && depth > 0:
		return b() + "[" + drawJSON(t, depth-1) + "," + drawJSON(t, depth-1) + "]" + b()
	case kind == 1 && depth > 0:
		key := quote(genText().Draw(t, "key"))
		return "{" + b() + key + b() + ":" + drawJSON(t, depth-1) + "}" + b()
	case kind == 2:
		return b() + quote(genText().Draw(t, "text"))
	default:
		return b() + rapid.SampledFrom([]string{"null", "true", "1.0", "-0", "1E+2", "{ }", "[]"}).
			Draw(t, "word") + b()
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func genExtra() *rapid.Generator[event.Extra] {
	values := rapid.SampledFrom([][]byte{
		{0x05}, {0x61, 'x'}, {0xf5}, {0x82, 1, 2}, {0xa1, 0x61, 'k', 1}})
	keys := rapid.StringMatching(`(x|y|é|"|\\){1,3}`)
	return rapid.Map(rapid.MapOfN(keys, values, 0, 3),
		func(m map[string][]byte) event.Extra { return m })
}

// TestMemoryThereAndBack holds that an event's memory survives its line.
func TestMemoryThereAndBack(t *testing.T) {
	want, err := full().Memory()
	if err != nil {
		t.Fatal(err)
	}
	links := []event.Link{
		{From: id(1), To: id(4), Type: "because"}, {From: id(4), To: id(1), Type: "x"}}
	l := FromMemory(want, Attached{Links: links, Occurrences: full().Occurrences,
		Deleted: true, Incomplete: true})
	if d := cmp.Diff(l, full()); d != "" {
		t.Errorf("line (-got +want):\n%s", d)
	}
	got, err := l.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("memory (-got +want):\n%s", d)
	}
	if got := FromMemory(want, Attached{Tags: []string{"z"}}).Tags; !cmp.Equal(got, []string{"z"}) {
		t.Errorf("tags %q, want those attached", got)
	}
}

func TestMemoryNormalises(t *testing.T) {
	l := Line{Tags: []string{"b", "a", "b"}, Aliases: []string{"2", "1", "1"},
		Metadata: json.RawMessage("17"), CreatedAt: at("2023-05-08T13:56:00.0000019Z")}
	got, err := l.Memory()
	l.Metadata[0] = '9'
	want := event.Memory{Tags: []string{"a", "b"}, Aliases: []string{"1", "2"},
		Metadata: []byte("17"), CreatedAt: at("2023-05-08T13:56:00.000001Z")}
	if d := cmp.Diff(got, want); d != "" || err != nil {
		t.Errorf("%v (-got +want):\n%s", err, d)
	}
	if l.Tags[0] != "b" {
		t.Error("Memory changed the line")
	}
	l = Line{Metadata: json.RawMessage{}}
	if m, err := l.Memory(); err != nil || m.Metadata != nil {
		t.Errorf("no metadata became %#v, %v", m.Metadata, err)
	}
}

// TestExtraCannotPassForAField holds that extra is never a way to smuggle other fields in.
func TestExtraCannotPassForAField(t *testing.T) {
	for name, x := range map[string]event.Extra{
		"a known field":  {"t": {0x61, 'x'}},
		"no CBOR":        {"z": {0xff}},
		"nothing":        {"z": {}},
		"two values":     {"z": {0x05, 0x05}},
		"a field behind": {"y": {0x05, 0x61, 't', 0x61, 'x'}, "z": {}},
	} {
		l := Line{Content: "x", Extra: x}
		if m, err := l.Memory(); err == nil {
			t.Errorf("%s: taken as %+v", name, m)
		}
		b, err := l.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		items := readAll(t, string(b), ReaderOptions{})
		if items[0].Rejected == nil || !strings.HasPrefix(items[0].Rejected.Reason, "extra: ") {
			t.Errorf("%s: line taken as %+v", name, items[0])
		}
		l = Line{Content: "x", Occurrences: []event.Occurrence{{ID: id(2), Extra: x}}}
		b, _ = l.AppendJSON(nil)
		if items := readAll(t, string(b), ReaderOptions{}); name != "a known field" &&
			items[0].Rejected == nil {
			t.Errorf("%s in an occurrence: taken as %+v", name, items[0].Memory)
		}
	}
}

func TestNotUTF8IsNotWritten(t *testing.T) {
	prefix := []byte("kept")
	for _, l := range []Line{
		{Content: "\xff"}, {Type: "\xff"}, {Tags: []string{"a", "\xc0"}}, {Aliases: []string{"\xff"}},
		{Occurrences: []event.Occurrence{{Tags: []string{"\xff"}}}},
		{Links: []event.Link{{Type: "\xff"}}}, {Extra: event.Extra{"\xff": {5}}},
		{Occurrences: []event.Occurrence{{Extra: event.Extra{"\xff": {5}}}}},
	} {
		if b, err := l.AppendJSON(prefix); err == nil || string(b) != "kept" {
			t.Errorf("%+v was written as %s, %v", l, b, err)
		}
	}
	l := Line{Content: "x", Metadata: json.RawMessage("\"\xff\"")}
	b, err := l.AppendJSON(nil)
	if want := `{"content":"x","metadata_base64":"Iv8i"}`; string(b) != want || err != nil {
		t.Errorf("got %s, %v; want %s", b, err, want)
	}
}

// record is a line of a record with every field set.
func record(t testing.TB) RecordLine {
	m, err := full().Memory()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := event.Encode(event.Envelope{Event: event.Stored{Memory: m}})
	if err != nil {
		t.Fatal(err)
	}
	return RecordLine{LogID: id(7), Mark: json.RawMessage(`{"created":{"format":1}}`),
		LogRecord: memory.LogRecord{
			Seq: 5, Time: at("2024-01-01T00:00:00.5Z"), Wall: at("2024-01-01T00:00:01Z"), Epoch: 2,
			Hash: strings.Repeat("0a", 32), RequestID: "r\"1", Group: "g", Client: "c", ClientVer: "1",
			Session: "s", Project: "p", User: "u", Host: "h", Reason: "wegen\n<b>",
			Events: []memory.LogEvent{
				{Kind: "stored", Raw: raw, Fields: map[string]any{"content": "<b>"}},
				{Kind: "deleted", Destroyed: true}},
		}}
}

func TestRecordThereAndBack(t *testing.T) {
	lost := RecordLine{LogID: id(7), LogRecord: memory.LogRecord{Seq: 6, Lost: true}}
	for _, want := range []RecordLine{record(t), lost} {
		b, err := want.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		items := readAll(t, string(b), ReaderOptions{})
		if len(items) != 1 || items[0].Record == nil {
			t.Fatalf("%s\ncame back as %v", b, rejections(items))
		}
		for i := range want.Events {
			want.Events[i].Fields = nil
		}
		if d := cmp.Diff(*items[0].Record, want); d != "" {
			t.Errorf("%s (-got +want):\n%s", b, d)
		}
	}
}

func TestRecordWithoutEncodingIsNotWritten(t *testing.T) {
	r := record(t)
	r.Events[0].Raw = nil
	if b, err := r.AppendJSON(nil); err == nil {
		t.Errorf("written as %s", b)
	}
}

// TestLargeRecordLeavesFieldsOut holds that what people read never makes a record unreadable.
func TestLargeRecordLeavesFieldsOut(t *testing.T) {
	r := record(t)
	for _, over := range []int{0, 1} {
		r.Events[0].Raw = make([]byte, MaxFields+over)
		b, err := r.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := bytes.Contains(b, []byte(`"fields"`)), over == 0; got != want {
			t.Errorf("%d bytes over MaxFields: fields written: %t", over, got)
		}
	}
}
