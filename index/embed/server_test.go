package embed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask is what a test server was asked.
type asked struct {
	Model    string
	Input    []string
	Truncate *bool
	Format   string `json:"encoding_format"`
}

// serve starts a server whose answers come from answer; it is given the number of the request.
func serve(t *testing.T, path string, answer func(n int, a asked, w http.ResponseWriter)) string {
	t.Helper()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		var a asked
		b, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(b, &a) != nil || r.URL.Path != path {
			http.Error(w, "bad request to "+r.URL.Path, http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Key", r.Header.Get("Authorization"))
		answer(n, a, w)
	}))
	t.Cleanup(s.Close)
	return s.URL + path
}

// lengths answers each text with its length and its first byte, last text first.
func lengths(a asked) string {
	var data []string
	for i := len(a.Input) - 1; i >= 0; i-- {
		data = append(data, fmt.Sprintf(`{"index":%d,"embedding":[%d,%d]}`, i, len(a.Input[i]),
			a.Input[i][0]))
	}
	return `{"data":[` + strings.Join(data, ",") + `]}`
}

func server(t *testing.T, o ServerOptions) *Server {
	t.Helper()
	o.Model, o.Backoff = "small", time.Millisecond
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServerAnswersInOrder(t *testing.T) {
	requests := 0
	url := serve(t, "/v1/embeddings", func(n int, a asked, w http.ResponseWriter) {
		requests = n
		if len(a.Input) > 2 || a.Model != "small" || a.Format != "float" {
			http.Error(w, fmt.Sprint(a), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, lengths(a))
	})
	got, err := server(t, ServerOptions{URL: url, Batch: 2}).Embed(t.Context(),
		[]string{"a", "bb", "ccc", "dddd", "eeeee"})
	want := [][]float32{{1, 'a'}, {2, 'b'}, {3, 'c'}, {4, 'd'}, {5, 'e'}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" || requests != 3 {
		t.Errorf("%d requests, %v\n%s", requests, err, diff)
	}
}

func TestOllamaMustNotCut(t *testing.T) {
	url := serve(t, "/api/embed", func(_ int, a asked, w http.ResponseWriter) {
		if a.Truncate == nil || *a.Truncate {
			t.Error("it may cut texts")
		}
		fmt.Fprint(w, `{"embeddings":[[1,2,3]]}`)
	})
	got, err := server(t, ServerOptions{URL: url}).Embed(t.Context(), []string{"x"})
	if err != nil || len(got) != 1 || len(got[0]) != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestServerIsAskedAgain(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, 500, 503} {
		requests := 0
		url := serve(t, "/v1/embeddings", func(n int, a asked, w http.ResponseWriter) {
			if requests = n; n < 3 {
				http.Error(w, "later", status)
				return
			}
			fmt.Fprint(w, lengths(a))
		})
		s := server(t, ServerOptions{URL: url})
		if got, err := s.Embed(t.Context(), []string{"x"}); err != nil || len(got) != 1 || requests != 3 {
			t.Errorf("%d: %d requests, %v, %v", status, requests, got, err)
		}
	}
}

func TestServerGivesUp(t *testing.T) {
	requests := 0
	url := serve(t, "/v1/embeddings", func(n int, _ asked, w http.ResponseWriter) {
		requests = n
		http.Error(w, "down", http.StatusBadGateway)
	})
	_, err := server(t, ServerOptions{URL: url}).Embed(t.Context(), []string{"x"})
	if !errors.Is(err, ErrServer) || requests != MaxAttempts || !strings.Contains(err.Error(), "502") {
		t.Errorf("%d requests, %v", requests, err)
	}
	stuck := serve(t, "/v1/embeddings", func(_ int, _ asked, _ http.ResponseWriter) {
		time.Sleep(50 * time.Millisecond)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := server(t, ServerOptions{URL: stuck}).Embed(ctx, []string{"x"}); !errors.Is(err,
		context.DeadlineExceeded) {
		t.Errorf("past its deadline: %v", err)
	}
}

// A server that never answers, never ends its answer or sends one without an end is given up, in
// time and in bytes, and where ctx ends, at once.
func TestEndlessServer(t *testing.T) {
	stop := make(chan struct{})
	write := func(w http.ResponseWriter, b []byte) bool {
		_, err := w.Write(b)
		w.(http.Flusher).Flush()
		return err == nil
	}
	spaces := []byte(strings.Repeat(" ", 1<<20))
	for what, c := range map[string]struct {
		answer   func(w http.ResponseWriter)
		deadline time.Duration
		requests int
		want     string
	}{
		"no header": {func(http.ResponseWriter) { <-stop }, 20 * time.Millisecond, MaxAttempts,
			"deadline exceeded"},
		"no end": {func(w http.ResponseWriter) {
			write(w, []byte(`{"data":[{"index":0,`))
			<-stop
		}, 20 * time.Millisecond, MaxAttempts, "deadline exceeded"},
		"drips": {func(w http.ResponseWriter) {
			for write(w, []byte(" ")) {
				time.Sleep(time.Millisecond)
			}
		}, 20 * time.Millisecond, MaxAttempts, "deadline exceeded"},
		"too large": {func(w http.ResponseWriter) {
			for write(w, spaces) {
			}
		}, time.Minute, 1, "more than 67108864 bytes"},
	} {
		var requests atomic.Int64
		url := serve(t, "/v1/embeddings", func(_ int, _ asked, w http.ResponseWriter) {
			requests.Add(1)
			c.answer(w)
		})
		o := ServerOptions{URL: url, Deadline: c.deadline}
		_, err := server(t, o).Embed(t.Context(), []string{"x"})
		if !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), c.want) ||
			Passing(err) != (c.requests > 1) || int(requests.Load()) != c.requests {
			t.Errorf("%s: %d requests, %v", what, requests.Load(), err)
		}
		if what == "too large" {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		o.Deadline = time.Hour
		if _, err := server(t, o).Embed(ctx, []string{"x"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, where ctx ends: %v", what, err)
		}
		cancel()
	}
	close(stop) // before the servers are closed
}

// What is wrong with an answer is said, and not asked for again.
func TestBadAnswers(t *testing.T) {
	for want, answer := range map[string]string{
		"2 dimensions, not 3":           `{"data":[{"index":0,"embedding":[1,2]}]}`,
		"0 vectors for 1 texts":         `{"data":[]}`,
		"2 vectors for 1 texts":         `{"data":[{"index":0,"embedding":[1,2,3]},{"index":1,"embedding":[1,2,3]}]}`,
		"dimension 1 is null":           `{"data":[{"index":0,"embedding":[1,null,3]}]}`,
		"all zero":                      `{"data":[{"index":0,"embedding":[0,0,0]}]}`,
		"not JSON of the expected form": `{"data":[{"index":0,"embedding":[1,NaN,3]}]}`,
		"cannot unmarshal number 1e999": `{"data":[{"index":0,"embedding":[1,1e999,3]}]}`,
		"numbers vectors wrongly":       `{"data":[{"index":5,"embedding":[1,2,3]}]}`,
	} {
		requests := 0
		url := serve(t, "/v1/embeddings", func(n int, _ asked, w http.ResponseWriter) {
			requests = n
			fmt.Fprint(w, answer)
		})
		_, err := server(t, ServerOptions{URL: url, Dims: 3}).Embed(t.Context(), []string{"x"})
		if !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), want) || requests != 1 {
			t.Errorf("%s: %d requests, %v", answer, requests, err)
		}
	}
}

func TestKeyIsSentAndNotShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("sk-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := serve(t, "/v1/embeddings", func(_ int, _ asked, w http.ResponseWriter) {
		http.Error(w, "no such key: "+w.Header().Get("X-Key"), http.StatusUnauthorized)
	})
	t.Setenv("TEST_KEY", "sk-secret")
	for _, o := range []ServerOptions{{URL: url, KeyFile: file}, {URL: url, KeyEnv: "TEST_KEY"}} {
		s := server(t, o)
		_, err := s.Embed(t.Context(), []string{"x"})
		if err == nil || strings.Contains(err.Error(), "sk-secret") ||
			!strings.Contains(err.Error(), "Bearer (key)") || strings.Contains(s.Identity(), "secret") {
			t.Errorf("%v", err)
		}
	}
}

func TestBadServerOptions(t *testing.T) {
	for want, o := range map[string]ServerOptions{
		"is not one like":              {URL: "localhost:11434/api/embed", Model: "m"},
		"ends in neither":              {URL: "http://localhost:11434", Model: "m"},
		"holds a password":             {URL: "http://me:secret@host/v1/embeddings", Model: "m"},
		"no model is named":            {URL: "http://host/v1/embeddings"},
		"MISSING_KEY, which holds":     {URL: "http://host/v1/embeddings", Model: "m", KeyEnv: "MISSING_KEY"},
		"read the key":                 {URL: "http://host/v1/embeddings", Model: "m", KeyFile: "/nowhere"},
		"9999 dimensions, at most":     {URL: "http://host/v1/embeddings", Model: "m", Dims: 9999},
		"in a variable or in a file, ": {URL: "http://host/v1/embeddings", Model: "m", KeyFile: "a", KeyEnv: "b"},
	} {
		if _, err := NewServer(o); !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}
