package bench

import (
	"context"
	"errors"
	"sync"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
)

// Weighted is a store that can also be searched with other weights than the default ones.
type Weighted interface {
	memory.Service
	SearchWeighted(context.Context, memory.SearchRequest, index.Weights) (memory.SearchResult, error)
}

// CrossOptions say how [CrossValidate] measures.
type CrossOptions struct {
	// Open opens a fresh store, which CrossValidate closes. It is called once per collection.
	Open     func(ctx context.Context) (Weighted, error)
	Progress memory.Progress
}

// CrossReport compares weights that were chosen without a collection with the frozen ones, those
// the search goes by. Its scores are means over questions.
type CrossReport struct {
	Folds  []Fold             `json:"folds"`
	Chosen Score              `json:"chosen"` // each collection with its own fold's weights
	Frozen Score              `json:"frozen"`
	Steps  []float64          `json:"steps"`          // what a weight can be chosen from
	By     map[string]float64 `json:"frozen_weights"` // of those that are chosen
	Trials int                `json:"trials"`         // how often a collection's questions were asked
	Notes  []string           `json:"-"`
}

// Fold is one collection that weights were chosen without, and what they come to on it.
type Fold struct {
	LeftOut string             `json:"left_out"`
	Weights map[string]float64 `json:"weights"`
	Chosen  Score              `json:"chosen"`
	Frozen  Score              `json:"frozen"`
}

// steps are what a weight can be chosen from; that of the words themselves is 1.
var steps = []float64{0, 0.25, 0.5, 1, 2, 4}

// rounds is how often all weights are gone through at most.
const rounds = 4

// tuned are the weights that are chosen, by the name that --explain has for their signal. Without
// those that these questions cannot tell anything about: links, the caller's project, and how new a
// memory is, which settles ties.
var tuned = [...]struct {
	name string
	sign float64
	of   func(*index.Weights) *float64
}{
	{"coverage", 1, func(w *index.Weights) *float64 { return &w.Coverage }},
	{"session", 1, func(w *index.Weights) *float64 { return &w.Session }},
	{"feedback", 1, func(w *index.Weights) *float64 { return &w.Feedback }},
	{"topic", 1, func(w *index.Weights) *float64 { return &w.Topic }},
	{"before", 1, func(w *index.Weights) *float64 { return &w.Before }},
	{"after", 1, func(w *index.Weights) *float64 { return &w.After }},
	{"beside", 1, func(w *index.Weights) *float64 { return &w.Beside }},
	{"date", 1, func(w *index.Weights) *float64 { return &w.Date }},
	{"speaker", 1, func(w *index.Weights) *float64 { return &w.Speaker }},
	{"asks", -1, func(w *index.Weights) *float64 { return &w.Asks }},
	{"time", 1, func(w *index.Weights) *float64 { return &w.Time }},
	{"number", 1, func(w *index.Weights) *float64 { return &w.Number }},
}

// choice is a place in steps for each weight of tuned. The zero value is the words alone.
type choice [len(tuned)]int

func (c choice) weights() index.Weights {
	w := index.DefaultWeights()
	for i, t := range tuned {
		*t.of(&w) = 0 // never -0
		if c[i] > 0 {
			*t.of(&w) = t.sign * steps[c[i]]
		}
	}
	return w
}

// named returns those of the weights that are chosen.
func named(w index.Weights) map[string]float64 {
	m := map[string]float64{}
	for _, t := range tuned {
		m[t.name] = *t.of(&w)
	}
	return m
}

// CrossValidate chooses, for each collection in dir, the weights of a search on all others, and
// measures them on the one left out, beside the frozen ones.
func CrossValidate(ctx context.Context, dir string, o CrossOptions) (
	report CrossReport, err error) {
	cs, err := readCollections(dir)
	if err != nil {
		return report, err
	}
	if len(cs) < 2 {
		return report, memory.Invalid("DIR", "%s holds one collection", dir).
			WithHint("weights are chosen on some and measured on another: two or more")
	}
	x := &cross{o: o, m: measurement{owner: map[said]string{}}, cs: cs, known: map[trial]*outcome{}}
	defer func() { err = errors.Join(err, x.close()) }()
	if err := x.load(ctx); err != nil {
		return report, err
	}
	folds, errs := make([]fold, len(cs)), make([]error, len(cs))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i := range cs {
		wg.Go(func() {
			if folds[i], errs[i] = x.fold(ctx, i); errs[i] != nil {
				cancel(errs[i])
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return report, context.Cause(ctx)
	}
	return x.report(folds), nil
}

// cross is a run of CrossValidate.
type cross struct {
	o      CrossOptions
	m      measurement
	cs     []collection
	stores []Weighted // by collection

	mu sync.Mutex
	// mu guards:
	known map[trial]*outcome
	asked int // trials that are done
}

// trial is the questions of one collection with some weights.
type trial struct {
	collection int
	at         choice
}

type outcome struct {
	once    sync.Once
	quality float64
	err     error
}

// fold is one left out.
type fold struct {
	at             choice
	chosen, frozen tally
}

func (x *cross) load(ctx context.Context) error {
	for i := range x.cs {
		if err := x.cs[i].identify(x.m.owner); err != nil {
			return err
		}
	}
	for _, c := range x.cs {
		s, err := x.o.Open(ctx)
		if err != nil {
			return err
		}
		x.stores = append(x.stores, s)
		if err := x.m.load(ctx, s, c); err != nil {
			return err
		}
		x.m.unknown(c)
	}
	return nil
}

func (x *cross) close() error {
	var errs []error
	for _, s := range x.stores {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// fold chooses weights on all collections but one and measures that one.
func (x *cross) fold(ctx context.Context, out int) (f fold, err error) {
	if f.at, err = x.choose(ctx, out); err != nil {
		return f, err
	}
	if f.chosen, err = x.measure(ctx, out, f.at.weights()); err != nil {
		return f, err
	}
	f.frozen, err = x.measure(ctx, out, index.DefaultWeights())
	return f, err
}

// choose goes uphill one weight after the other from the words alone, in the first round over all
// steps, then to the next ones, until a round changes nothing. It never sees the collection left
// out, nor the frozen weights: where it began at these, it would end near what they know of that
// collection.
func (x *cross) choose(ctx context.Context, out int) (at choice, err error) {
	best, err := x.quality(ctx, out, at)
	if err != nil {
		return at, err
	}
	for round := range rounds {
		before := at
		for i := range at {
			from, to := at[i]-1, at[i]+1
			if round == 0 {
				from, to = 0, len(steps)-1
			}
			for step := max(from, 0); step <= min(to, len(steps)-1); step++ {
				other := at
				other[i] = step
				q, err := x.quality(ctx, out, other)
				if err != nil {
					return at, err
				}
				if q > best {
					at, best = other, q
				}
			}
		}
		if at == before {
			break
		}
	}
	return at, nil
}

// quality is the mean over all collections but one of what is gone by: the mean of frac@5, frac@10,
// mrr and ndcg@10 of the first 20.
func (x *cross) quality(ctx context.Context, out int, at choice) (float64, error) {
	sum := 0.0
	for i := range x.cs {
		if i == out {
			continue
		}
		x.mu.Lock()
		t := trial{i, at}
		o := x.known[t]
		if o == nil {
			o = &outcome{}
			x.known[t] = o
		}
		x.mu.Unlock()
		o.once.Do(func() { o.quality, o.err = x.try(ctx, t) })
		if o.err != nil {
			return 0, o.err
		}
		sum += o.quality
	}
	return sum / float64(len(x.cs)-1), nil
}

func (x *cross) try(ctx context.Context, t trial) (float64, error) {
	c, w := x.cs[t.collection], t.at.weights()
	sum := 0.0
	for _, q := range c.questions {
		names, err := x.m.found(ctx, weighted{x.stores[t.collection], w}, c.name, q, deepest)
		if err != nil {
			return 0, err
		}
		r := rank(names, set(q.Evidence))
		sum += r.Frac5 + r.Frac10 + r.MRR + r.NDCG10
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.asked++
	if x.o.Progress != nil {
		x.o.Progress("choosing weights", int64(x.asked), 0)
	}
	return sum / float64(4*len(c.questions)), nil
}

// measure measures a collection as Recall does.
func (x *cross) measure(ctx context.Context, i int, w index.Weights) (t tally, err error) {
	c := x.cs[i]
	for _, q := range c.questions {
		one, err := x.m.question(ctx, weighted{x.stores[i], w}, c.name, q)
		if err != nil {
			return t, err
		}
		t.add(one)
	}
	return t, nil
}

// weighted searches with other weights.
type weighted struct {
	store Weighted
	by    index.Weights
}

func (w weighted) Search(ctx context.Context, r memory.SearchRequest) (memory.SearchResult, error) {
	return w.store.SearchWeighted(ctx, r, w.by)
}

func (x *cross) report(folds []fold) CrossReport {
	r := CrossReport{Steps: steps, By: named(index.DefaultWeights()), Trials: x.asked,
		Notes: x.m.report.Notes}
	var chosen, frozen tally
	for i, f := range folds {
		name := x.cs[i].name
		chosen.add(f.chosen)
		frozen.add(f.frozen)
		r.Folds = append(r.Folds, Fold{LeftOut: name, Weights: named(f.at.weights()),
			Chosen: f.chosen.score(name), Frozen: f.frozen.score(name)})
	}
	r.Chosen, r.Frozen = chosen.score("overall"), frozen.score("overall")
	return r
}
