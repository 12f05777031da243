package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// meanings are the words of the test models, each with what it is about.
var meanings = map[string][]float32{
	"[UNK]": {0, 0, 0, 0}, "cat": {1, 0, 0, 0}, "kitten": {.9, .1, 0, 0}, "feline": {.95, 0, .1, 0},
	"car": {0, 1, 0, 0}, "truck": {0, .9, .2, 0}, "vehicle": {0, .95, .1, 0}, "tax": {0, 0, 1, 0},
	"memlog": {.1, .1, .1, .1},
}

// staticModel writes a folder of a static model of these words.
func staticModel(t testing.TB, flip bool) string {
	t.Helper()
	vocab := map[string]int{"[UNK]": 0}
	var table []byte
	put := func(v []float32) {
		for i := range v {
			if flip {
				i = len(v) - 1 - i
			}
			table = binary.LittleEndian.AppendUint32(table, math.Float32bits(v[i]))
		}
	}
	put(meanings["[UNK]"])
	for w, v := range meanings {
		if _, ok := vocab[w]; !ok {
			vocab[w] = len(vocab)
			put(v)
		}
	}
	v, err := json.Marshal(vocab)
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf(`{"embeddings":{"dtype":"F32","shape":[%d,4],"data_offsets":[0,%d]}}`,
		len(vocab), len(table))
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"config.json": []byte(`{"normalize":true}`), "model.safetensors": append(file, table...),
		"tokenizer.json": []byte(`{"normalizer":{"type":"BertNormalizer","clean_text":true,
"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},
"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":` + string(v) + `}}`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// modelServer serves the same words; spoil may answer in its place.
func modelServer(t testing.TB, spoil func(w http.ResponseWriter, texts []string) bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a struct{ Input []string }
		b, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(b, &a) != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		if spoil != nil && spoil(w, a.Input) {
			return
		}
		out := make([][]float32, len(a.Input))
		for i, text := range a.Input {
			out[i] = []float32{0, 0, 0, .01}
			for word := range strings.FieldsSeq(text) {
				for d, x := range meanings[word] {
					out[i][d] += x
				}
			}
		}
		json.NewEncoder(w).Encode(map[string]any{"embeddings": out})
	}))
	t.Cleanup(s.Close)
	return s.URL + "/api/embed"
}

func addModelT(t testing.TB, s *Store, r memory.ModelAddRequest) memory.ModelInfo {
	t.Helper()
	i, err := s.ModelAdd(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func useModel(t testing.TB, s *Store, name string) {
	t.Helper()
	if _, err := s.ModelUse(context.Background(), memory.ModelUseRequest{Name: name}); err != nil {
		t.Fatal(err)
	}
}

func modelState(t testing.TB, s *Store) memory.ModelsResult {
	t.Helper()
	r, err := s.Models(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// until waits for the models to be as wanted.
func until(t testing.TB, s *Store, what string, ok func(memory.ModelsResult) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		r := modelState(t, s)
		if ok(r) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %+v", what, r)
		}
	}
}

func wholeModel(name string) func(memory.ModelsResult) bool {
	return func(r memory.ModelsResult) bool {
		return r.Active == name && r.Serving == name && r.Lacking == r.Refused
	}
}

func storeTexts(t testing.TB, s *Store, texts ...string) []memory.ID {
	t.Helper()
	var ms []memory.NewMemory
	for _, text := range texts {
		ms = append(ms, memory.NewMemory{Content: text})
	}
	r, err := s.Store(context.Background(), memory.StoreRequest{Memories: ms})
	if err != nil {
		t.Fatal(err)
	}
	var ids []memory.ID
	for _, m := range r.Stored {
		ids = append(ids, m.ID)
	}
	return ids
}

func searchFor(t testing.TB, s *Store, query string, mode memory.Mode) memory.SearchResult {
	t.Helper()
	r, err := s.Search(context.Background(), memory.SearchRequest{Query: query, Mode: mode,
		Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// firstHit ends the test where the best hit is another.
func firstHit(t testing.TB, r memory.SearchResult, content string) {
	t.Helper()
	if len(r.Hits) == 0 || r.Hits[0].Content != content {
		t.Fatalf("%q is not the best of %+v, notes %q", content, r.Hits, r.Notes)
	}
}

func TestStaticModel(t *testing.T) {
	s := open(t, t.TempDir())
	ids := storeTexts(t, s, "the kitten sleeps", "a truck was bought", "tax is due", "zzz unknown")
	dir := staticModel(t, false)
	i := addModelT(t, s, memory.ModelAddRequest{Name: "small", Dir: dir})
	if i.Dims != 4 || len(i.Digest) != 64 || i.Kind != memory.ModelStatic {
		t.Fatalf("%+v", i)
	}
	if r := searchFor(t, s, "feline", ""); len(r.Hits) != 0 || r.Notes != nil {
		t.Fatalf("found without a model: %+v", r)
	}
	useModel(t, s, "small")
	until(t, s, "whole", wholeModel("small"))
	if r := modelState(t, s); r.Lacking != 1 || r.Refused != 1 || r.Models[0].Vectors != 3 {
		t.Fatalf("%+v", r)
	}
	for _, mode := range []memory.Mode{memory.ModeHybrid, memory.ModeVector} {
		r := searchFor(t, s, "feline", mode)
		firstHit(t, r, "the kitten sleeps")
		if r.Hits[0].Explain["meaning"] <= 0 || r.Notes != nil {
			t.Fatalf("%s: %+v", mode, r)
		}
	}
	firstHit(t, searchFor(t, s, "tax vehicle due", ""), "tax is due") // words outweigh
	stats, err := s.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// What comes, changes and goes later.
	storeTexts(t, s, "my car")
	text := "the vehicle sleeps"
	if _, err := s.Update(context.Background(), memory.UpdateRequest{ID: ids[0].String(),
		Content: &text}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(context.Background(),
		memory.DeleteRequest{IDs: []string{ids[1].String()}}); err != nil {
		t.Fatal(err)
	}
	until(t, s, "later ones", func(r memory.ModelsResult) bool {
		return r.Memories == 4 && r.Lacking == 1
	})
	r := searchFor(t, s, "truck", memory.ModeVector)
	if len(r.Hits) != 3 {
		t.Fatalf("%d hits", len(r.Hits))
	}
	firstHit(t, searchFor(t, s, "vehicle", memory.ModeVector), text)
	// As of before the update, the old version has the old vector; before that, none had one.
	for seq, query := range map[memory.Seq]string{stats.LastSeq: "feline", 2: "kitten"} {
		past, err := s.Search(context.Background(), memory.SearchRequest{Query: query,
			Mode: memory.ModeVector, AsOf: memory.Moment{Seq: seq}})
		if err != nil {
			t.Fatal(err)
		}
		firstHit(t, past, "the kitten sleeps")
		if (len(past.Notes) == 0) != (query == "feline") {
			t.Errorf("as of %d: notes %q", seq, past.Notes)
		}
	}
}

// Vectors are no commands: undo finds the user's, revert brings back their state.
func TestVectorsAreNotUndone(t *testing.T) {
	s := open(t, t.TempDir())
	storeTexts(t, s, "cat")
	addModelT(t, s, memory.ModelAddRequest{Name: "small", Dir: staticModel(t, false)})
	useModel(t, s, "small")
	until(t, s, "whole", wholeModel("small"))
	storeTexts(t, s, "car")
	until(t, s, "both", func(r memory.ModelsResult) bool { return r.Lacking == 0 && r.Memories == 2 })
	stats, err := s.Stats(context.Background())
	if err != nil || stats.LastSeq != 5 { // created, stored, embedded, stored, embedded
		t.Fatalf("last record %d: %v", stats.LastSeq, err)
	}
	u, err := s.Undo(context.Background(), memory.UndoRequest{})
	if err != nil || len(u.Affected) != 1 {
		t.Fatalf("%+v: %v", u, err)
	}
	until(t, s, "one", func(r memory.ModelsResult) bool { return r.Memories == 1 && r.Lacking == 0 })
	if _, err := s.Undo(context.Background(), memory.UndoRequest{}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Revert(context.Background(),
		memory.RevertRequest{Until: memory.Moment{Seq: 2}}); err != nil || len(r.Affected) != 1 {
		t.Fatalf("%+v: %v", r, err)
	}
	firstHit(t, searchFor(t, s, "feline", memory.ModeVector), "cat") // its vector came back with it
	v, err := s.Verify(context.Background(), memory.VerifyRequest{Deep: true})
	if err != nil || !v.OK || len(v.Notes) > 0 {
		t.Fatalf("%+v: %v", v, err)
	}
}

func TestModelSwitch(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	storeTexts(t, s, "the kitten sleeps", "a truck was bought")
	addModelT(t, s, memory.ModelAddRequest{Name: "one", Dir: staticModel(t, false)})
	useModel(t, s, "one")
	until(t, s, "one", wholeModel("one"))
	var shut atomic.Bool
	url := modelServer(t, func(w http.ResponseWriter, texts []string) bool {
		if shut.Load() {
			http.Error(w, "busy", http.StatusServiceUnavailable)
		}
		return shut.Load()
	})
	addModelT(t, s, memory.ModelAddRequest{Server: url, Model: "two"})
	shut.Store(true)
	useModel(t, s, "two")
	// The old space serves until the new one is whole.
	r := searchFor(t, s, "feline", memory.ModeVector)
	firstHit(t, r, "the kitten sleeps")
	if m := modelState(t, s); m.Serving != "one" || m.Active != "two" || m.Lacking != 2 {
		t.Fatalf("%+v", m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir) // it goes on where it was
	if m := modelState(t, s); m.Serving != "one" || m.Active != "two" {
		t.Fatalf("%+v", m)
	}
	shut.Store(false)
	useModel(t, s, "two")
	until(t, s, "two", wholeModel("two"))
	firstHit(t, searchFor(t, s, "vehicle", memory.ModeVector), "a truck was bought")
	useModel(t, s, memory.ModelNone)
	if m := modelState(t, s); m.Serving != "" || m.Active != "" || len(m.Models) != 2 {
		t.Fatalf("%+v", m)
	}
}

// Whatever a server answers, searches answer, and say so.
func TestHostileServer(t *testing.T) {
	var how atomic.Value
	how.Store("")
	stop := make(chan struct{})
	url := modelServer(t, func(w http.ResponseWriter, texts []string) bool {
		bad := strings.Contains(strings.Join(texts, " "), "poison")
		switch h := how.Load().(string); {
		case h == "slow":
			time.Sleep(3 * memory.QueryModelWait) // and then answers as it should
			return false
		case h == "nan", bad:
			io.WriteString(w, `{"embeddings":[[NaN,0,0,1]]}`)
		case h == "dims":
			io.WriteString(w, `{"embeddings":[[1,2]]}`)
		case h == "null":
			io.WriteString(w, `{"embeddings":[[null,0,0,1]]}`)
		case h == "huge":
			io.WriteString(w, `{"embeddings":[[1e39,0,0,1]]}`)
		case h == "few":
			io.WriteString(w, `{"embeddings":[]}`)
		case h == "half":
			io.WriteString(w, `{"embeddings":[[1,0`)
		case h == "hangs":
			<-stop
		case h == "endless":
			for n, err := 0, error(nil); err == nil; n++ {
				_, err = io.WriteString(w, strings.Repeat(" ", 1<<16))
			}
		case h == "refused":
			http.Error(w, "no such key", http.StatusUnauthorized)
		default:
			return false
		}
		return true
	})
	t.Cleanup(func() { close(stop) }) // before the server is closed
	s := open(t, t.TempDir())
	storeTexts(t, s, "the kitten sleeps", "poison", "a truck was bought")
	addModelT(t, s, memory.ModelAddRequest{Server: url, Model: "m"})
	useModel(t, s, "m")
	until(t, s, "whole but for the poison", wholeModel("m"))
	if m := modelState(t, s); m.Refused != 1 || m.Models[0].Vectors != 2 {
		t.Fatalf("%+v", m)
	}
	for _, h := range []string{"slow", "nan", "dims", "null", "huge", "few", "half", "hangs",
		"endless", "refused"} {
		how.Store(h)
		for _, mode := range []memory.Mode{memory.ModeHybrid, memory.ModeVector} {
			r := searchFor(t, s, "kitten", mode)
			firstHit(t, r, "the kitten sleeps")
			if len(r.Notes) != 1 || !strings.HasSuffix(r.Notes[0], "answered by words") {
				t.Errorf("%s: notes %q", h, r.Notes)
			}
		}
	}
	how.Store("nan")
	before := modelState(t, s).Memories
	storeTexts(t, s, "a cat")
	until(t, s, "the trouble", func(r memory.ModelsResult) bool {
		return r.Memories == before+1 && strings.Contains(r.Error, "embedding server")
	})
	_, err := s.ModelAdd(context.Background(), memory.ModelAddRequest{Server: url, Model: "n"})
	if memory.CodeOf(err) != memory.CodeInvalid {
		t.Errorf("a model that gives NaN was added: %v", err)
	}
	how.Store("")
	useModel(t, s, "m")
	until(t, s, "whole again", func(r memory.ModelsResult) bool {
		return wholeModel("m")(r) && r.Error == "" && r.Models[0].Vectors == 3
	})
}

func TestModelFolderGone(t *testing.T) {
	dir, folder := t.TempDir(), staticModel(t, false)
	s := open(t, dir)
	storeTexts(t, s, "the kitten sleeps")
	addModelT(t, s, memory.ModelAddRequest{Name: "small", Dir: folder})
	useModel(t, s, "small")
	until(t, s, "whole", wholeModel("small"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(folder, "model.safetensors")
	b, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	other := append([]byte{}, b...)
	other[len(other)-1] ^= 1
	for what, damage := range map[string]func() error{
		"half":  func() error { return os.WriteFile(table, b[:len(b)/2], 0o600) },
		"other": func() error { return os.WriteFile(table, other, 0o600) },
		"gone":  func() error { return os.RemoveAll(folder) },
	} {
		if what != "gone" { // it comes last
			checkFolder(t, dir, what, damage)
		}
	}
	checkFolder(t, dir, "gone", func() error { return os.RemoveAll(folder) })
}

// checkFolder opens a store whose model's folder was damaged.
func checkFolder(t *testing.T, dir, what string, damage func() error) {
	t.Helper()
	if err := damage(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	defer s.Close()
	r := searchFor(t, s, "kitten", "")
	firstHit(t, r, "the kitten sleeps")
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "small") {
		t.Errorf("%s: notes %q", what, r.Notes)
	}
	storeTexts(t, s, "cat "+what)
	until(t, s, what, func(r memory.ModelsResult) bool { return r.Error != "" })
}

// A model below the store's directory is found where the store is moved.
func TestModelMovesWithItsStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, dir)
	storeTexts(t, s, "the kitten sleeps")
	folder := filepath.Join(dir, "models", "small")
	if err := os.CopyFS(folder, os.DirFS(staticModel(t, false))); err != nil {
		t.Fatal(err)
	}
	if i := addModelT(t, s, memory.ModelAddRequest{Dir: folder}); i.Dir != folder || i.Name != "small" {
		t.Fatalf("%+v", i)
	}
	useModel(t, s, "small")
	until(t, s, "whole", wholeModel("small"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir+"2")
	if r := searchFor(t, s, "feline", memory.ModeVector); len(r.Notes) > 0 {
		t.Errorf("notes %q", r.Notes)
	}
	if m := modelState(t, s); m.Models[0].Dir != filepath.Join(dir+"2", "models", "small") {
		t.Errorf("%+v", m)
	}
}

func TestModelSettingsDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	storeTexts(t, s, "cat")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"{", `{"version":2,"models":[]}`, `{"version":1,"active":"x"}`, "",
		`{"version":1,"models":[{"name":"a","kind":"static","dims":0,"identity":"i"}]}`} {
		file := filepath.Join(dir, "models.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		r := searchFor(t, s, "cat", "")
		firstHit(t, r, "cat")
		if len(r.Notes) != 1 {
			t.Errorf("%q: notes %q", text, r.Notes)
		}
		_, err := s.ModelUse(context.Background(), memory.ModelUseRequest{Name: "none"})
		if memory.CodeOf(err) != memory.CodeDamaged {
			t.Errorf("%q: %v", text, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("%q became %q: %v", text, got, err)
		}
	}
}

// A vector of a version that is no more, or of a memory that is deleted, is not written.
func TestVectorOfAnOldVersion(t *testing.T) {
	slow, hold := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	url := modelServer(t, func(w http.ResponseWriter, texts []string) bool {
		if strings.Contains(strings.Join(texts, " "), "kitten") && once.CompareAndSwap(false, true) {
			close(slow)
			<-hold
		}
		return false
	})
	s := open(t, t.TempDir())
	ids := storeTexts(t, s, "kitten", "truck")
	addModelT(t, s, memory.ModelAddRequest{Server: url, Model: "m"})
	useModel(t, s, "m")
	<-slow
	text := "tax"
	if _, err := s.Update(context.Background(), memory.UpdateRequest{ID: ids[0].String(),
		Content: &text}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(context.Background(),
		memory.DeleteRequest{IDs: []string{ids[1].String()}}); err != nil {
		t.Fatal(err)
	}
	close(hold)
	until(t, s, "whole", wholeModel("m"))
	var versions []string
	for rec, err := range s.Log(context.Background(), memory.LogRequest{Kind: "embedded"}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range rec.Events {
			versions = append(versions, fmt.Sprint(e.Fields["id"], " ", e.Fields["version"]))
		}
		if rec.Client != "memlog" || rec.Group == "" {
			t.Errorf("record %+v", rec)
		}
	}
	if want := ids[0].String() + " 2"; len(versions) != 1 || versions[0] != want {
		t.Fatalf("vectors of %q, want of %s", versions, want)
	}
}
