package models

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/fetch"
	"memlog/cmd/memlog/internal/memory"
	"memlog/index/embed"
)

// site serves the files of a model.
type site struct {
	url string

	mu    sync.Mutex
	files map[string][]byte // mu guards: all of these
	asked []string
	cut   string // the file that is cut off
}

func serveModel(t *testing.T) *site {
	s := &site{files: modelFiles(t, 1)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL + "/small/"
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, name := path.Split(r.URL.Path)
	b, ok := s.files[name]
	s.asked = append(s.asked, name)
	if dir != "/small/" || !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"1"`)
	if name == s.cut {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(b[:len(b)/2])
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(b)))
}

func (s *site) request() FetchRequest {
	return FetchRequest{URL: s.url, Options: fetch.Options{Backoff: time.Millisecond}}
}

func TestFetchModel(t *testing.T) {
	s, dir := serveModel(t), filepath.Join(t.TempDir(), "models")
	got, err := Fetch(t.Context(), dir, s.request())
	if err != nil || got.Name != "small" || got.Dir != filepath.Join(dir, "small") || got.Present {
		t.Fatalf("%+v, %v", got, err)
	}
	m, err := embed.LoadStatic(got.Dir)
	if err != nil || m.Digest() != got.Digest || len(s.asked) != 3 || s.asked[2] != "model.safetensors" {
		t.Fatalf("%v; asked for %q", err, s.asked)
	}
	again, err := Fetch(t.Context(), dir, s.request())
	if err != nil || !again.Present || again.Digest != got.Digest || len(s.asked) != 3 {
		t.Fatalf("%+v, %v; asked for %q", again, err, s.asked)
	}
	noParts(t, dir)
	other := s.request()
	other.URL = strings.Replace(s.url, "small", "./small", 1)
	if _, err := Fetch(t.Context(), dir, other); memory.CodeOf(err) != memory.CodeConflict {
		t.Errorf("another address, the same name: %v", err)
	}
	other.URL, other.Digest = s.url, strings.Repeat("0", 64)
	if _, err := Fetch(t.Context(), dir, other); memory.CodeOf(err) != memory.CodeConflict ||
		!strings.Contains(err.Error(), got.Digest) {
		t.Errorf("another digest: %v", err)
	}
	if err := os.Truncate(filepath.Join(got.Dir, "model.safetensors"), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := Fetch(t.Context(), dir, s.request()); memory.CodeOf(err) != memory.CodeConflict ||
		!strings.Contains(err.Error(), "is damaged") {
		t.Errorf("damaged since: %v", err)
	}
}

func noParts(t *testing.T, dir string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(dir, "*"+partSuffix)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// No half model is ever in the folder that is used, and what came is kept.
func TestFetchHalf(t *testing.T) {
	s, dir := serveModel(t), t.TempDir()
	s.cut = "model.safetensors"
	_, err := Fetch(t.Context(), dir, s.request())
	if memory.CodeOf(err) != memory.CodeFailed || !strings.Contains(err.Error(), "cut off") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "small")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("half a model is there: %v", err)
	}
	s.mu.Lock()
	s.cut = ""
	s.mu.Unlock()
	if _, err := Fetch(t.Context(), dir, s.request()); err != nil {
		t.Fatal(err)
	}
	noParts(t, dir)
}

func TestFetchNoModel(t *testing.T) {
	for what, c := range map[string]struct {
		change func(map[string][]byte)
		code   memory.Code
	}{
		"no table":   {func(f map[string][]byte) { delete(f, "model.safetensors") }, memory.CodeFailed},
		"a web page": {func(f map[string][]byte) { f["config.json"] = []byte("<html>") }, memory.CodeInvalid},
		"half a table": {func(f map[string][]byte) {
			f["model.safetensors"] = f["model.safetensors"][:90]
		}, memory.CodeInvalid},
		"another table": {func(f map[string][]byte) { f["model.safetensors"] = []byte("GGUF") },
			memory.CodeInvalid},
		"a large config": {func(f map[string][]byte) {
			f["config.json"] = []byte(strings.Repeat(" ", MaxConfigFile+1))
		}, memory.CodeFailed},
	} {
		s, dir := serveModel(t), t.TempDir()
		c.change(s.files)
		_, err := Fetch(t.Context(), dir, s.request())
		if memory.CodeOf(err) != c.code {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "small")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", what, err)
		}
		if c.code == memory.CodeInvalid { // to go on would lead there again
			noParts(t, dir)
		}
		if what == "a web page" && len(s.asked) != 1 {
			t.Errorf("asked for %q", s.asked)
		}
	}
	s, dir := serveModel(t), t.TempDir()
	wrong := s.request()
	wrong.Digest = strings.Repeat("0", 64)
	if _, err := Fetch(t.Context(), dir, wrong); memory.CodeOf(err) != memory.CodeConflict {
		t.Errorf("another digest: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "small*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestFetchNames(t *testing.T) {
	s := serveModel(t)
	for name, ok := range map[string]bool{"potion-base_8M.v2+x": true, "..": false, ".hidden": false,
		"a/b": false, `a\b`: false, "a:b": false, "none": false, "a.part": false, "a.": false,
		"a b": false, "é": false, strings.Repeat("a", memory.MaxModelName+1): false} {
		r := s.request()
		r.Name = name
		_, err := Fetch(t.Context(), filepath.Join(t.TempDir(), "models"), r)
		if ok != (err == nil) || !ok && memory.CodeOf(err) != memory.CodeInvalid {
			t.Errorf("%q: %v", name, err)
		}
	}
	r := s.request()
	r.Taken = func(name, dir string) bool { return name == "small" }
	if _, err := Fetch(t.Context(), t.TempDir(), r); memory.CodeOf(err) != memory.CodeConflict {
		t.Errorf("a name that is taken: %v", err)
	}
	r = s.request()
	r.URL = "https://example.com/"
	if _, err := Fetch(t.Context(), t.TempDir(), r); memory.CodeOf(err) != memory.CodeInvalid {
		t.Errorf("an address without a name: %v", err)
	}
}

func TestOneFetchAtATime(t *testing.T) {
	s, dir := serveModel(t), t.TempDir()
	s.mu.Lock() // it answers nobody
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := Fetch(ctx, dir, s.request())
		first <- err
	}()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "small"+partSuffix)); err == nil {
			break
		}
	}
	if _, err := Fetch(t.Context(), dir, s.request()); memory.CodeOf(err) != memory.CodeBusy {
		t.Errorf("two at a time: %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.mu.Unlock()
	if _, err := Fetch(t.Context(), dir, s.request()); err != nil {
		t.Error(err)
	}
}
