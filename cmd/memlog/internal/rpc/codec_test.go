package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"memlog/cmd/memlog/internal/memory"
)

// contractTypes returns the types that the methods of the service take and return.
func contractTypes() map[string]reflect.Type {
	svc := reflect.TypeFor[memory.Service]()
	out := map[string]reflect.Type{
		"LogRecord": reflect.TypeFor[memory.LogRecord](), "Hello": reflect.TypeFor[Hello]()}
	skip := []reflect.Type{reflect.TypeFor[error](), reflect.TypeFor[context.Context](),
		reflect.TypeFor[io.Reader](), reflect.TypeFor[io.Writer](), reflect.TypeFor[string]()}
	for i := range svc.NumMethod() {
		m := svc.Method(i)
		var all []reflect.Type
		for j := range m.Type.NumIn() {
			all = append(all, m.Type.In(j))
		}
		for j := range m.Type.NumOut() {
			all = append(all, m.Type.Out(j))
		}
	types:
		for _, t := range all {
			for _, s := range skip {
				if t == s || t.Kind() == reflect.Func {
					continue types
				}
			}
			out[t.String()] = t
		}
	}
	return out
}

// sameValue compares what was sent with what came, bit for bit but for the pointers in time zones.
var sameValue = cmp.Options{
	cmp.Comparer(func(a, b time.Time) bool {
		_, ao := a.Zone()
		_, bo := b.Zone()
		return a.Equal(b) && ao == bo
	}),
	cmp.Comparer(func(a, b memory.Progress) bool { return (a == nil) == (b == nil) }),
	cmpopts.EquateNaNs(),
}

func TestNoFieldIsLost(t *testing.T) {
	types := contractTypes()
	if len(types) < 40 {
		t.Fatalf("only %d types found", len(types))
	}
	for name, typ := range types {
		if err := canCarry(typ); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for kind, prepare := range map[string]func(reflect.Value){
			"zero": func(reflect.Value) {}, "full": new(filler).fill, "empty": empty} {
			sent := reflect.New(typ)
			prepare(sent.Elem())
			text := appendJSON(nil, sent.Elem().Interface())
			if strings.ContainsAny(string(text), "\n\r") || !json.Valid(text) {
				t.Fatalf("%s %s is no line of JSON: %s", kind, name, text)
			}
			got := reflect.New(typ)
			if err := decode(text, got.Interface(), true); err != nil {
				t.Fatalf("%s %s: %v\n%s", kind, name, err, text)
			}
			if d := cmp.Diff(got.Elem().Interface(), sent.Elem().Interface(), sameValue); d != "" {
				t.Errorf("%s %s (-got +sent):\n%s", kind, name, d)
			}
		}
	}
}

// TestOddValues carries what encoding/json would lose or refuse.
func TestOddValues(t *testing.T) {
	type odd struct {
		Time  time.Time       `json:"time"`
		Tags  *[]string       `json:"tags"`
		Raw   json.RawMessage `json:"raw"`
		Float float64         `json:"float"`
		Any   map[string]any  `json:"any"`
	}
	var none []string
	when := time.Date(2024, 2, 3, 4, 5, 6, 7, time.UTC)
	for name, sent := range map[string]odd{
		"the far future":        {Time: time.Date(250_000, 1, 2, 3, 4, 5, 6, time.UTC)},
		"before the era":        {Time: time.Date(-44, 3, 15, 0, 0, 0, 1, time.UTC)},
		"a pointer to nil":      {Tags: &none},
		"a pointer to nothing":  {Tags: &[]string{}},
		"null":                  {Raw: json.RawMessage("null")},
		"nothing":               {Raw: json.RawMessage{}},
		"deep":                  {Raw: json.RawMessage(strings.Repeat("[", 100_000))},
		"not a number":          {Float: math.NaN()},
		"infinite":              {Float: math.Inf(-1)},
		"JSON among any values": {Any: map[string]any{"m": json.RawMessage("{ \"a\" : 1.0 }")}},
		"any values": {Any: map[string]any{"s": "\xff", "n": json.Number("1e400"), "b": true,
			"l": []any{nil, "x", map[string]any{"$raw": "a", "b": "c"}}}},
	} {
		var got odd
		if err := decode(appendJSON(nil, sent), &got, true); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(got, sent, sameValue); d != "" {
			t.Errorf("%s (-got +sent):\n%s", name, d)
		}
	}
	id := filled[memory.ID]()
	var got map[string]any
	if err := decode(appendJSON(nil, map[string]any{"id": id, "at": when, "tags": []string{"a"},
		"n": uint64(math.MaxUint64)}), &got, true); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"id": id.String(), "at": "2024-02-03T04:05:06.000000007Z",
		"tags": []any{"a"}, "n": json.Number("18446744073709551615")}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("types that the other side cannot know (-got +want):\n%s", d)
	}
}

func TestRequestsAreStrict(t *testing.T) {
	for name, body := range map[string]string{
		"an unknown field": `{"query":"x","untl":1}`, "two values": `{} {}`, "nothing": ``,
		"half": `{"query":"x`, "an open escape": `{"query":"\`,
		"a half letter": "{\"query\":\"\xc3\"}",
		"half a pair":   `{"query":"\ud83d"}`, "a wrong pair": `{"query":"\ud83d\u0041"}`,
		"a wrong type": `{"limit":"x"}`, "too large": `{"limit":9223372036854775808}`,
		"no escape": `{"query":"\x"}`, "a bare line end": "{\"query\":\"\n\"}",
		"a comma": `{"query":"x",}`, "no colon": `{"query" "x"}`, "no number": `{"limit":-}`,
		"a list": `[]`, "null": `null`, "no base64": `{"query":{"$bytes":"!"}}`,
		"a wrong object": `{"query":{"text":""}}`, "no time": `{"filter":{"since":"now"}}`,
		"no unix time": `{"filter":{"since":"unix:x.1"}}`, "half a word": `{"explain":tru}`,
	} {
		var q memory.SearchRequest
		err := decodeRequest([]byte(body), &q)
		if memory.CodeOf(err) != memory.CodeInvalid {
			t.Errorf("%s: %v, decoded %+v", name, err, q)
		}
	}
	var q memory.SearchRequest
	err := decodeRequest([]byte(`{"untl":1}`), &q)
	if e, ok := err.(*memory.Error); !ok || e.Arg != "untl" || e.Hint == "" {
		t.Errorf("unknown field: %#v", err)
	}
	if err := decode([]byte(`{"query":"x","new":{"a":[1,{"b":null}]}}`), &q, false); err != nil ||
		q.Query != "x" {
		t.Errorf("an answer with something new: %+v, %v", q, err)
	}
	many := "[" + strings.Repeat("{},", maxItems) + "{}]"
	if err := decode([]byte(many), new([]memory.NewMemory), true); err == nil {
		t.Error("a list over the limit was taken")
	}
	deep := strings.Repeat("[", maxDepth+1)
	if err := decode([]byte(deep), new(any), false); err == nil ||
		!strings.Contains(err.Error(), "nested") {
		t.Errorf("deep: %v", err)
	}
}

// FuzzDecode holds the scanner against encoding/json: it takes nothing that is no JSON, and reads
// what both take alike.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e3,"x\u00e9\ud83e\udde0\n",true,null,{"$raw":"{}"}]}`))
	f.Add(appendJSON(nil, filled[memory.Memory]()))
	f.Add(appendJSON(nil, filled[memory.StoreRequest]()))
	f.Fuzz(func(t *testing.T, data []byte) {
		var q, again memory.StoreRequest
		if err := decode(data, &q, true); err == nil {
			text := appendJSON(nil, q)
			if err := decode(text, &again, true); err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if second := appendJSON(nil, again); !bytes.Equal(second, text) {
				t.Fatalf("written again: %s, want %s", second, text)
			}
		}
		d := scanner{data: data}
		if d.skip() != nil || d.end() != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("took %q, which is no JSON", data)
		}
	})
}
