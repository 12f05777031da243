package mcpserver

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// membersOf is the reference: what encoding/json reads.
func membersOf(t *testing.T, text []byte) []string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var out []string
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
		out = append(out, name.(string), string(value))
	}
	return out
}

func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, ` { } `, `{"a":1}`, `{"a" : -1.5e7 ,"b":[1,"]",{"c":"}"}] , "d":{}}`,
		`{"a":"\\","b":"\"","c":"\\\"x","d":null,"e":true}`, `{"a\"":1}`, `{"":"","é":"😀"}`, `[1]`, `7`,
		"{\"a\":[ ]\r\n,\t\"b\":\"\"}", `{"a":"x\\\\","b":"\\\\\\\""}`, `{"a":{"b":[]},"c":0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			t.Skip()
		}
		var got []string
		all := members(text, func(name string, value []byte) bool {
			got = append(got, name, string(value))
			return true
		})
		if trimmed := bytes.TrimSpace(text); trimmed[0] != '{' {
			if all || got != nil {
				t.Fatalf("%q is no object and has members %q", text, got)
			}
			return
		}
		want := membersOf(t, text)
		if !all { // as far as it was read
			want = want[:len(got)]
		}
		// A name that is no UTF-8 is read as it stands here, and mended there.
		for i := 0; i < len(want); i += 2 {
			got[i] = strings.ToValidUTF8(got[i], "\ufffd")
			want[i] = strings.ToValidUTF8(want[i], "\ufffd")
		}
		g, w := strings.Join(got, "\n"), strings.Join(want, "\n")
		if strings.ContainsRune(g+w, '\ufffd') {
			return
		}
		if len(got) != len(want) || g != w {
			t.Fatalf("members of %q are %q, want %q", text, got, want)
		}
		if !all && !bytes.Contains(text, []byte(`\`)) && strings.Count(string(text), "[")+
			strings.Count(string(text), "{") < maxDepth {
			t.Fatalf("%q was not read to its end", text)
		}
	})
}

func TestMembersStopAtDepth(t *testing.T) {
	for depth, want := range map[int]bool{maxDepth: true, maxDepth + 1: false} {
		text := `{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`
		if got := members([]byte(text), func(string, []byte) bool { return true }); got != want {
			t.Errorf("nested %d deep: read %v, want %v", depth, got, want)
		}
	}
}
