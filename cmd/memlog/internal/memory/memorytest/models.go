package memorytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// modelPoll is how often the suite looks how far vectors have come: there is no call that waits.
const modelPoll = 5 * time.Millisecond

// embedder serves models of a few words until the test ends, and returns its address.
func (s *suite) embedder() string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a struct{ Input []string }
		if b, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(b, &a) != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		out := make([][]float32, len(a.Input))
		for i, text := range a.Input {
			out[i] = []float32{0, 0, .1}
			for word := range strings.FieldsSeq(text) {
				switch word {
				case "kitten", "feline":
					out[i][0]++
				case "truck", "vehicle":
					out[i][1]++
				}
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"embeddings": out})
	}))
	s.Cleanup(server.Close)
	return server.URL + "/api/embed"
}

func (s *suite) addModel(url, name string) memory.ModelInfo {
	s.Helper()
	return must[memory.ModelInfo](s)(s.svc.ModelAdd(s.ctx,
		memory.ModelAddRequest{Server: url, Model: "m", Name: name}))
}

func (s *suite) useModel(name string) memory.ModelsResult {
	s.Helper()
	return must[memory.ModelsResult](s)(s.svc.ModelUse(s.ctx, memory.ModelUseRequest{Name: name}))
}

func (s *suite) models() memory.ModelsResult {
	s.Helper()
	return must[memory.ModelsResult](s)(s.svc.Models(s.ctx))
}

// served waits until searches use a model of which no memory lacks a vector.
func (s *suite) served(name string, memories int) memory.ModelsResult {
	s.Helper()
	for {
		r := s.models()
		if r.Serving == name && r.Active == name && r.Lacking == 0 && r.Memories == memories {
			return r
		}
		select {
		case <-s.ctx.Done():
			s.Fatalf("model %s never served: %+v", name, r)
		case <-time.After(modelPoll):
		}
	}
}

// meant returns the content of the best hit by meaning. The suite measures no time: where a model
// took longer than a search waits, it asks again.
func (s *suite) meant(query string) string {
	s.Helper()
	for {
		r := must[memory.SearchResult](s)(s.svc.Search(s.ctx,
			memory.SearchRequest{Query: query, Mode: memory.ModeVector}))
		if len(r.Notes) == 0 && len(r.Hits) > 0 {
			return r.Hits[0].Content
		}
		if s.ctx.Err() != nil {
			s.Fatalf("%q: notes %q, %d hits", query, r.Notes, len(r.Hits))
		}
	}
}

func testModels(s *suite) {
	if r := s.models(); r.Models == nil || len(r.Models) > 0 || r.Active+r.Serving+r.Error != "" {
		s.Fatalf("a fresh store: %+v", r)
	}
	url := s.embedder()
	s.add("the kitten sleeps")
	s.add("a truck was bought")
	var one memory.ModelInfo
	s.unmoved("models are no commands", func() {
		one = s.addModel(url, "")
		if one.Name != "m" || one.Kind != memory.ModelServer || one.Server != url || one.Model != "m" ||
			one.Dims != 3 || one.Identity == "" || one.Active || one.Serving || one.Vectors != 0 {
			s.Fatalf("%+v", one)
		}
		if again := s.addModel(url, "m"); again != one {
			s.Fatalf("the same again: %+v, %+v", again, one)
		}
	})
	before := s.state()
	if r := s.useModel("m"); r.Active != "m" || r.Memories != 2 || len(r.Models) != 1 {
		s.Fatalf("%+v", r)
	}
	if m := s.served("m", 2).Models[0]; !m.Active || !m.Serving || m.Vectors != 2 {
		s.Fatalf("%+v", m)
	}
	if s.state() != before {
		s.Fatal("vectors changed the state")
	}
	for query, want := range map[string]string{"feline": "the kitten sleeps",
		"vehicle": "a truck was bought"} {
		if got := s.meant(query); got != want {
			s.Fatalf("%s found %q", query, got)
		}
	}
	id := s.add("another feline came")
	s.served("m", 3)
	must[memory.Change](s)(s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: []string{id}}))
	s.served("m", 2)
	if r := s.useModel(memory.ModelNone); r.Active+r.Serving != "" || len(r.Models) != 1 ||
		r.Models[0].Vectors != 2 {
		s.Fatalf("none: %+v", r)
	}
	_, err := s.svc.Search(s.ctx, memory.SearchRequest{Query: "x", Mode: memory.ModeVector})
	s.refused("vectors without a model", err, memory.CodeInvalid, "mode")
	must[memory.VerifyResult](s)(s.svc.Verify(s.ctx, memory.VerifyRequest{Deep: true}))
}

// Vectors are records of nobody's: undo takes back what a user did.
func testModelsUndo(s *suite) {
	s.addModel(s.embedder(), "")
	s.useModel("m")
	id := s.add("the kitten sleeps")
	s.served("m", 1)
	if u := must[memory.UndoResult](s)(s.svc.Undo(s.ctx, memory.UndoRequest{})); len(u.Affected) != 1 {
		s.Fatalf("%+v", u)
	}
	s.gone(id)
	s.served("m", 0)
	must[memory.UndoResult](s)(s.svc.Undo(s.ctx, memory.UndoRequest{Seq: s.lastOf("undone")}))
	s.served("m", 1)
	if got := s.meant("feline"); got != "the kitten sleeps" {
		s.Fatalf("found %q", got)
	}
}

// lastOf returns the number of the last record with an event of a kind.
func (s *suite) lastOf(kind string) (last memory.Seq) {
	s.Helper()
	for r, err := range s.svc.Log(s.ctx, memory.LogRequest{Kind: kind}) {
		if err != nil {
			s.Fatal(err)
		}
		last = r.Seq
	}
	return last
}

// Searches use the model before until another is whole; one that is used is not replaced.
func testModelsChange(s *suite) {
	url, other := s.embedder(), s.embedder()
	s.add("the kitten sleeps")
	s.addModel(url, "one")
	s.useModel("one")
	s.served("one", 1)
	s.unmoved("another model under a name in use", func() {
		_, err := s.svc.ModelAdd(s.ctx, memory.ModelAddRequest{Server: other, Model: "m", Name: "one"})
		s.refused("another model under a name in use", err, memory.CodeConflict, "*")
	})
	s.addModel(other, "two")
	if r := s.useModel("two"); r.Active != "two" || r.Serving == "" {
		s.Fatalf("%+v", r)
	}
	s.served("two", 1)
	s.addModel(other, "one") // nobody uses it now
	names := []string{}
	for _, m := range s.models().Models {
		names = append(names, m.Name)
	}
	if !slices.Equal(names, []string{"one", "two"}) {
		s.Fatalf("models %q", names)
	}
	for n := len(names); n < memory.MaxModels; n++ {
		s.addModel(url, fmt.Sprint("model", n))
	}
	_, err := s.svc.ModelAdd(s.ctx, memory.ModelAddRequest{Server: url, Model: "m", Name: "more"})
	s.refused("one model more than there may be", err, memory.CodeConflict, "*")
}

func testModelsRefused(s *suite) {
	url := s.embedder()
	silent := httptest.NewServer(http.NotFoundHandler())
	s.Cleanup(silent.Close)
	empty := s.TempDir()
	long := strings.Repeat("n", memory.MaxModelName+1)
	server := func(url string) memory.ModelAddRequest {
		return memory.ModelAddRequest{Server: url, Model: "m"}
	}
	named := func(name string) memory.ModelAddRequest {
		return memory.ModelAddRequest{Server: url, Model: "m", Name: name}
	}
	keyed := func(file string) memory.ModelAddRequest {
		return memory.ModelAddRequest{Server: url, Model: "m", KeyFile: file}
	}
	s.add("something")
	s.unmoved("refused models", func() {
		for what, c := range map[string]struct {
			arg string
			r   memory.ModelAddRequest
		}{
			"nothing":             {"dir", memory.ModelAddRequest{}},
			"a folder and server": {"dir", memory.ModelAddRequest{Dir: empty, Server: url, Model: "m"}},
			"a relative folder":   {"dir", memory.ModelAddRequest{Dir: "models"}},
			"an empty folder":     {"dir", memory.ModelAddRequest{Dir: empty}},
			"no folder":           {"dir", memory.ModelAddRequest{Dir: filepath.Join(empty, "missing")}},
			"a key of a folder":   {"dir", memory.ModelAddRequest{Dir: empty, KeyEnv: "KEY"}},
			"no model's name":     {"name", memory.ModelAddRequest{Server: url}},
			"a name with a space": {"name", named("a b")},
			"the name none":       {"name", named("none")},
			"a long name":         {"name", named(long)},
			"a relative key file": {"key_file", keyed("k")},
			"no key file":         {"server", keyed(filepath.Join(empty, "missing"))},
			"no address":          {"server", server("here")},
			"another address":     {"server", server("http://localhost/")},
			"no such page":        {"server", server(silent.URL + "/api/embed")},
			"negative dimensions": {"server", memory.ModelAddRequest{Server: url, Model: "m", Dims: -1}},
		} {
			_, err := s.svc.ModelAdd(s.ctx, c.r)
			s.refused(what, err, memory.CodeInvalid, c.arg)
		}
		for _, name := range []string{"", "nobody", strings.Repeat("n", 10_000)} {
			_, err := s.svc.ModelUse(s.ctx, memory.ModelUseRequest{Name: name})
			s.refused("a model that is not there", err, memory.CodeNotFound, "name")
		}
	})
	if r := s.models(); len(r.Models) > 0 || r.Active != "" {
		s.Fatalf("what was refused is there: %+v", r)
	}
}
