package bench

import (
	"math"
	"slices"
	"strings"
)

// Ranking measures how well the wanted names stand in a ranking. All are means over questions.
type Ranking struct {
	Frac5  float64 `json:"frac@5"`
	Frac10 float64 `json:"frac@10"`
	Frac20 float64 `json:"frac@20"`
	Any10  float64 `json:"any@10"`
	All10  float64 `json:"all@10"`
	MRR    float64 `json:"mrr"`
	NDCG10 float64 `json:"ndcg@10"`

	// Beside the contract of the JSON, for people.
	Any5, Any20, All5, All20 float64 `json:"-"`
}

// Window measures what is shown with neighbours.
type Window struct {
	Frac5 float64 `json:"frac@5"`
}

// Score is what a set of questions came to.
type Score struct {
	Name       string           `json:"name"`
	Questions  int              `json:"questions"`
	Turn       Ranking          `json:"turn"`
	Session    Ranking          `json:"session"`
	Window2    Window           `json:"window2"`
	Categories map[string]Score `json:"categories,omitempty"`
}

// deepest is how many hits are looked at, but for the reciprocal rank.
const deepest = 20

// rank scores one ranking of names, each of which stands in it once.
func rank(ranked []string, wanted map[string]bool) Ranking {
	var r Ranking
	found, gain, ideal := 0, 0.0, 0.0
	share := func() (frac, some, all float64) {
		frac = float64(found) / float64(len(wanted))
		return frac, float64(min(found, 1)), math.Floor(frac)
	}
	for i := range max(len(ranked), deepest) {
		discount := 1 / math.Log2(float64(i)+2)
		if i < 10 && i < len(wanted) {
			ideal += discount
		}
		if i < len(ranked) && wanted[ranked[i]] {
			if found++; found == 1 {
				r.MRR = 1 / float64(i+1)
			}
			if i < 10 {
				gain += discount
			}
		}
		switch i + 1 {
		case 5:
			r.Frac5, r.Any5, r.All5 = share()
		case 10:
			r.Frac10, r.Any10, r.All10 = share()
		case deepest:
			r.Frac20, r.Any20, r.All20 = share()
		}
	}
	r.NDCG10 = gain / ideal
	return r
}

// sessions maps a ranking of names to the one of their sessions.
func sessions(names []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, n := range names {
		s := session(n)
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// session returns the session of a name: what stands before its colon, if it has one.
func session(name string) string {
	s, _, _ := strings.Cut(name, ":")
	return s
}

func set(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// tally sums what questions came to.
type tally struct {
	n             int
	turn, session Ranking
	window        Window
}

func (r *Ranking) fields() []*float64 {
	return []*float64{&r.Frac5, &r.Frac10, &r.Frac20, &r.Any5, &r.Any10, &r.Any20, &r.All5,
		&r.All10, &r.All20, &r.MRR, &r.NDCG10}
}

func (r *Ranking) add(o Ranking) {
	for i, f := range r.fields() {
		*f += *o.fields()[i]
	}
}

func (r Ranking) over(n int) Ranking {
	for _, f := range r.fields() {
		*f /= float64(max(n, 1))
	}
	return r
}

func (t *tally) add(o tally) {
	t.n += o.n
	t.turn.add(o.turn)
	t.session.add(o.session)
	t.window.Frac5 += o.window.Frac5
}

func (t tally) score(name string) Score {
	s := Score{Name: name, Questions: t.n, Turn: t.turn.over(t.n), Session: t.session.over(t.n)}
	s.Window2.Frac5 = t.window.Frac5 / float64(max(t.n, 1))
	return s
}

// tallies are sums by category.
type tallies map[string]*tally

func (ts tallies) add(category string, t tally) {
	if ts[category] == nil {
		ts[category] = &tally{}
	}
	ts[category].add(t)
}

// score adds the categories up.
func (ts tallies) score(name string) Score {
	var all tally
	categories := map[string]Score{}
	for c, t := range ts {
		categories[c] = t.score(c)
	}
	for _, c := range sortedKeys(ts) { // one order: sums of floats depend on it
		all.add(*ts[c])
	}
	s := all.score(name)
	s.Categories = categories
	return s
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
