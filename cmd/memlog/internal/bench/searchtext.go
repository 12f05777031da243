package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"memlog/cmd/memlog/internal/memory"
)

// The measure of searches by text: memories spread over so many tags, types and projects.
const (
	textTags     = 50
	textProjects = 8
	exactShare   = 10 // one exact search for so many others: each reads every text
	scanQueries  = 50
)

var textTypes = []string{"note", "decision", "fact"}

// TextOptions of SearchText.
type TextOptions struct {
	N, Queries int
	Texts      string // folder of NAME.memories.jsonl; "": made texts
	// Open opens the throw-away store, the same each time.
	Open     func(ctx context.Context) (memory.Service, error)
	Progress memory.Progress
}

// TextResult is how fast searches by text are among N memories, from end to end.
type TextResult struct {
	N             int     `json:"n"`
	Source        string  `json:"source"` // of the texts
	ImportPerSec  float64 `json:"import_per_second"`
	RebuildPerSec float64 `json:"rebuild_per_second"` // memories, from the log
	FirstAnswer   float64 `json:"open_to_first_ms"`   // from opening the store
	Words         Spread  `json:"words"`
	WordsAsOf     Spread  `json:"words_as_of"` // half of the memories ago
	Hybrid        Spread  `json:"hybrid"`
	HybridTag     Spread  `json:"hybrid_tag"`     // among 1 in 50
	HybridProject Spread  `json:"hybrid_project"` // among 1 in 8
	HybridAsOf    Spread  `json:"hybrid_as_of"`
	Exact         Spread  `json:"exact"`
	Scan          Spread  `json:"scan"` // BM25 of every text in memory, one goroutine
	ResidentMB    float64 `json:"resident_mb,omitempty"`
}

// SearchText fills a store with memories, rebuilds its index from the log, opens it again and
// searches it, one search at a time.
func SearchText(ctx context.Context, o TextOptions) (r TextResult, err error) {
	texts, err := readTexts(o)
	if err != nil {
		return r, err
	}
	r = TextResult{N: o.N, Source: texts.source}
	if err := r.fill(ctx, o, texts); err != nil {
		return r, err
	}
	asked := texts.queries(o.Queries)
	began := time.Now()
	svc, err := o.Open(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	first, err := svc.Search(ctx, memory.SearchRequest{Query: asked[0], Mode: memory.ModeLexical})
	if err != nil {
		return r, err
	}
	r.FirstAnswer = millis(time.Since(began))
	half := memory.Moment{Seq: max(1, first.Seq/2)}
	tag := memory.Filter{Tags: []string{"area-7"}}
	project := memory.Filter{Project: "project-3"}
	exact := asked[:max(1, len(asked)/exactShare)]
	for i, m := range []struct {
		into  *Spread
		asked []string
		r     memory.SearchRequest
	}{
		{&r.Words, asked, memory.SearchRequest{Mode: memory.ModeLexical}},
		{&r.WordsAsOf, asked, memory.SearchRequest{Mode: memory.ModeLexical, AsOf: half}},
		{&r.Hybrid, asked, memory.SearchRequest{}},
		{&r.HybridTag, asked, memory.SearchRequest{Filter: tag}},
		{&r.HybridProject, asked, memory.SearchRequest{Filter: project}},
		{&r.HybridAsOf, asked, memory.SearchRequest{AsOf: half}},
		{&r.Exact, exact, memory.SearchRequest{Mode: memory.ModeExact}},
	} {
		if *m.into, err = askAll(ctx, svc, m.r, m.asked); err != nil {
			return r, err
		}
		if o.Progress != nil {
			o.Progress("search", int64(i+1), 7)
		}
	}
	r.ResidentMB = residentMB()
	r.Scan = texts.scan(asked[:min(len(asked), scanQueries)])
	return r, ctx.Err()
}

// fill imports the memories and rebuilds the index.
func (r *TextResult) fill(ctx context.Context, o TextOptions, texts *texts) (err error) {
	svc, err := o.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	began := time.Now()
	in, out := io.Pipe()
	go texts.write(out)
	res, err := svc.Import(ctx, in, memory.ImportRequest{Name: "bench", Progress: o.Progress})
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if n := len(res.Rejected); n > 0 {
		return fmt.Errorf("import: %d memories were rejected, the first: %s", n,
			res.Rejected[0].Reason)
	}
	r.ImportPerSec = float64(o.N) / time.Since(began).Seconds()
	began = time.Now()
	if _, err := svc.Rebuild(ctx, memory.RebuildRequest{Progress: o.Progress}); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	r.RebuildPerSec = float64(o.N) / time.Since(began).Seconds()
	return nil
}

// askAll searches once with each query, after one that reads what is read once.
func askAll(ctx context.Context, svc memory.Service, r memory.SearchRequest,
	asked []string) (Spread, error) {
	var took []time.Duration
	for i, q := range append(asked[:1:1], asked...) {
		r.Query = q
		began := time.Now()
		if _, err := svc.Search(ctx, r); err != nil {
			return Spread{}, fmt.Errorf("search %.80q: %w", q, err)
		}
		if i > 0 {
			took = append(took, time.Since(began))
		}
	}
	return SpreadOf(took), nil
}

// texts are the contents of the memories, and questions about them.
type texts struct {
	source    string
	contents  []string
	questions []string
}

// readTexts returns n contents: those of the folder's files, and where they are too few, halves of
// two of them; without a folder, made ones.
func readTexts(o TextOptions) (*texts, error) {
	t := &texts{source: "made"}
	if o.Texts == "" {
		t.contents, t.questions = Texts(o.N, o.Queries)
		return t, nil
	}
	t.source = filepath.Base(o.Texts)
	cs, err := readCollections(o.Texts)
	if err != nil {
		return nil, err
	}
	for _, c := range cs {
		for _, q := range c.questions {
			t.questions = append(t.questions, q.Question)
		}
		err := eachLine(c.memories, func(n int, line []byte) error {
			var m struct {
				Content string `json:"content"`
			}
			if err := json.Unmarshal(line, &m); err != nil {
				return fmt.Errorf("%s line %d: %w", c.memories, n, err)
			}
			t.contents = append(t.contents, m.Content)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(t.contents) == 0 {
		return nil, memory.Invalid("--texts", "%s holds no memory", o.Texts)
	}
	r := rand.New(rand.NewPCG(corpusSeed, 3))
	r.Shuffle(len(t.questions), func(i, k int) {
		t.questions[i], t.questions[k] = t.questions[k], t.questions[i]
	})
	own := t.contents
	t.contents = slices.Clone(own[:min(len(own), o.N)])
	for len(t.contents) < o.N {
		t.contents = append(t.contents, joined(own[r.IntN(len(own))], own[r.IntN(len(own))]))
	}
	return t, nil
}

// joined is the first half of one text and the second of another.
func joined(a, b string) string {
	first, second := strings.Fields(a), strings.Fields(b)
	return strings.Join(slices.Concat(first[:(len(first)+1)/2], second[len(second)/2:]), " ")
}

// write writes the memories as import reads them.
func (t *texts) write(w *io.PipeWriter) {
	r := rand.New(rand.NewPCG(corpusSeed, 4))
	enc := json.NewEncoder(w)
	for i, content := range t.contents {
		err := enc.Encode(map[string]any{
			"id": benchUUID(i), "content": content, "type": textTypes[r.IntN(len(textTypes))],
			"tags":    []string{fmt.Sprintf("area-%d", r.IntN(textTags))},
			"project": fmt.Sprintf("project-%d", r.IntN(textProjects)),
		})
		if err != nil {
			w.CloseWithError(err)
			return
		}
	}
	w.Close()
}

// benchUUID numbers memories, so that equal contents are memories of their own.
func benchUUID(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012x", n+1) }

// queries returns n questions, some of them again where there are fewer.
func (t *texts) queries(n int) (asked []string) {
	for i := range n {
		asked = append(asked, t.questions[i%len(t.questions)])
	}
	return asked
}

// scan is the reference: each query's words are looked for in every text, held in memory as
// numbers, and the texts are scored by BM25 on one goroutine.
func (t *texts) scan(asked []string) Spread {
	numbers := map[string]uint32{}
	number := func(text string) []uint32 {
		words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsNumber(r)
		})
		out := make([]uint32, len(words))
		for i, w := range words {
			n, ok := numbers[w]
			if !ok {
				n = uint32(len(numbers))
				numbers[w] = n
			}
			out[i] = n
		}
		return out
	}
	all, total := make([][]uint32, len(t.contents)), 0
	for i, content := range t.contents {
		all[i] = number(content)
		total += len(all[i])
	}
	var took []time.Duration
	for _, q := range asked {
		words := number(q)
		began := time.Now()
		scanBM25(all, float64(total)/float64(len(all)), words)
		took = append(took, time.Since(began))
	}
	return SpreadOf(took)
}

// scanBM25 returns the scores of the best searchK texts, best first.
func scanBM25(all [][]uint32, mean float64, words []uint32) (best []float64) {
	const k1, b = 0.9, 0.4
	counts, has := make([][]float64, len(all)), make([]float64, len(words))
	for i, text := range all {
		for _, w := range text {
			for k, want := range words {
				if w != want {
					continue
				}
				if counts[i] == nil {
					counts[i] = make([]float64, len(words))
				}
				if counts[i][k]++; counts[i][k] == 1 {
					has[k]++
				}
			}
		}
	}
	for i, tfs := range counts {
		score := 0.0
		for k, tf := range tfs {
			idf := math.Log(1 + (float64(len(all))-has[k]+0.5)/(has[k]+0.5))
			score += idf * tf * (k1 + 1) / (tf + k1*(1-b+b*float64(len(all[i]))/mean))
		}
		at, _ := slices.BinarySearchFunc(best, score, func(x, y float64) int { return cmp.Compare(y, x) })
		if score > 0 && at < searchK {
			best = slices.Insert(best, at, score)
			best = best[:min(len(best), searchK)]
		}
	}
	return best
}
