package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"memlog/cmd/memlog/internal/memory"
)

const (
	// depth is how many hits are asked for.
	depth = 100
	// shownBeside and shownWindows are what window2 asks for.
	shownBeside, shownWindows = 2, 5
)

// RecallOptions say how [Recall] measures.
type RecallOptions struct {
	Combined bool        // all collections in one store
	Mode     memory.Mode // "": the default one
	// Open opens a fresh store, which Recall closes. It is called once per store.
	Open     func(ctx context.Context) (memory.Service, error)
	Progress memory.Progress
}

// RecallReport is how well the search found.
type RecallReport struct {
	Overall     Score    `json:"overall"`
	Collections []Score  `json:"collections"`
	Notes       []string `json:"-"` // what stood in the way of some questions
}

// Recall measures the search on every collection in dir.
func Recall(ctx context.Context, dir string, o RecallOptions) (RecallReport, error) {
	cs, err := readCollections(dir)
	if err != nil {
		return RecallReport{}, err
	}
	m := measurement{o: o, owner: map[said]string{}, all: tallies{}}
	for i := range cs {
		if err := cs[i].identify(m.owner); err != nil {
			return RecallReport{}, err
		}
		m.total += int64(len(cs[i].questions))
	}
	groups := [][]collection{cs}
	if !o.Combined {
		groups = slices.Collect(slices.Chunk(cs, 1))
	}
	for _, g := range groups {
		if err := m.group(ctx, g); err != nil {
			return RecallReport{}, err
		}
	}
	m.report.Overall = m.all.score("overall")
	return m.report, nil
}

// measurement is a run of Recall.
type measurement struct {
	o           RecallOptions
	owner       map[said]string
	all         tallies
	report      RecallReport
	done, total int64
}

// group measures collections that share a store.
func (m *measurement) group(ctx context.Context, cs []collection) (err error) {
	svc, err := m.o.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	for _, c := range cs {
		if err := m.load(ctx, svc, c); err != nil {
			return err
		}
	}
	for _, c := range cs {
		if err := m.collection(ctx, svc, c); err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) load(ctx context.Context, svc memory.Service, c collection) error {
	f, err := os.Open(c.memories)
	if err != nil {
		return fmt.Errorf("read collection: %w", err)
	}
	defer f.Close()
	res, err := svc.Import(ctx, io.Reader(f), memory.ImportRequest{Name: c.memories})
	if err != nil {
		return fmt.Errorf("import %s: %w", c.memories, err)
	}
	if n := len(res.Rejected); n > 0 {
		m.note("%s: %d memories were rejected, the first at line %d: %s", c.name, n,
			res.Rejected[0].Line, res.Rejected[0].Reason)
	}
	return nil
}

func (m *measurement) note(format string, args ...any) {
	m.report.Notes = append(m.report.Notes, fmt.Sprintf(format, args...))
}

func (m *measurement) collection(ctx context.Context, svc memory.Service, c collection) error {
	ts := tallies{}
	for _, q := range c.questions {
		t, err := m.question(ctx, svc, c.name, q)
		if err != nil {
			return err
		}
		ts.add(q.Category, t)
		m.all.add(q.Category, t)
		if m.done++; m.o.Progress != nil {
			m.o.Progress("asking", m.done, m.total)
		}
	}
	m.unknown(c)
	m.report.Collections = append(m.report.Collections, ts.score(c.name))
	return nil
}

// unknown notes evidence that is no memory of the collection.
func (m *measurement) unknown(c collection) {
	unknown := 0
	for _, q := range c.questions {
		for _, e := range q.Evidence {
			if !c.names[e] {
				unknown++
			}
		}
	}
	if unknown > 0 {
		m.note("%s: %d names of evidence are of no memory, and count as not found", c.name, unknown)
	}
}

// searcher is what questions are put to.
type searcher interface {
	Search(context.Context, memory.SearchRequest) (memory.SearchResult, error)
}

// question asks one question and scores the answer.
func (m *measurement) question(
	ctx context.Context, svc searcher, collection string, q Question,
) (tally, error) {
	names, err := m.found(ctx, svc, collection, q, depth)
	if err != nil {
		return tally{}, err
	}
	t := tally{n: 1, turn: rank(names, set(q.Evidence)),
		session: rank(sessions(names), set(sessions(q.Evidence)))}
	if m.o.Mode != "" && m.o.Mode != memory.ModeHybrid {
		return t, nil // these show no neighbours
	}
	beside, err := svc.Search(ctx, memory.SearchRequest{
		Query: q.Question, Mode: m.o.Mode, Limit: shownWindows, Context: shownBeside})
	if err != nil {
		return tally{}, q.failed(collection, err)
	}
	shown := map[string]bool{}
	for _, h := range beside.Hits {
		for _, one := range slices.Concat(h.Before, []memory.Memory{h.Memory}, h.After) {
			for _, name := range m.names(one, collection) {
				shown[name] = true
			}
		}
	}
	wanted := set(q.Evidence)
	for name := range wanted {
		if shown[name] {
			t.window.Frac5 += 1 / float64(len(wanted))
		}
	}
	return t, nil
}

// found returns the names of the first hits.
func (m *measurement) found(
	ctx context.Context, svc searcher, collection string, q Question, limit int,
) (names []string, err error) {
	res, err := svc.Search(ctx, memory.SearchRequest{
		Query: q.Question, Mode: m.o.Mode, Limit: limit})
	if err != nil {
		return nil, q.failed(collection, err)
	}
	for _, h := range res.Hits {
		names = append(names, m.names(h.Memory, collection)...)
	}
	return names, nil
}

func (q Question) failed(collection string, err error) error {
	return fmt.Errorf("%s: ask %.80q: %w", collection, q.Question, err)
}

// names returns what a question calls a memory: its own name and those of its repetitions. A memory
// of another collection keeps its place in the ranking, under a name that no question has.
func (m *measurement) names(h memory.Memory, collection string) []string {
	var out []string
	add := func(metadata []byte) {
		if m.owner[said{h.Content, compact(metadata)}] == collection {
			out = append(out, nameOf(metadata))
		}
	}
	add(h.Metadata)
	for _, o := range h.Occurrences {
		add(o.Metadata)
	}
	if len(out) == 0 {
		return []string{"\x00" + h.ID.String()}
	}
	return out
}
