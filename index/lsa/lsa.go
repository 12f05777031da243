// Package lsa learns from texts alone which words go together, by latent semantic analysis
// (Deerwester, Dumais, Furnas, Landauer and Harshman, Indexing by Latent Semantic Analysis, 1990):
// the space of [Dims] directions in which the texts, as weighted words, differ most. A text or a
// query folded into it is near those that say the same in other words.
//
// The space is found by subspace iteration (Halko, Martinsson and Tropp, Finding Structure with
// Randomness, 2011). It is a pure function of what was added, in its order: sums have a fixed
// order, no product is fused with an addition, and of the functions that processors compute
// differently none is used. So it may be part of what has to be equal everywhere.
package lsa

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	// Dims is how many directions a space has.
	Dims = 64
	// MaxTerms bounds the words of a space: those that the most texts have.
	MaxTerms = 1 << 12
	// MaxTermBytes bounds a word.
	MaxTermBytes = math.MaxUint8

	rounds = 5 // of subspace iteration
	// tooSmall is the share of the square of a direction's length up to which what is left of it,
	// without the others, is noise.
	tooSmall = 1e-9
)

// ErrSpace is wrapped by what Parse says of bytes that are no space.
var ErrSpace = errors.New("malformed space of words")

// Use says that a text has a word so often.
type Use struct {
	Text  int // its number
	Count uint32
}

// Learner collects the words of texts, which are numbered from 0.
type Learner struct {
	texts int
	terms []learned
}

type learned struct {
	name   string
	rarity float64
	uses   []weighted
}

type weighted struct {
	text   int
	weight float64
}

// NewLearner returns a Learner of so many texts.
func NewLearner(texts int) *Learner { return &Learner{texts: texts} }

// Add adds a word and the texts that have it, which are in order. Words that one text has, or more
// than half of all, say nothing about others and are left out, as are those above MaxTermBytes.
func (l *Learner) Add(name string, uses []Use) {
	if len(uses) < 2 || len(uses) > l.texts/2 || len(name) > MaxTermBytes {
		return
	}
	t := learned{name: name, rarity: rarity(float64(l.texts) / float64(len(uses)))}
	for _, u := range uses {
		t.uses = append(t.uses, weighted{u.Text, float64(frequency(u.Count) * t.rarity)})
	}
	l.terms = append(l.terms, t)
}

// frequency is the weight of a word that a text has n times.
func frequency(n uint32) float64 { return math.Sqrt(float64(n)) }

// rarity is about the binary logarithm of x, by straight lines between the powers of two: the
// logarithm itself is not the same on every processor.
func rarity(x float64) float64 {
	m, e := math.Frexp(x)
	return float64(e) + float64(2*m) - 2
}

// Learn returns the space; nil where there are too few words or texts for one.
func (l *Learner) Learn() *Space {
	l.limit()
	if len(l.terms) <= Dims || l.texts <= Dims {
		return nil
	}
	l.normalize()
	r := rand.New(rand.NewPCG(1, 2))
	texts := newMatrix(l.texts)
	for i := range texts {
		texts[i] = 1
		if r.Uint64()&1 == 0 {
			texts[i] = -1
		}
	}
	words := newMatrix(len(l.terms))
	for range rounds {
		l.gather(words, texts)
		clear(texts)
		l.spread(texts, words)
		texts.orthonormalize()
	}
	l.gather(words, texts)
	words.orthonormalize()
	return l.space(words)
}

// limit leaves the words that the most texts have, in the order they came.
func (l *Learner) limit() {
	if len(l.terms) <= MaxTerms {
		return
	}
	counts := make([]int, len(l.terms))
	for i, t := range l.terms {
		counts[i] = len(t.uses)
	}
	slices.Sort(counts)
	least := counts[len(counts)-MaxTerms]
	same := MaxTerms // of those with the least count, so many stay
	for _, n := range counts {
		if n > least {
			same--
		}
	}
	l.terms = slices.DeleteFunc(l.terms, func(t learned) bool {
		if len(t.uses) == least {
			same--
			return same < 0
		}
		return len(t.uses) < least
	})
}

// normalize gives each text the length 1.
func (l *Learner) normalize() {
	squares := make([]float64, l.texts)
	for _, t := range l.terms {
		for _, u := range t.uses {
			squares[u.text] += float64(u.weight * u.weight)
		}
	}
	for _, t := range l.terms {
		for i := range t.uses {
			t.uses[i].weight /= math.Sqrt(squares[t.uses[i].text])
		}
	}
}

// gather makes each word the sum of its texts.
func (l *Learner) gather(words, texts matrix) {
	clear(words)
	for i, t := range l.terms {
		for _, u := range t.uses {
			addScaled(words.row(i), texts.row(u.text), u.weight)
		}
	}
}

// spread adds to each text its words.
func (l *Learner) spread(texts, words matrix) {
	for i, t := range l.terms {
		for _, u := range t.uses {
			addScaled(texts.row(u.text), words.row(i), u.weight)
		}
	}
}

func (l *Learner) space(words matrix) *Space {
	s := &Space{number: make(map[string]int32, len(l.terms))}
	for i, t := range l.terms {
		row, top := words.row(i), 0.0
		for j := range row {
			row[j] = float64(row[j] * t.rarity)
			top = max(top, math.Abs(row[j]))
		}
		scale := float32(top / math.MaxInt8)
		s.add(t.name, scale)
		for _, v := range row {
			step := int8(0)
			if scale > 0 {
				step = int8(max(-math.MaxInt8, min(math.MaxInt8, math.RoundToEven(v/float64(scale)))))
			}
			s.steps = append(s.steps, step)
		}
	}
	return s
}

// Space is what was learned: a direction for each word. Any number of goroutines may use it.
type Space struct {
	names  []string
	number map[string]int32
	scales []float32
	steps  []int8 // Dims of each word, in units of its scale
}

func (s *Space) add(name string, scale float32) {
	s.number[name] = int32(len(s.names))
	s.names = append(s.names, name)
	s.scales = append(s.scales, scale)
}

// Len returns how many words the space knows.
func (s *Space) Len() int { return len(s.names) }

// Vector is a text folded into a space, of length 1, or all zero where the space knows none of its
// words.
type Vector [Dims]float32

// Similarity is the cosine of two vectors of one space.
func (v *Vector) Similarity(o *Vector) float64 {
	sum := 0.0
	for i := range v {
		sum += float64(float64(v[i]) * float64(o[i]))
	}
	return sum
}

// Folding adds the words of a text up, in their order.
type Folding struct {
	s   *Space
	sum [Dims]float64
}

// Fold begins a text.
func (s *Space) Fold() Folding { return Folding{s: s} }

// Add adds a word that the text has count times.
func (f *Folding) Add(name string, count uint32) { f.AddWeighted(name, frequency(count)) }

// AddWeighted adds a word of that weight.
func (f *Folding) AddWeighted(name string, weight float64) {
	n, ok := f.s.number[name]
	if !ok {
		return
	}
	scale := float64(weight * float64(f.s.scales[n]))
	for i, step := range f.s.steps[int(n)*Dims:][:Dims] {
		f.sum[i] += float64(scale * float64(step))
	}
}

// Vector returns the text.
func (f *Folding) Vector() (v Vector) {
	square := 0.0
	for _, x := range f.sum {
		square += float64(x * x)
	}
	if square == 0 {
		return v
	}
	norm := math.Sqrt(square)
	for i, x := range f.sum {
		v[i] = float32(x / norm)
	}
	return v
}

// A word as it is written: the length of its name, its name, its scale, its steps.
const termBytes = 1 + 4 + Dims

// Append appends the space as Parse reads it.
func (s *Space) Append(b []byte) []byte {
	for i, name := range s.names {
		b = append(append(b, byte(len(name))), name...)
		b = binary.BigEndian.AppendUint32(b, math.Float32bits(s.scales[i]))
		for _, step := range s.steps[i*Dims:][:Dims] {
			b = append(b, byte(step))
		}
	}
	return b
}

// Parse reads what Append wrote.
func Parse(b []byte) (*Space, error) {
	s := &Space{number: map[string]int32{}}
	for size := len(b); len(b) > 0; {
		n := int(b[0])
		if len(b) < termBytes+n {
			return nil, fmt.Errorf("%w: word cut at byte %d", ErrSpace, size)
		}
		name, scale := string(b[1:1+n]), math.Float32frombits(binary.BigEndian.Uint32(b[1+n:]))
		if _, twice := s.number[name]; twice || !(scale >= 0 && scale <= math.MaxFloat32) {
			return nil, fmt.Errorf("%w: word at byte %d", ErrSpace, size-len(b))
		}
		s.add(name, scale)
		for _, step := range b[5+n:][:Dims] {
			s.steps = append(s.steps, int8(step))
		}
		b = b[termBytes+n:]
	}
	return s, nil
}

// matrix is rows of Dims numbers.
type matrix []float64

func newMatrix(rows int) matrix { return make(matrix, rows*Dims) }

func (m matrix) row(i int) []float64 { return m[i*Dims:][:Dims:Dims] }

// orthonormalize makes the columns orthogonal and of length 1 (modified Gram-Schmidt); those that
// others make up become zero.
func (m matrix) orthonormalize() {
	columns := make([][]float64, Dims) // each in one piece, which is what is read again and again
	for j := range columns {
		columns[j] = make([]float64, len(m)/Dims)
		for i := range columns[j] {
			columns[j][i] = m[i*Dims+j]
		}
	}
	for j, c := range columns {
		before := dot(c, c)
		for _, other := range columns[:j] {
			addScaled(c, other, -dot(other, c))
		}
		square, scale := dot(c, c), 0.0
		if square > tooSmall*before {
			scale = 1 / math.Sqrt(square)
		}
		for i := range c {
			c[i] = float64(scale * c[i])
			m[i*Dims+j] = c[i]
		}
	}
}

// dot adds up four sums, as a processor can at once, and then these.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i] * b[i])
		s1 += float64(a[i+1] * b[i+1])
		s2 += float64(a[i+2] * b[i+2])
		s3 += float64(a[i+3] * b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// addScaled adds x, times scale, to sum.
func addScaled(sum, x []float64, scale float64) {
	x = x[:len(sum)]
	for i := range sum {
		sum[i] += float64(scale * x[i])
	}
}
