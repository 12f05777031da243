package embed

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWord bounds what WordPiece looks at as one word, in characters, as its original does.
const maxWord = 100

// tokenizer cuts texts into the numbers of tokens, without the special ones that a model puts
// around a text. Unknown pieces are left out.
type tokenizer struct {
	normalize step
	split     func(string) []string
	pieces    func(dst []int, word string) []int
	size      int // numbers are below
}

// readTokenizer reads a tokenizer.json of Hugging Face's tokenizers.
func readTokenizer(b []byte) (*tokenizer, error) {
	var file struct {
		Normalizer   json.RawMessage `json:"normalizer"`
		PreTokenizer json.RawMessage `json:"pre_tokenizer"`
		Model        json.RawMessage `json:"model"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("it is cut short or not JSON: %v", err)
	}
	t := &tokenizer{}
	var err error
	if t.normalize, err = readNormalizer(file.Normalizer); err != nil {
		return nil, err
	}
	if t.split, err = readSplit(file.PreTokenizer); err != nil {
		return nil, err
	}
	var model struct{ Type string }
	if isNull(file.Model) {
		return nil, errors.New("it has no model")
	}
	if err := json.Unmarshal(file.Model, &model); err != nil {
		return nil, err
	}
	switch model.Type {
	case "WordPiece", "":
		t.pieces, t.size, err = readWordPiece(file.Model)
	case "Unigram":
		t.pieces, t.size, err = readUnigram(file.Model)
	default:
		err = fmt.Errorf("its model is %.40q: WordPiece and Unigram are supported", model.Type)
	}
	return t, err
}

func (t *tokenizer) tokens(text string) []int {
	if t.normalize != nil {
		text = t.normalize(text)
	}
	var out []int
	for _, w := range t.split(text) {
		out = t.pieces(out, w)
	}
	return out
}

func readSplit(raw json.RawMessage) (func(string) []string, error) {
	if isNull(raw) {
		return func(s string) []string { return []string{s} }, nil
	}
	var p struct {
		Type          string
		Pretokenizers []json.RawMessage
		Replacement   string
		PrependScheme string `json:"prepend_scheme"`
		Prefix        *bool  `json:"add_prefix_space"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, err
	}
	switch p.Type {
	case "BertPreTokenizer":
		return splitBert, nil
	case "WhitespaceSplit":
		return strings.Fields, nil
	case "Metaspace":
		first := p.PrependScheme != "never" && yes(p.Prefix, true)
		return splitMeta(p.Replacement, first), nil
	case "Sequence":
		var all []func(string) []string
		for _, raw := range p.Pretokenizers {
			one, err := readSplit(raw)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		return func(s string) []string {
			words := []string{s}
			for _, one := range all {
				var next []string
				for _, w := range words {
					next = append(next, one(w)...)
				}
				words = next
			}
			return words
		}, nil
	}
	return nil, fmt.Errorf("pre-tokenizer %.40q is not supported", p.Type)
}

// splitBert cuts at spaces and makes each punctuation mark a word.
func splitBert(s string) []string {
	var words []string
	from := -1
	for i, r := range s {
		mark := isMark(r)
		if from >= 0 && (mark || unicode.IsSpace(r)) {
			words, from = append(words, s[from:i]), -1
		}
		switch {
		case mark:
			words = append(words, s[i:i+utf8.RuneLen(r)])
		case from < 0 && !unicode.IsSpace(r):
			from = i
		}
	}
	if from >= 0 {
		words = append(words, s[from:])
	}
	return words
}

func isMark(r rune) bool {
	ascii := r >= 33 && r <= 47 || r >= 58 && r <= 64 || r >= 91 && r <= 96 || r >= 123 && r <= 126
	return ascii || unicode.IsPunct(r)
}

// splitMeta makes spaces visible and begins a word at each.
func splitMeta(visible string, first bool) func(string) []string {
	if visible == "" {
		visible = "▁"
	}
	return func(s string) []string {
		s = strings.ReplaceAll(s, " ", visible)
		if first && !strings.HasPrefix(s, visible) {
			s = visible + s
		}
		var words []string
		for len(s) > 0 {
			next := strings.Index(s[1:], visible)
			if next < 0 {
				return append(words, s)
			}
			words, s = append(words, s[:next+1]), s[next+1:]
		}
		return words
	}
}

func readWordPiece(raw json.RawMessage) (func([]int, string) []int, int, error) {
	var m struct {
		Vocab  map[string]int
		Prefix *string `json:"continuing_subword_prefix"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, 0, err
	}
	prefix, size := "##", 0
	if m.Prefix != nil {
		prefix = *m.Prefix
	}
	for word, n := range m.Vocab {
		if n < 0 || n > math.MaxInt32 {
			return nil, 0, fmt.Errorf("token %.40q has the number %d", word, n)
		}
		size = max(size, n+1)
	}
	if size == 0 {
		return nil, 0, errors.New("its vocabulary is empty")
	}
	cut := func(dst []int, word string) []int { return wordPiece(dst, word, m.Vocab, prefix) }
	return cut, size, nil
}

// wordPiece takes the longest known piece from the front, again and again; a word with a piece
// that is not known is unknown as a whole.
func wordPiece(dst []int, word string, vocab map[string]int, prefix string) []int {
	if utf8.RuneCountInString(word) > maxWord {
		return dst
	}
	begin := len(dst)
	for at := 0; at < len(word); {
		end := len(word)
		for ; end > at; end-- {
			piece := word[at:end]
			if at > 0 {
				piece = prefix + piece
			}
			if n, ok := vocab[piece]; ok {
				dst = append(dst, n)
				break
			}
		}
		if end == at {
			return dst[:begin]
		}
		at = end
	}
	return dst
}

// unigram is a vocabulary with logarithms of probabilities (Kudo, Subword Regularization, 2018).
type unigram struct {
	number  map[string]int
	score   []float64
	longest int
	unknown float64
	unk     int
}

func readUnigram(raw json.RawMessage) (func([]int, string) []int, int, error) {
	var m struct {
		Vocab []json.RawMessage
		Unk   *int `json:"unk_id"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, 0, err
	}
	if len(m.Vocab) == 0 {
		return nil, 0, errors.New("its vocabulary is empty")
	}
	u := &unigram{number: map[string]int{}, unk: -1}
	if m.Unk != nil {
		u.unk = *m.Unk
	}
	least := 0.0
	for n, raw := range m.Vocab {
		var piece string
		var score float64
		if err := json.Unmarshal(raw, &[]any{&piece, &score}); err != nil {
			return nil, 0, fmt.Errorf("piece %d: %v", n, err)
		}
		u.number[piece], u.score = n, append(u.score, score)
		u.longest, least = max(u.longest, len(piece)), min(least, score)
	}
	u.unknown = least - 10
	return u.pieces, len(m.Vocab), nil
}

// pieces finds the cut of the highest probability.
func (u *unigram) pieces(dst []int, word string) []int {
	type reach struct {
		score float64
		from  int
		token int
	}
	best := make([]reach, len(word)+1)
	for i := range best {
		best[i] = reach{score: math.Inf(-1)}
	}
	best[0].score = 0
	for at := 0; at < len(word); {
		_, width := utf8.DecodeRuneInString(word[at:])
		offer := func(end, token int, score float64) {
			if s := best[at].score + score; s > best[end].score {
				best[end] = reach{s, at, token}
			}
		}
		offer(at+width, -1, u.unknown)
		for end := at + width; end <= min(len(word), at+u.longest); {
			if n, ok := u.number[word[at:end]]; ok && n != u.unk {
				offer(end, n, u.score[n])
			}
			if end == len(word) {
				break
			}
			_, w := utf8.DecodeRuneInString(word[end:])
			end += w
		}
		at += width
	}
	begin := len(dst)
	for at := len(word); at > 0; at = best[at].from {
		if best[at].token >= 0 {
			dst = append(dst, best[at].token)
		}
	}
	for i, j := begin, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}
