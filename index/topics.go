package index

import (
	"fmt"
	"strings"
	"sync"

	"memlog/index/lsa"
)

// Topics are what a store's own texts tell about which words go together (package lsa): a store of
// documents finds by them what says the same in other words. They are learned when it has so many
// images, and anew when it has grown, of some of them: as of then, for all searches until the next
// time. From some thousands on they hardly change.
//
// Stores of notes have none: there each word is said too seldom to learn much, and what neighbours
// and sessions say is worth more. Nor are they asked in stores of more than topicStore documents:
// there the texts that are compared would have to be read anew for nearly every search, which costs
// more than all the rest of it.
const (
	topicStore = 1 << 14
	topicTexts = 1 << 10 // all are learned from up to so many, then about as many of them
	// topicLong is the longness of a store from which it has topics.
	topicLong = 0.5
	// topicCandidates is how many of the best by all other signals are compared.
	topicCandidates = 50
	// maxTopicVectors bounds the texts of which the place among the topics is kept, for each time
	// they were learned: those of the largest store, and as many of its past.
	maxTopicVectors = 2 * topicStore
)

// topicsOf is from how many of the first images topics are learned.
var topicsOf = [...]Row{512, 768, 1 << 10, 1 << 11, 1 << 12, 1 << 13}

// topicsKey is of topics that are there from record seq on, with which there were so many images.
func topicsKey(seq uint64, images Row) key { return newKey(keyTopics).u64(seq).row(images) }

// putTopics puts topics, where they are due.
func (b *Batch) putTopics(seq uint64) error {
	n := b.state.nextRow
	of := topicRows(n)
	if of == 0 || !b.state.totals.hasTopics() {
		return nil
	}
	space, err := b.learned(of)
	if err != nil || len(space) == 0 {
		return err
	}
	return b.set(topicsKey(seq, n), space)
}

// topicsDue returns at how many images there are topics learned from the first so many: a quarter
// later, in which time they are learned.
func topicsDue(of Row) Row { return of + of/4 }

// topicRows returns from how many images those topics are learned that are due at n; 0: none are.
func topicRows(n Row) Row {
	for _, of := range topicsOf {
		if topicsDue(of) == n {
			return of
		}
	}
	return 0
}

// topicsAhead returns from how many images the topics are learned that are due after n; 0: none.
func topicsAhead(n Row) Row {
	for _, of := range topicsOf {
		if of <= n && n < topicsDue(of) {
			return of
		}
	}
	return 0
}

// hasTopics reports whether the texts are long enough for topics to be worth anything.
func (t totals) hasTopics() bool {
	return t.Live > 0 && longness(float64(t.Terms)/float64(t.Live)) >= topicLong
}

// topicSample numbers about topicTexts of the first n rows, -1 for the others. Which ones follows
// no period, as texts of several sources in turn do.
func topicSample(n Row) (numbers []int32, count int) {
	step := max(1, uint64(n)/topicTexts)
	numbers = make([]int32, n)
	for row := range numbers {
		numbers[row] = -1
		if (uint64(row)*mixing>>32)%step == 0 {
			numbers[row] = int32(count)
			count++
		}
	}
	return numbers, count
}

// mixing spreads numbers in a row over the upper bits (Knuth, The Art of Computer Programming 3,
// 6.4: the golden ratio).
const mixing = 0x9E3779B97F4A7C15

// topicLearner reads the words of some of the first n rows.
func (s source) topicLearner(n Row) (*lsa.Learner, error) {
	numbers, count := topicSample(n)
	l := lsa.NewLearner(count)
	var name string // of the term of uses, which may go over several keys
	var uses []lsa.Use
	end := func() {
		if !strings.HasPrefix(name, fieldPrefix) && !isStopWord(name) {
			l.Add(name, uses)
		}
		uses = uses[:0]
	}
	err := s.scan(newKey(keyPosting), func(k, v []byte) (bool, error) {
		f := fieldReader{b: k[1:]}
		term, block := f.str(), f.u32()
		if err := f.done("posting key"); err != nil {
			return false, err
		}
		if term != name {
			end()
			name = term
		}
		one := run{base: Row(block) << postingBlockShift, data: v}
		for i := range one.len() {
			if row := one.row(i); row < n && numbers[row] >= 0 {
				uses = append(uses, lsa.Use{Text: int(numbers[row]), Count: one.tf(i)})
			}
		}
		return true, nil
	})
	end()
	return l, err
}

// topics are one time's, as searches use them. What is kept is a function of them and of the texts.
type topics struct {
	space *lsa.Space
	mu    sync.Mutex
	texts map[Row]lsa.Vector // mu guards
}

// topics returns what was learned last as of the view, nil where that is nothing.
func (v *View) topics() (*topics, error) {
	it, err := v.src.iter(newKey(keyTopics), topicsKey(v.seq+1, 0))
	if err != nil {
		return nil, err
	}
	defer it.Close()
	if !it.Last() {
		return nil, v.src.finish(it)
	}
	if v.batch != nil {
		return parseTopics(it.ValueAndErr())
	}
	name := string(it.Key())
	v.d.mu.Lock()
	defer v.d.mu.Unlock()
	if t := v.d.topics[name]; t != nil {
		return t, nil
	}
	t, err := parseTopics(it.ValueAndErr())
	if err != nil {
		return nil, v.src.fuse.check(err)
	}
	if v.d.topics == nil {
		v.d.topics = map[string]*topics{}
	}
	v.d.topics[name] = t
	return t, nil
}

func parseTopics(value []byte, err error) (*topics, error) {
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	space, err := lsa.Parse(value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errValue, err)
	}
	return &topics{space: space, texts: map[Row]lsa.Vector{}}, nil
}

// topic scores the best candidates so far by how near their texts are to the query among the
// topics. Where a model's vectors say what texts mean, they are not asked.
func (h *hybrid) topic() error {
	long := longness(h.b.mean)
	if long < topicLong || h.stats.Live > topicStore || h.q.Meaning != nil {
		return nil
	}
	t, err := h.v.topics()
	if t == nil || err != nil {
		return err
	}
	asked := t.space.Fold()
	for _, w := range h.p.words {
		for _, name := range append([]string{w.term}, w.others...) { // most are of no text
			asked.AddWeighted(name, w.weight)
		}
	}
	query := asked.Vector()
	top := h.ordered()
	top = top[:min(len(top), topicCandidates)]
	scores, best := make([]float64, len(top)), 0.0
	for i, c := range top {
		v, err := h.topicOf(t, c.row)
		if err != nil {
			return err
		}
		scores[i] = max(0, query.Similarity(&v))
		best = max(best, scores[i])
	}
	if best == 0 {
		return nil
	}
	for i, c := range top {
		c.signals[sigTopic] = float64(h.by.Topic*long) * scores[i] / best
	}
	h.sum()
	return nil
}

// topicOf returns the place of a row's text among the topics.
func (h *hybrid) topicOf(t *topics, n Row) (lsa.Vector, error) {
	t.mu.Lock()
	v, ok := t.texts[n]
	t.mu.Unlock()
	if ok {
		return v, nil
	}
	if err := h.docs.keep(n); err != nil { // the best are hits, too
		return v, err
	}
	text, err := h.docs.text(n)
	if err != nil {
		return v, err
	}
	z := analyzers.get()
	defer analyzers.put(z)
	a := z.analyze(text)
	folding := t.space.Fold()
	for i, t := range a.terms {
		folding.Add(t.Value(), a.counts[i])
	}
	v = folding.Vector()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.texts) >= maxTopicVectors {
		clear(t.texts)
	}
	t.texts[n] = v
	return v, nil
}
