package embed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// The files of a static model's folder.
const (
	tableFile     = "model.safetensors"
	tokenizerFile = "tokenizer.json"
	configFile    = "config.json"
)

// StaticFiles returns the names of the files of a static model's folder.
func StaticFiles() (table, tokenizer, config string) { return tableFile, tokenizerFile, configFile }

// Bounds of a static model.
const (
	MaxModelFile = 2 << 30 // bytes of one file
	MaxTokens    = 512     // tokens of a text that count; model2vec stops there too
	MaxDims      = 4096
)

// ErrModel is wrapped by every error about a model that cannot be used.
var ErrModel = errors.New("model cannot be used")

// ErrNoTokens: a text has nothing the model knows.
var ErrNoTokens = errors.New("model knows nothing of the text")

// Static is a table of tokens' vectors.
type Static struct {
	tokens    *tokenizer
	table     tensor
	weights   *tensor // by token; nil: all 1
	mapping   *tensor // by token: its row; nil: its own number
	dims      int
	normalize bool
	digest    string
}

// LoadStatic reads a folder. Every file is read whole, checked, and counted in the digest.
func LoadStatic(dir string) (*Static, error) {
	sum := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{configFile, tableFile, tokenizerFile} {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err == nil && info.Size() > MaxModelFile {
			err = fmt.Errorf("%s has %d bytes, at most %d", name, info.Size(), MaxModelFile)
		}
		if err == nil {
			files[name], err = os.ReadFile(path)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: a static model is a folder with %s, %s and %s: %w", ErrModel,
				tableFile, tokenizerFile, configFile, err)
		}
		one := sha256.Sum256(files[name])
		sum.Write(one[:])
	}
	s := &Static{digest: hex.EncodeToString(sum.Sum(nil))}
	for name, read := range map[string]func([]byte) error{
		configFile: s.readConfig, tableFile: s.readTable, tokenizerFile: s.readTokenizer,
	} {
		if err := read(files[name]); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrModel, filepath.Join(dir, name), err)
		}
	}
	return s, s.fits(dir)
}

func (s *Static) readConfig(b []byte) error {
	var c struct {
		Normalize *bool `json:"normalize"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return fmt.Errorf("it is cut short or not JSON: %v", err)
	}
	s.normalize = yes(c.Normalize, true)
	return nil
}

func (s *Static) readTokenizer(b []byte) (err error) {
	s.tokens, err = readTokenizer(b)
	return err
}

func (s *Static) readTable(b []byte) error {
	all, err := readTensors(b)
	if err != nil {
		return err
	}
	table, ok := all["embeddings"]
	if !ok {
		return errors.New("it has no tensor named embeddings")
	}
	flat := len(table.shape) != 2 || table.shape[1] < 1
	if flat || table.shape[1] > MaxDims || table.kind[0] == 'I' {
		return fmt.Errorf("embeddings of shape %v and kind %s, not of numbers by 1 to %d", table.shape,
			table.kind, MaxDims)
	}
	s.table, s.dims = table, table.shape[1]
	if w, ok := all["weights"]; ok {
		s.weights = &w
	}
	if m, ok := all["mapping"]; ok {
		s.mapping = &m
	}
	return nil
}

// fits checks that every token has a row.
func (s *Static) fits(dir string) error {
	rows := s.table.shape[0]
	for name, t := range map[string]*tensor{"weights": s.weights, "mapping": s.mapping} {
		if t != nil && (len(t.shape) != 1 || t.shape[0] < s.tokens.size) {
			return fmt.Errorf("%w: %s: %s of shape %v for %d tokens", ErrModel, dir, name, t.shape,
				s.tokens.size)
		}
	}
	if s.mapping == nil {
		if rows < s.tokens.size {
			return fmt.Errorf("%w: %s: %d vectors for %d tokens", ErrModel, dir, rows, s.tokens.size)
		}
		return nil
	}
	if s.mapping.kind[0] != 'I' {
		return fmt.Errorf("%w: %s: mapping is of kind %s", ErrModel, dir, s.mapping.kind)
	}
	for i := range s.tokens.size {
		if n := s.mapping.integer(i); n < 0 || n >= rows {
			return fmt.Errorf("%w: %s: token %d has vector %d of %d", ErrModel, dir, i, n, rows)
		}
	}
	return nil
}

// Digest is the SHA-256 over the digests of the three files, in hexadecimal.
func (s *Static) Digest() string { return s.digest }

// Identity names the model: what its vectors are compared under.
func (s *Static) Identity() string { return "static:" + s.digest[:32] }

// Dims returns the number of dimensions.
func (s *Static) Dims() int { return s.dims }

// Embed returns the vectors of texts, in their order; nil where the model knows nothing of a text.
// ctx is looked at between texts.
func (s *Static) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v, err := s.embed(text)
		if err != nil && !errors.Is(err, ErrNoTokens) {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
		out[i] = v
	}
	return out, nil
}

func (s *Static) embed(text string) ([]float32, error) {
	tokens := s.tokens.tokens(text)
	if len(tokens) == 0 {
		return nil, ErrNoTokens
	}
	tokens = tokens[:min(len(tokens), MaxTokens)]
	sum := make([]float32, s.dims)
	for _, t := range tokens {
		row, weight := t, float32(1)
		if s.mapping != nil {
			row = s.mapping.integer(t)
		}
		if s.weights != nil {
			weight = s.weights.float(t)
		}
		for i := range sum {
			sum[i] += float32(weight * s.table.float(row*s.dims+i))
		}
	}
	square := 0.0
	for i := range sum {
		sum[i] /= float32(len(tokens))
		square += float64(float64(sum[i]) * float64(sum[i]))
	}
	if square == 0 {
		return nil, ErrNoTokens
	}
	if math.IsNaN(square) || math.IsInf(square, 0) {
		return nil, fmt.Errorf("%w: its vectors are not finite", ErrModel)
	}
	if s.normalize {
		for i := range sum {
			sum[i] = float32(float64(sum[i]) / math.Sqrt(square))
		}
	}
	return sum, nil
}
