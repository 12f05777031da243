package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
)

// The corpus: memories of about corpusChars characters, of words that are as unequally frequent as
// those of a language, the same at every run.
const (
	corpusChars = 300
	corpusWords = 30_000
	corpusSeed  = 20250125
)

// corpus makes texts. It is for one goroutine.
type corpus struct {
	r *rand.Rand
	z *rand.Zipf
}

func newCorpus(seed uint64) *corpus {
	r := rand.New(rand.NewPCG(corpusSeed, seed))
	return &corpus{r, rand.NewZipf(r, 1.07, 3, corpusWords-1)}
}

// word returns the word of a rank: syllables, as the digits of a number. Few of them are words of a
// language, so that none is heard in the texts.
func word(rank uint64) string {
	const onsets, vowels = "bfgkmpqrvwxyz", "aeiou"
	var b strings.Builder
	for n := rank + 1; n > 0; n /= uint64(len(onsets) * len(vowels)) {
		s := n % uint64(len(onsets)*len(vowels))
		b.WriteByte(onsets[s%uint64(len(onsets))])
		b.WriteByte(vowels[s/uint64(len(onsets))])
	}
	return b.String()
}

// words returns n words.
func (c *corpus) words(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = word(c.z.Uint64())
	}
	return strings.Join(all, " ")
}

// text returns about n characters of sentences.
func (c *corpus) text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		s := c.words(6 + c.r.IntN(12))
		b.WriteString(strings.ToUpper(s[:1]) + s[1:] + ". ")
	}
	return strings.TrimSuffix(b.String(), " ")
}

// writeCorpus writes n memories in the form that import reads.
func writeCorpus(w io.Writer, n int) error {
	c, buf := newCorpus(1), bufio.NewWriterSize(w, 1<<20)
	enc := json.NewEncoder(buf)
	for i := range n {
		err := enc.Encode(map[string]any{
			"content": fmt.Sprintf("%s %d", c.text(corpusChars), i),
			"tags":    []string{fmt.Sprintf("area-%d", c.r.IntN(50))},
			"type":    []string{"note", "decision", "fact"}[c.r.IntN(3)],
			"project": fmt.Sprintf("project-%d", c.r.IntN(8)),
		})
		if err != nil {
			return err
		}
	}
	return buf.Flush()
}

// run runs the binary to its end.
func run(ctx context.Context, exe string, args ...string) error {
	_, err := exec.CommandContext(ctx, exe, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("memlog %s: %w: %s", args[0], err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

// Texts returns n memories' texts, the same at every run, and as many queries of a few words.
func Texts(n, queries int) (texts, asked []string) {
	c := newCorpus(2)
	for range n {
		texts = append(texts, c.text(corpusChars))
	}
	for range queries {
		asked = append(asked, c.words(3))
	}
	return texts, asked
}
