package lsa

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// made returns a learner of texts on so many subjects, each of which has words of its own; a text
// has some of them, and some that all subjects share. Word s.n is the n-th of subject s.
func made(texts, subjects int, seed uint64) (*Learner, [][]string) {
	r := rand.New(rand.NewPCG(seed, 0))
	uses := map[string][]Use{}
	said := make([][]string, texts)
	for i := range texts {
		for n := range 24 {
			if r.IntN(3) == 0 {
				said[i] = append(said[i], fmt.Sprintf("%d.%d", i%subjects, n))
			}
		}
		said[i] = append(said[i], fmt.Sprintf("all.%d", r.IntN(4)))
		slices.Sort(said[i])
		for _, w := range said[i] {
			uses[w] = append(uses[w], Use{i, 1 + uint32(r.IntN(3))})
		}
	}
	l := NewLearner(texts)
	names := make([]string, 0, len(uses))
	for name := range uses {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		l.Add(name, uses[name])
	}
	return l, said
}

func fold(s *Space, words ...string) Vector {
	f := s.Fold()
	for _, w := range words {
		f.Add(w, 1)
	}
	return f.Vector()
}

// Texts of one subject are near each other also where they share no word, those of two are not.
func TestSubjectsAreFound(t *testing.T) {
	const subjects = 60
	l, _ := made(1024, subjects, 1)
	s := l.Learn()
	if s == nil {
		t.Fatal("nothing was learned")
	}
	words := func(subject, from, to int) (all []string) {
		for n := from; n < to; n++ {
			all = append(all, fmt.Sprintf("%d.%d", subject, n))
		}
		return all
	}
	least, most := 1.0, -1.0
	for subject := range subjects {
		query := fold(s, words(subject, 0, 6)...)
		same := fold(s, words(subject, 6, 24)...)
		other := fold(s, words((subject+1)%subjects, 6, 24)...)
		least, most = min(least, query.Similarity(&same)), max(most, query.Similarity(&other))
	}
	if least < 0.7 || most > 0.3 {
		t.Errorf("the same subject is as near as %.2f, another one as %.2f", least, most)
	}
}

// A text folded in is near the mean of its words, and what a space does not know says nothing.
func TestFolding(t *testing.T) {
	l, said := made(200, 10, 2)
	s := l.Learn()
	v, again := fold(s, said[0]...), fold(s, append(slices.Clone(said[0]), "unheard")...)
	if v != again {
		t.Error("a word that is not known changes a text")
	}
	if got := v.Similarity(&v); math.Abs(got-1) > 1e-6 {
		t.Errorf("a text is %.9f like itself", got)
	}
	nothing := fold(s, "unheard", "")
	if nothing != (Vector{}) || v.Similarity(&nothing) != 0 {
		t.Error("a text of no known word has a direction")
	}
}

// What is learned is the same on every machine: the digest was made on another kind of processor.
func TestLearnedTheSameEverywhere(t *testing.T) {
	l, _ := made(300, 12, 3)
	got := fmt.Sprintf("%x", sha256.Sum256(l.Learn().Append(nil)))
	const want = "2baf9676e30f4ec8d6ca28fc5a8a7db84e810df55646d3302867d13202f99700"
	if got != want {
		t.Errorf("learned %s, want %s", got, want)
	}
}

// Too little to learn from gives no space rather than a bad one.
func TestTooLittle(t *testing.T) {
	few, _ := made(Dims, 4, 4)
	if few.Learn() != nil {
		t.Error("a space of no more texts than directions")
	}
	l := NewLearner(1000)
	for i := range Dims {
		l.Add(fmt.Sprint(i), []Use{{i, 1}, {i + 1, 1}})
	}
	l.Add("once", []Use{{1, 1}})
	all := make([]Use, 1000)
	for i := range all {
		all[i] = Use{i, 1}
	}
	l.Add("everywhere", all)
	l.Add(string(make([]byte, MaxTermBytes+1)), []Use{{1, 1}, {2, 1}})
	if l.Learn() != nil {
		t.Error("a space of words that say nothing")
	}
}

// Texts that repeat each other have fewer directions than a space; the rest of it stays empty.
func TestFewDirections(t *testing.T) {
	l := NewLearner(300)
	for w := range 90 {
		var uses []Use
		for i := w % 3; i < 300; i += 3 {
			uses = append(uses, Use{i, 1})
		}
		l.Add(fmt.Sprint(w), uses)
	}
	s := l.Learn()
	a, b, c := fold(s, "0"), fold(s, "3"), fold(s, "1")
	if a.Similarity(&b) < 0.99 || math.Abs(a.Similarity(&c)) > 0.01 {
		t.Errorf("%.3f like the same, %.3f like another", a.Similarity(&b), a.Similarity(&c))
	}
}

// Of more words than a space holds, those that the most texts have stay.
func TestMostFrequentWordsStay(t *testing.T) {
	l := NewLearner(200)
	for w := range MaxTerms + 500 {
		uses := []Use{{w % 199, 1}, {w%199 + 1, 1}}
		if w >= MaxTerms {
			uses = []Use{{0, 1}, {5 + w%100, 1}, {150, 1}}
		}
		l.Add(fmt.Sprint(w), uses)
	}
	s := l.Learn()
	if s.Len() != MaxTerms {
		t.Fatalf("%d words", s.Len())
	}
	for _, w := range []int{0, MaxTerms - 501, MaxTerms, MaxTerms + 499} {
		if _, ok := s.number[fmt.Sprint(w)]; !ok {
			t.Errorf("word %d is missing", w)
		}
	}
	if _, ok := s.number[fmt.Sprint(MaxTerms-1)]; ok {
		t.Error("the last of the rarest words stays")
	}
}

// A space is read back as it was written; what is cut or changed in its form is an error.
func TestParse(t *testing.T) {
	l, _ := made(200, 10, 5)
	whole := l.Learn().Append(nil)
	s, err := Parse(whole)
	if err != nil || !bytes.Equal(s.Append(nil), whole) {
		t.Fatalf("read back otherwise: %v", err)
	}
	first := termBytes + int(whole[0])
	for n := 1; n < 3*first; n++ {
		if _, err := Parse(whole[:n]); (err == nil) != (n%first == 0) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	twice := append(slices.Clone(whole[:first]), whole[:first]...)
	if _, err := Parse(twice); !errors.Is(err, ErrSpace) {
		t.Errorf("one word twice: %v", err)
	}
	for _, scale := range [][]byte{{0xFF, 0x80, 0, 0}, {0x7F, 0xC0, 0, 0}, {0x7F, 0x80, 0, 0}} {
		bad := slices.Clone(whole)
		copy(bad[1+int(bad[0]):], scale)
		if _, err := Parse(bad); !errors.Is(err, ErrSpace) {
			t.Errorf("scale % x: %v", scale, err)
		}
	}
}

func BenchmarkLearn(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		l, _ := made(1024, 200, 6)
		b.StartTimer()
		l.Learn()
	}
}
