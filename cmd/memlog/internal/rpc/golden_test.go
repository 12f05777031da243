package rpc

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/memory"
)

var update = flag.Bool("update", false, "write the golden files anew")

// samples are conversations whose every byte is kept in testdata/wire.txt. What changes there
// changes the protocol: programs of two versions meet on one socket.
func samples() []struct{ name, request string } {
	when := time.Date(2024, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600))
	id := filled[memory.ID]()
	body := func(method string, q any, headers ...string) string {
		text := appendJSON(nil, q)
		return fmt.Sprintf("POST /v1/%s HTTP/1.1\r\nHost: memlog\r\nConnection: close\r\n%s"+
			"Content-Length: %d\r\n\r\n%s", method, strings.Join(headers, ""), len(text), text)
	}
	line := func(f frame) string { return string(appendFrame(nil, f)) }
	source := line(frame{Request: appendJSON(nil, memory.ImportRequest{Name: "f"})}) +
		line(frame{Chunk: 6}) + "{\"a\"}\n" + line(frame{End: true})
	return []struct{ name, request string }{
		{"hello", "GET /v1/hello HTTP/1.1\r\nHost: memlog\r\nConnection: close\r\n\r\n"},
		{"search", body("search", memory.SearchRequest{Query: "wal & \"log\"\n", Limit: 3,
			Filter: memory.Filter{Tags: []string{}, Since: when}, AsOf: memory.Moment{Seq: 1 << 60},
			Mode: memory.ModeExact})},
		{"store what JSON cannot say", body("store", memory.StoreRequest{
			Memories: []memory.NewMemory{{
				ID: id, Content: "a\xff", Metadata: json.RawMessage(`{ "b" : 1.0 }`),
				CreatedAt: time.Date(-44, 3, 15, 0, 0, 0, 0, time.UTC)}}})},
		{"history", body("history", byName{id.String()})},
		{"an answer of a result and an error", body("undo", memory.UndoRequest{Last: 2})},
		{"progress", body("rebuild", memory.RebuildRequest{}, headerProgress+": 1\r\n")},
		{"metrics", body("metrics", memory.MetricsRequest{Hours: 24})},
		{"models", body("models", nothing{})},
		{"a model in use", body("model-use", memory.ModelUseRequest{Name: "small"})},
		{"log", body("log", memory.LogRequest{From: 1, Follow: true})},
		{"export", body("export", memory.ExportRequest{Events: true})},
		{"import", fmt.Sprintf("POST /v1/import HTTP/1.1\r\nHost: memlog\r\nConnection: close\r\n"+
			"Content-Length: %d\r\n\r\n%s", len(source), source)},
		{"an unknown field", body("get", struct {
			Asof string `json:"asof"`
		}{"x"})},
		{"an unknown method", body("of-tomorrow", nothing{})},
		{"another owner's client", body("stats", nothing{}, headerInstance+": another\r\n")},
	}
}

func TestGoldenWire(t *testing.T) {
	s, path := serve(t, &fake{plain: true}, ServerOptions{Info: Info{Build: "v1", Format: 1,
		Store: "/store", PID: 42, Since: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}})
	date := regexp.MustCompile(`Date: [^\r]*`)
	var b strings.Builder
	for _, c := range samples() {
		answer, err := io.ReadAll(raw(t, path, c.request))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		text := date.ReplaceAllString(string(answer), "Date: (then)")
		text = strings.ReplaceAll(text, s.instance, "(instance)")
		fmt.Fprintf(&b, "# %s\n%s\n%s\n", c.name, visible(c.request, "> "), visible(text, "< "))
	}
	const name = "testdata/wire.txt"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b.String(), string(want)); d != "" {
		t.Errorf("the wire has changed (-got +want); -update writes it anew:\n%s", d)
	}
}

// visible shows a conversation a line each, with what is no text in Go's notation.
func visible(text, mark string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		line = fmt.Sprintf("%q", strings.TrimSuffix(line, "\r"))
		line = strings.ReplaceAll(line[1:len(line)-1], `\"`, `"`)
		b.WriteString(mark + line + "\n")
	}
	return b.String()
}
