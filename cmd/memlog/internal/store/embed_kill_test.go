package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// embedTexts is how many memories TestEmbedKill has, embedRounds how often it kills their embedder.
const (
	embedTexts  = 400
	embedRounds = 5
)

// embedder serves models that tell cats from cars. Model two is slow, and says when it was asked.
type embedder struct {
	asked chan struct{} // once for each request of model two

	mu    sync.Mutex
	texts map[string]int // mu guards: how often model two was asked for each
}

func (e *embedder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var a struct {
		Model string
		Input []string
	}
	if b, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(b, &a) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	out := make([][]float32, len(a.Input))
	for i, text := range a.Input {
		out[i] = []float32{0, 0, 1}
		if strings.Contains(text, "cat") || strings.Contains(text, "feline") {
			out[i] = []float32{1, 0, 0}
		}
	}
	if a.Model == "two" && len(a.Input) > 1 { // no probe
		e.mu.Lock()
		for _, text := range a.Input {
			e.texts[text]++
		}
		e.mu.Unlock()
		e.asked <- struct{}{}
		time.Sleep(20 * time.Millisecond)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"embeddings": out})
}

// embedChild opens a store, which has vectors made, and answers a search for each line it is told.
func embedChild(dir, _ string, say *teller) error {
	s, err := store.Open(context.Background(), dir, store.Options{Holder: "embed"})
	if err != nil {
		return err
	}
	say.say("open")
	var line string
	for {
		if _, err := fmt.Scanln(&line); err != nil {
			return err
		}
		r, err := searchPatiently(s, "feline")
		if err != nil {
			return err
		}
		m, err := s.Models(context.Background())
		if err != nil {
			return err
		}
		say.say("found %q notes %q by %s of %d, %d lacking", r.Hits[0].Content, r.Notes, m.Serving,
			m.Memories, m.Lacking)
	}
}

// searchPatiently searches by meaning. Where the machine is busy, a model takes longer than a search
// waits for it, which is not what is tested.
func searchPatiently(s *store.Store, query string) (r memory.SearchResult, err error) {
	for range 20 {
		r, err = s.Search(context.Background(),
			memory.SearchRequest{Query: query, Mode: memory.ModeVector})
		if err != nil || !strings.Contains(fmt.Sprint(r.Notes), "did not answer within") {
			break
		}
	}
	return r, err
}

// TestEmbedKill kills a process that changes from one model to another, over and over: the model
// before it answers until all is there, what was made is not made again, and no vector is in the
// log twice or missing.
func TestEmbedKill(t *testing.T) {
	e := &embedder{asked: make(chan struct{}, embedTexts), texts: map[string]int{}}
	server := httptest.NewServer(e)
	defer server.Close()
	dir := t.TempDir()
	embedBefore(t, dir, server.URL+"/api/embed")
	lacking := embedTexts
	for round := range embedRounds {
		c := start(t, "embed", dir, "")
		c.expect("open")
		for range 1 + round%3 { // into the middle of a request, before or behind a record
			<-e.asked
		}
		fmt.Fprintln(c.in, "search")
		var now int
		if _, err := fmt.Sscanf(c.expect("found"),
			`found "the cat sleeps" notes [] by one of 400, %d lacking`, &now); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if now > lacking {
			t.Fatalf("round %d: %d lack a vector, %d did before", round, now, lacking)
		}
		lacking = now
		c.kill()
	}
	if lacking == 0 || lacking == embedTexts {
		t.Fatalf("%d lack a vector: nothing was killed in the middle", lacking)
	}
	s := openStore(t, dir, store.Options{})
	embedWhole(t, s, "two")
	made := map[string]int{}
	for r, err := range s.Log(context.Background(), memory.LogRequest{Kind: "embedded"}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range r.Events {
			made[fmt.Sprint(ev.Fields["model"], ev.Fields["id"], ev.Fields["version"])]++
		}
	}
	if len(made) != 2*embedTexts {
		t.Errorf("%d vectors in the log, want %d", len(made), 2*embedTexts)
	}
	for v, n := range made {
		if n > 1 {
			t.Fatalf("%s is in the log %d times", v, n)
		}
	}
	// What was under way at a kill is at most one record's memories.
	again := 0
	for _, n := range e.texts {
		again += n - 1
	}
	if len(e.texts) != embedTexts || again > 64*embedRounds {
		t.Errorf("%d texts were embedded, and %d again", len(e.texts), again)
	}
	verified(t, s)
}

// embedBefore makes a store whose vectors are of model one, and which is told to use model two.
func embedBefore(t *testing.T, dir, url string) {
	t.Helper()
	s := openStore(t, dir, store.Options{})
	ms := []memory.NewMemory{{Content: "the cat sleeps"}}
	for i := range embedTexts - 1 {
		ms = append(ms, memory.NewMemory{Content: fmt.Sprintf("car number %d", i)})
	}
	ctx := context.Background()
	if _, err := s.Store(ctx, memory.StoreRequest{Memories: ms}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		if _, err := s.ModelAdd(ctx, memory.ModelAddRequest{Server: url, Model: name}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.ModelUse(ctx, memory.ModelUseRequest{Name: "one"}); err != nil {
		t.Fatal(err)
	}
	embedWhole(t, s, "one")
	if _, err := s.ModelUse(ctx, memory.ModelUseRequest{Name: "two"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// embedWhole waits until a model serves.
func embedWhole(t *testing.T, s *store.Store, name string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		m, err := s.Models(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if m.Serving == name && m.Lacking == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", m)
		}
	}
}
