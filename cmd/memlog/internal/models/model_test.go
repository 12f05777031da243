package models

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index/embed"
)

// modelFiles returns the files of a static model that knows two words, of 4 dimensions.
func modelFiles(t testing.TB, scale float32) map[string][]byte {
	t.Helper()
	vocab := map[string]int{"[UNK]": 0, "memlog": 1, "cat": 2}
	var table []byte
	for _, x := range []float32{0, 0, 0, 0, 1, 0, 0, scale, 0, 1, 0, scale} {
		table = binary.LittleEndian.AppendUint32(table, math.Float32bits(x))
	}
	v, err := json.Marshal(vocab)
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf(`{"embeddings":{"dtype":"F32","shape":[3,4],"data_offsets":[0,%d]}}`,
		len(table))
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	return map[string][]byte{
		"config.json": []byte(`{"normalize":false}`), "model.safetensors": append(file, table...),
		"tokenizer.json": []byte(`{"pre_tokenizer":{"type":"BertPreTokenizer"},
"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":` + string(v) + `}}`),
	}
}

func writeFolder(t testing.TB, dir string, files map[string][]byte) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// answer serves embeddings: what it returns is the whole answer.
func answer(t *testing.T, with func(n int, texts []string) string) string {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a struct{ Input []string }
		if b, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(b, &a) != nil {
			t.Errorf("asked with %q: %v", b, err)
		}
		_, _ = io.WriteString(w, with(int(n.Add(1)), a.Input))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/api/embed"
}

func TestTryStatic(t *testing.T) {
	store := t.TempDir()
	outside := writeFolder(t, t.TempDir(), modelFiles(t, 1))
	writeFolder(t, filepath.Join(store, "models", "small"), modelFiles(t, 1))
	for _, dir := range []string{outside, "models/small"} {
		e, err := Try(t.Context(), store, Entry{Name: "m", Kind: memory.ModelStatic, Dir: dir})
		if err != nil || e.Dims != 4 || len(e.Digest) != 64 || e.Identity != "static:"+e.Digest[:32] ||
			e.Dir != dir {
			t.Fatalf("%s: %+v, %v", dir, e, err)
		}
		m, err := Open(store, e)
		if err != nil {
			t.Fatal(err)
		}
		v, err := m.Embed(t.Context(), []string{"cat", "nothing known"})
		if err != nil || !slices.Equal(v[0], []float32{0, 1, 0, 1}) || v[1] != nil {
			t.Errorf("%v, %v", v, err)
		}
		// Other files under the same name are another model.
		writeFolder(t, e.Path(store), modelFiles(t, 2))
		if _, err := Open(store, e); !errors.Is(err, embed.ErrModel) ||
			!strings.Contains(err.Error(), "not those that were added") {
			t.Errorf("another model was opened: %v", err)
		}
		e.Digest = "" // of which nothing was noted
		if _, err := Open(store, e); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(e.Path(store)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(store, e); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without its folder: %v", err)
		}
	}
}

func TestPath(t *testing.T) {
	store := t.TempDir()
	for dir, want := range map[string]string{
		"": "", store: store, "models/a": filepath.Join(store, "models", "a"),
	} {
		if got := (Entry{Dir: dir}).Path(store); got != want {
			t.Errorf("%q is at %q, want %q", dir, got, want)
		}
	}
}

func TestTryServer(t *testing.T) {
	url := answer(t, func(_ int, texts []string) string {
		if !slices.Equal(texts, []string{Probe}) {
			t.Errorf("asked for %q", texts)
		}
		return `{"embeddings":[[1,2,3]]}`
	})
	e, err := Try(t.Context(), t.TempDir(), Entry{Name: "m", Kind: memory.ModelServer, Server: url,
		Model: "small"})
	if err != nil || e.Dims != 3 || e.Digest != "" || e.Identity != "server:"+url+"#small" {
		t.Fatalf("%+v, %v", e, err)
	}
}

func TestTryFails(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	static := func(change func(map[string][]byte)) Entry {
		files := modelFiles(t, 1)
		change(files)
		return Entry{Kind: memory.ModelStatic, Dir: writeFolder(t, t.TempDir(), files)}
	}
	says := func(text string) Entry {
		return Entry{Kind: memory.ModelServer, Model: "m",
			Server: answer(t, func(int, []string) string { return text })}
	}
	for what, e := range map[string]Entry{
		"no folder": {Kind: memory.ModelStatic, Dir: filepath.Join(t.TempDir(), "none")},
		"no table":  static(func(f map[string][]byte) { delete(f, "model.safetensors") }),
		"half a table": static(func(f map[string][]byte) {
			b := f["model.safetensors"]
			f["model.safetensors"] = b[:len(b)/2]
		}),
		"nobody there": {Kind: memory.ModelServer, Model: "m", Server: gone.URL + "/api/embed"},
		"no address":   {Kind: memory.ModelServer, Model: "m", Server: "localhost"},
		"no key":       {Kind: memory.ModelServer, Model: "m", Server: gone.URL + "/api/embed", KeyEnv: "MEMLOG_NONE"},
		"no vector":    says(`{"embeddings":[]}`),
		"NaN":          says(`{"embeddings":[[NaN]]}`),
		"all zero":     says(`{"embeddings":[[0,0]]}`),
		"a page":       says(`<html>`),
	} {
		wait := 10 * time.Second
		if what == "nobody there" {
			wait = 300 * time.Millisecond // it would be asked again and again
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		if got, err := Try(ctx, t.TempDir(), e); err == nil {
			t.Errorf("%s: %+v", what, got)
		}
		cancel()
	}
}

// A server that changes its model is noticed, and not taken for one that is away.
func TestOtherDimensions(t *testing.T) {
	url := answer(t, func(n int, texts []string) string {
		if n == 1 {
			return `{"embeddings":[[1,2,3]]}`
		}
		return `{"embeddings":[[1,2]]}`
	})
	store := t.TempDir()
	e, err := Try(t.Context(), store, Entry{Kind: memory.ModelServer, Server: url, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(store, e)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := m.Embed(t.Context(), []string{"cat"}); !errors.Is(err, ErrDims) || Passing(err) {
		t.Errorf("%v, %v, passing %v", v, err, Passing(err))
	}
}
