package embed

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// words is the vocabulary of the test model; token i has a vector with i+1 in dimension i mod 4.
var words = []string{"[PAD]", "[UNK]", "the", "fox", "jump", "##s", "##ing", "!", "記", "cafe", "un"}

const wordPieceFile = `{"normalizer":{"type":"BertNormalizer","clean_text":true,
"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},
"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":VOCAB}}`

// safetensors writes arrays of float32 in the format of a model file.
func safetensors(t testing.TB, shapes map[string][]int, kinds map[string]string,
	data map[string][]byte) []byte {
	t.Helper()
	header, body := map[string]any{"__metadata__": map[string]string{"format": "pt"}}, []byte{}
	for name, shape := range shapes {
		header[name] = map[string]any{"dtype": kinds[name], "shape": shape,
			"data_offsets": []int{len(body), len(body) + len(data[name])}}
		body = append(body, data[name]...)
	}
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h, body)
}

func floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func tableOf(n int) []byte {
	all := make([]float32, 4*n)
	for i := range n {
		all[4*i+i%4] = float32(i + 1)
	}
	return floats(all...)
}

func writeModel(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func wordPieceModel(t testing.TB) map[string][]byte {
	t.Helper()
	vocab := map[string]int{}
	for i, w := range words {
		vocab[w] = i
	}
	v, err := json.Marshal(vocab)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		configFile:    []byte(`{"normalize":false}`),
		tokenizerFile: []byte(strings.Replace(wordPieceFile, "VOCAB", string(v), 1)),
		tableFile: safetensors(t, map[string][]int{"embeddings": {len(words), 4}},
			map[string]string{"embeddings": "F32"}, map[string][]byte{"embeddings": tableOf(len(words))}),
	}
}

func load(t testing.TB, files map[string][]byte) *Static {
	t.Helper()
	s, err := LoadStatic(writeModel(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWordPiece(t *testing.T) {
	s := load(t, wordPieceModel(t))
	for text, want := range map[string][]int{
		"The FOX jumps!":        {2, 3, 4, 5, 7},
		"jumping  the\tfox":     {4, 6, 2, 3},
		"CAFÉ":                  {9},
		"foxes":                 nil, // no piece for "es": the word is unknown
		"記fox":                  {8, 3},
		"unjumps":               nil, // ##jump is not a piece
		"":                      nil,
		"fox\u0000\u200b!":      {3, 7},
		strings.Repeat("f", 99): nil,
	} {
		if got := s.tokens.tokens(text); !slices.Equal(got, want) {
			t.Errorf("%q became %v, want %v", text, got, want)
		}
	}
}

func TestUnigram(t *testing.T) {
	files := wordPieceModel(t)
	files[tokenizerFile] = []byte(`{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},
		{"type":"Lowercase"}]},"pre_tokenizer":{"type":"Metaspace","replacement":"▁",
		"prepend_scheme":"always"},"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],
		["▁the",-2],["▁fox",-3],["▁",-4],["f",-6],["o",-6],["x",-6],["es",-3],["▁fo",-9],["xe",-9],
		["s",-5]]}}`)
	s := load(t, files)
	for text, want := range map[string][]int{
		"The fox":  {1, 2},
		"foxes":    {2, 7},
		"ｆｏｘ":      {2}, // full width
		"the 火 of": {1, 3, 3, 5, 4},
		"":         {3},
	} {
		if got := s.tokens.tokens(text); !slices.Equal(got, want) {
			t.Errorf("%q became %v, want %v", text, got, want)
		}
	}
}

func TestStaticIsTheMeanOfItsTokens(t *testing.T) {
	files := wordPieceModel(t)
	s := load(t, files)
	got, err := s.Embed(t.Context(), []string{"the fox", "nothing known", "fox"})
	want := [][]float32{{0, 0, 1.5, 2}, nil, {0, 0, 0, 4}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	files[configFile] = []byte(`{"normalize":true}`)
	n := load(t, files)
	got, err = n.Embed(t.Context(), []string{"the fox"})
	if diff := cmp.Diff([][]float32{{0, 0, 0.6, 0.8}}, got); err != nil || diff != "" {
		t.Errorf("normalized: %v\n%s", err, diff)
	}
	if n.Identity() == s.Identity() || n.Identity() != load(t, files).Identity() {
		t.Error("a model's identity is not that of its files")
	}
	weights := make([]float32, len(words))
	weights[2], weights[3] = 2, 0.5
	mapping := make([]byte, 8*len(words))
	binary.LittleEndian.PutUint64(mapping[8*3:], 2)
	binary.LittleEndian.PutUint64(mapping[8*2:], 3)
	files[configFile] = []byte(`{"normalize":false}`)
	files[tableFile] = safetensors(t,
		map[string][]int{"embeddings": {4, 4}, "weights": {len(words)}, "mapping": {len(words)}},
		map[string]string{"embeddings": "F32", "weights": "F32", "mapping": "I64"},
		map[string][]byte{"embeddings": tableOf(4), "weights": floats(weights...), "mapping": mapping})
	got, err = load(t, files).Embed(t.Context(), []string{"the fox"})
	if diff := cmp.Diff([][]float32{{0, 0, 0.75, 4}}, got); err != nil || diff != "" {
		t.Errorf("with weights and mapping: %v\n%s", err, diff)
	}
}

func TestHalf(t *testing.T) {
	for h, want := range map[uint16]float32{0x3C00: 1, 0xC000: -2, 0x3555: 0.33325195, 0x0001: 5.9604645e-08,
		0x7BFF: 65504, 0x8000: 0, 0x0400: 6.1035156e-05} {
		if got := half(h); got != want {
			t.Errorf("%#x is %v, want %v", h, got, want)
		}
	}
}

// Any file cut anywhere, or missing, is an error that names it; none is a panic or a model.
func TestModelCutInHalf(t *testing.T) {
	whole := wordPieceModel(t)
	for name, b := range whole {
		for _, n := range []int{0, 1, 7, 8, len(b) / 2, len(b) - 1} {
			files := map[string][]byte{}
			for k, v := range whole {
				files[k] = v
			}
			files[name] = b[:min(n, len(b)-1)]
			_, err := LoadStatic(writeModel(t, files))
			if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s cut to %d of %d bytes: %v", name, n, len(b), err)
			}
		}
		files := map[string][]byte{}
		for k, v := range whole {
			if k != name {
				files[k] = v
			}
		}
		if _, err := LoadStatic(writeModel(t, files)); !errors.Is(err, ErrModel) ||
			!errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	small := map[string][]byte{}
	for k, v := range whole {
		small[k] = v
	}
	small[tableFile] = safetensors(t, map[string][]int{"embeddings": {3, 4}},
		map[string]string{"embeddings": "F32"}, map[string][]byte{"embeddings": tableOf(3)})
	if _, err := LoadStatic(writeModel(t, small)); err == nil ||
		!strings.Contains(err.Error(), "3 vectors for 11 tokens") {
		t.Errorf("a table too small: %v", err)
	}
}

func FuzzReadTensors(f *testing.F) {
	f.Add(safetensors(f, map[string][]int{"embeddings": {2, 4}}, map[string]string{"embeddings": "F32"},
		map[string][]byte{"embeddings": tableOf(2)}))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := readTensors(b)
		if err != nil {
			return
		}
		for name, tt := range all {
			n := 1
			for _, s := range tt.shape {
				n *= s
			}
			if n > 0 {
				tt.float(n - 1)
			}
			if n*widths[tt.kind] != len(tt.data) {
				t.Fatalf("%s: %d bytes for %v", name, len(tt.data), tt.shape)
			}
		}
	})
}

func FuzzReadTokenizer(f *testing.F) {
	f.Add(wordPieceModel(f)[tokenizerFile], "The fox jumps")
	f.Add([]byte(`{"model":{"type":"Unigram","vocab":[["a",-1]]}}`), "aé a")
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		tok, err := readTokenizer(b)
		if err != nil {
			return
		}
		for _, n := range tok.tokens(text) {
			if n < 0 || n >= tok.size {
				t.Fatalf("token %d of %d", n, tok.size)
			}
		}
	})
}

func BenchmarkStatic(b *testing.B) {
	s := load(b, wordPieceModel(b))
	text := strings.Repeat("the fox jumps ", 7)
	for b.Loop() {
		if _, err := s.embed(text); err != nil {
			b.Fatal(err)
		}
	}
}
