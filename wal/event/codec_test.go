package event

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
)

func id(n byte) ID { return ID{0: 1, 6: 0x70, 8: 0x80, 15: n} }

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func whole() Memory {
	return Memory{
		ID: id(1), Version: 3, Content: "grüße\nzeile", Type: "note", Project: "memlog",
		Tags: []string{"a", "b"}, Metadata: []byte(`{"n": 1.50}`),
		CreatedAt: at("2023-05-08T13:56:00.000001Z"), UpdatedAt: at("1914-07-28T00:00:00Z"),
		Aliases: []string{"sha:1"}, SupersededBy: id(2),
	}
}

// every is one event of each kind, by the name of its golden file.
func every() map[string]Envelope {
	m := whole()
	link := Link{From: id(1), To: id(2), Type: "because"}
	return map[string]Envelope{
		"stored":    {Event: Stored{m}, Request: bytes.Repeat([]byte{7}, RequestHashSize)},
		"minimal":   {Event: Stored{Memory{ID: id(9), Version: 1}}},
		"updated":   {Event: Updated{m}},
		"reverted":  {Event: Reverted{m}},
		"restored":  {Event: Restored{m}},
		"deleted":   {Event: Deleted{ID: id(1), SupersededBy: id(2)}},
		"retracted": {Event: Retracted{ID: id(1)}},
		"repeated": {Event: Repeated{ID: id(1), Tags: []string{"b"}, Occurrence: Occurrence{
			ID: id(5), CreatedAt: m.CreatedAt, Metadata: []byte("[]"), Tags: []string{"a", "b"}}}},
		"unrepeated": {Event: Unrepeated{ID: id(1), Occurrence: id(5), Tags: []string{"b"}}},
		"linked":     {Event: Linked{link}},
		"unlinked":   {Event: Unlinked{link}},
		"undone":     {Event: Undone{Seqs: []uint64{4, 9}, Redone: []uint64{2}}},
		"digested":   {Event: Digested{Version: 1, Seq: 12, Digest: bytes.Repeat([]byte{3}, 32)}},
		"embedded": {Event: Embedded{ID: id(1), Version: 2, Model: "m", Encoding: 1,
			Vector: []byte{1, 2}}},
	}
}

// TestGolden holds every encoding of format version 1 against the files that were written once.
// There is no -update: a file here is never changed, only added.
func TestGolden(t *testing.T) {
	seen := map[Kind]bool{}
	for name, want := range every() {
		path := filepath.Join("testdata", "v1", name+".cbor")
		golden, err := os.ReadFile(path)
		if os.IsNotExist(err) && os.Getenv("MEMLOG_NEW_GOLDEN") != "" {
			golden, _ = Encode(want)
			err = os.WriteFile(path, golden, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(golden)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
		again, err := Encode(got)
		if err != nil || !bytes.Equal(again, golden) {
			t.Errorf("%s: encoded again as %x, %v; want %x", name, again, err, golden)
		}
		seen[want.Event.Kind()] = true
	}
	for k := range bodies {
		if !seen[k] {
			t.Errorf("no golden encoding of kind %s", k)
		}
	}
}

func TestNewerVersionSurvives(t *testing.T) {
	newer := map[string]any{"k": "rated", "i": true, "b": map[string]any{"stars": 5}, "z": 1}
	raw, _ := encMode.Marshal(newer)
	e, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	u, ok := e.Event.(Unknown)
	if !ok || u.Name != "rated" || !u.Ignorable {
		t.Fatalf("got %#v, want an ignorable Unknown of kind rated", e.Event)
	}
	if again, _ := Encode(e); !bytes.Equal(again, raw) {
		t.Errorf("unknown kind came back as %x, want %x", again, raw)
	}

	body := map[string]any{"id": id(1), "v": 1, "c": "x", "mood": []int{1}}
	known := map[string]any{"k": "stored", "b": body, "sig": "s"}
	raw, _ = encMode.Marshal(known)
	e, err = Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	m := e.Event.(Stored).Memory
	if len(m.Extra["mood"]) == 0 || len(e.Top["sig"]) == 0 {
		t.Fatalf("unknown fields are gone: %#v", e)
	}
	if again, _ := Encode(e); !bytes.Equal(again, raw) {
		t.Errorf("unknown fields came back as %x, want %x", again, raw)
	}
	b, _ := EncodeMemory(m)
	if back, err := DecodeMemory(b); err != nil || !cmp.Equal(back, m) {
		t.Errorf("memory with unknown fields: %#v, %v", back, err)
	}
}

func TestMalformed(t *testing.T) {
	enc := func(v any) []byte { b, _ := cbor.Marshal(v); return b }
	for name, b := range map[string][]byte{
		"empty":        nil,
		"no map":       enc(7),
		"no kind":      enc(map[string]any{"b": map[string]any{}}),
		"no body":      enc(map[string]any{"k": "stored"}),
		"no id":        enc(map[string]any{"k": "stored", "b": map[string]any{"v": 1}}),
		"short id":     enc(map[string]any{"k": "deleted", "b": map[string]any{"id": []byte{1}}}),
		"text version": enc(map[string]any{"k": "stored", "b": map[string]any{"id": id(1), "v": "1"}}),
		"year 10000": enc(map[string]any{"k": "stored",
			"b": map[string]any{"id": id(1), "n": int64(1) << 60}}),
		"invalid utf-8": append([]byte{0xa1, 0x61, 'k', 0x66}, "store\xff"...),
		"indefinite":    {0xbf, 0xff},
	} {
		if e, err := Decode(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %#v, %v; want ErrMalformed", name, e, err)
		}
	}
	huge := Envelope{Event: Stored{Memory{ID: id(1), Content: strings.Repeat("x", MaxEvent)}}}
	if _, err := Encode(huge); err == nil {
		t.Error("an event over MaxEvent was encoded")
	}
}

func TestIDs(t *testing.T) {
	want := "01890a5d-ac96-774b-bcce-b302099a8057"
	got, err := ParseID(strings.ToUpper(want))
	if err != nil || got.String() != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	for _, bad := range []string{"", "x", "{" + want[:34] + "}", "urn:uuid:" + want, want + "0"} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("ParseID(%q) took it", bad)
		}
	}
	if a, b := NewID(), NewID(); bytes.Compare(a[:], b[:]) >= 0 {
		t.Errorf("ids do not rise: %s then %s", a, b)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range every() {
		b, _ := Encode(e)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sameAsFields(t, b)
		e, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		again, err := Encode(e)
		if err != nil {
			t.Fatalf("decoded but not encoded: %v", err)
		}
		e2, err := Decode(again)
		if err != nil || !cmp.Equal(e2, e) {
			t.Fatalf("decoded as %#v, then as %#v (%v)", e, e2, err)
		}
	})
}

// TestDerivedID holds ids that other programs' names led to before: they never change.
func TestDerivedID(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"mcp-memory-service", "h1"}, "18fdead9-f957-8675-abec-629183169506"},
		{[]string{"a", "bc"}, "40191da8-bbd0-89fe-adb8-d5511b7d1e81"},
		{[]string{"ab", "c"}, "fc32752f-4511-8289-a290-3ac934bf9de3"},
		{nil, "fc9c7216-1b3f-851f-91ab-a4963cbb8989"},
	} {
		if got := DerivedID(c.names...).String(); got != c.want {
			t.Errorf("%q: %s, want %s", c.names, got, c.want)
		}
	}
}
