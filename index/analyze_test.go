package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestAnalyze(t *testing.T) {
	for text, want := range map[string]string{
		"The runners were running":  "the runner were run",
		"getUserName(max_len)":      "getusername get user name max_len max len",
		"see pkg.Func and HTTPCode": "see pkg.func pkg func and httpcode http code",
		"IDs XMLHttpÉcole":          "id xmlhttpécole xml http école",
		"don't it’s":                "don't it’s",
		"NAÏVE naïve":               "naïve",
		"nai\u0308ve":               "naïve",
		"記憶は":                       "記 憶 記憶 は 憶は",
		"テスト a 記":                   "テ ス テス ト スト a 記",
		"v1.2.3 2026-01-02":         "v1.2.3 v1 2 3 2026 01 02",
		" \t\x00 ?! … ":             "",
		"👍 ok":                      "👍 ok",
		"\xff\xfebad\xff":           "bad",
		"Привет МИР":                "привет мир",
		"ключи КЛЮЧЕЙ ключами":      "ключ",
		"зелёный зеленого":          "зелен",
		"мы и они":                  "мы и они",
		"український ключі":         "український ключі", // not of the Russian letters alone
	} {
		var z analyzer
		if diff := gocmp.Diff(want, strings.Join(z.analyze(text).names(), " ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// names are the terms of an analysis.
func (a analysis) names() (names []string) {
	for _, t := range a.terms {
		names = append(names, t.Value())
	}
	return names
}

// tf is how often the text has a term.
func (a analysis) tf(term string) uint32 {
	if i := slices.Index(a.names(), term); i >= 0 {
		return a.counts[i]
	}
	return 0
}

func TestAnalyzeCounts(t *testing.T) {
	var z analyzer
	a := z.analyze("the fox, the foxes and THE FOX")
	if a.tf("fox") != 3 || a.tf("the") != 3 || a.tf("foxes") != 0 || a.length != 3 {
		t.Fatalf("%v %v, length %d", a.names(), a.counts, a.length)
	}
}

// What an analyzer remembers of other texts changes nothing, also where it forgets them.
func TestAnalyzerRemembers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	shapes := []string{"w%d", "W%dRun", "running%d", "%d", "слова%dй", "the", "字", "max_%d", "Ran", "a.b",
		"der", "nicht", "und", "Häuser", "les", "sont"}
	var z analyzer
	resets := 0
	for n := range 1200 {
		var text strings.Builder
		for range 30 {
			word, of := pick(r, shapes...), pick(r, 10, 1000, 1_000_000)
			if strings.Contains(word, "%d") {
				word = fmt.Sprintf(word, r.IntN(of))
			}
			text.WriteString(word + " ")
		}
		before := z.lexicons[inEnglish].often
		if n%500 == 499 {
			for i := range maxSeen {
				fmt.Fprint(&text, " q", i)
			}
		}
		got, fresh := z.analyze(text.String()), new(analyzer)
		want := fresh.analyze(text.String())
		if !slices.Equal(got.terms, want.terms) || !slices.Equal(got.counts, want.counts) ||
			got.length != want.length {
			t.Fatalf("%q: %q %v, alone %q %v", text.String(), got.names(), got.counts,
				want.names(), want.counts)
		}
		if n > 0 && z.lexicons[inEnglish].often != before {
			resets++
		}
	}
	if resets == 0 {
		t.Error("nothing was forgotten")
	}
}

// A text always finds itself, and terms are bounded valid UTF-8 whatever the text.
func FuzzAnalyze(f *testing.F) {
	for _, s := range []string{
		"", "getUserName", "\xff_\xfe", "a\u0301'", "ー한국어", "x__y..Z", "ǅaB",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var z, fresh analyzer
		a := z.analyze(s)
		for _, term := range a.names() {
			if term == "" || len(term) > MaxTermBytes || !utf8.ValidString(term) {
				t.Errorf("term %q of %q", term, s)
			}
		}
		if again := fresh.analyze(strings.ToValidUTF8(s, " ")); !slices.Equal(a.terms, again.terms) {
			t.Errorf("terms of %q: %q, then %q", s, a.names(), again.names())
		}
	})
}

func TestExactKey(t *testing.T) {
	same := ExactKey("caf\u00e9", "t", "p")
	if ExactKey("cafe\u0301", "t", "p") != same {
		t.Error("the same after NFC has another key")
	}
	for _, other := range [][3]string{{"Caf\u00e9", "t", "p"}, {"caf\u00e9", "tp", ""},
		{"caf\u00e9", "", "tp"}, {"caf\u00e9 ", "t", "p"}} {
		if ExactKey(other[0], other[1], other[2]) == same {
			t.Errorf("%q has the same key", other)
		}
	}
}

// Strings in keys sort as strings do, and come back, whatever follows them.
func FuzzKeyString(f *testing.F) {
	f.Add("a", "a\x00")
	f.Add("", "\x00\xff")
	f.Add("\x00\x01", "\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := newKey('k').str(a).u64(5), newKey('k').str(b).u64(5)
		if got, want := bytes.Compare(x, y), strings.Compare(a, b); got != want {
			t.Errorf("%q and %q compare as %d, want %d", a, b, got, want)
		}
		r := fieldReader{b: x[1:]}
		if got := r.str(); got != a || r.u64() != 5 || r.done("key") != nil {
			t.Errorf("%q came back as %q", a, got)
		}
	})
}

// Words are marked as a search of all marked words says, whatever their letters.
func TestWordMarks(t *testing.T) {
	words := []string{"", "a", "wee\u212a", "\u0130n", "o\u212a", "ABC", "tHree", "é", "1st", "wednesdays"}
	for w := range markedWords {
		words = append(words, w, strings.ToUpper(w), w[1:], w[:len(w)-1], w+"s", "x"+w,
			strings.ReplaceAll(w, "k", "\u212a"), strings.ReplaceAll(w, "i", "\u0130"))
	}
	for _, w := range words {
		want := markedWords[strings.ToLower(w)]
		if len(w) > len("wednesday") {
			want = 0
		}
		if w != "" && w[0] >= '0' && w[0] <= '9' {
			want = markNumber
		}
		if w != "" && wordMarks(w) != want {
			t.Errorf("%q has marks %b, want %b", w, wordMarks(w), want)
		}
	}
}
