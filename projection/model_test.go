package projection

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"memlog/index"
	"memlog/index/vector"
	"memlog/wal/event"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// model says in the plainest way what the present is after a history: maps, and no index.
type model struct {
	memories map[event.ID]*modelMemory
	seen     map[event.ID]bool
	last     map[event.ID]uint64
	links    map[event.Link]bool
	vectors  map[vectorName][]byte
}

// vectorName is what a vector is of.
type vectorName struct {
	id      event.ID
	version uint64
	model   string
}

type modelMemory struct {
	m          event.Memory
	deleted    bool
	incomplete bool
	tags       map[string]bool
	aliases    map[string]bool
	occs       map[event.ID]event.Occurrence
}

func newModel() *model {
	return &model{
		memories: map[event.ID]*modelMemory{}, seen: map[event.ID]bool{},
		last: map[event.ID]uint64{}, links: map[event.Link]bool{},
		vectors: map[vectorName][]byte{},
	}
}

func setOf(names []string) map[string]bool {
	s := map[string]bool{}
	for _, n := range names {
		s[n] = true
	}
	return s
}

func (o *model) version(m event.Memory, stored bool) {
	is := &modelMemory{m: m, occs: map[event.ID]event.Occurrence{}}
	is.tags, is.aliases = setOf(m.Tags), setOf(m.Aliases)
	was := o.memories[m.ID]
	if was != nil {
		is.occs = was.occs
	}
	is.incomplete = !stored && (!o.seen[m.ID] || was != nil && was.incomplete)
	for _, model := range []string{"m1", "m2"} {
		if _, has := o.vectors[vectorName{m.ID, m.Version, model}]; !has && was != nil &&
			was.m.Content == m.Content {
			if v, ok := o.vectors[vectorName{m.ID, was.m.Version, model}]; ok {
				o.vectors[vectorName{m.ID, m.Version, model}] = v
			}
		}
	}
	o.memories[m.ID], o.seen[m.ID] = is, true
	o.last[m.ID] = max(o.last[m.ID], m.Version)
}

func (o *model) find(id event.ID, h history, i int) *modelMemory {
	if !o.seen[id] {
		t := h[i].Time
		o.version(event.Memory{ID: id, CreatedAt: t, UpdatedAt: t}, false)
	}
	return o.memories[id]
}

func (o *model) apply(h history, i int) {
	if h[i].Lost {
		return
	}
	for _, b := range h[i].Events {
		env, err := event.Decode(b)
		if b == nil || err != nil {
			continue
		}
		switch e := env.Event.(type) {
		case event.Stored:
			o.version(e.Memory, true)
		case event.Updated:
			o.version(e.Memory, false)
		case event.Reverted:
			o.version(e.Memory, false)
		case event.Restored:
			o.version(e.Memory, false)
		case event.Retracted:
			delete(o.memories, e.ID)
		case event.Embedded:
			o.embedded(e)
		case event.Linked:
			o.find(e.Link.From, h, i)
			o.find(e.Link.To, h, i)
			o.links[e.Link] = true
		case event.Unlinked:
			delete(o.links, e.Link)
		default:
			o.facts(e, h, i)
		}
	}
}

func (o *model) embedded(e event.Embedded) {
	name := vectorName{e.ID, e.Version, e.Model}
	if _, has := o.vectors[name]; has || !o.seen[e.ID] || e.Model == "" || e.Encoding != 1 ||
		vector.Validate(e.Vector) != nil {
		return
	}
	o.vectors[name] = e.Vector
}

// near returns the live memories that have a vector of the model, nearest to q first; those at
// the same distance in any order, so with their scores only.
func (o *model) near(model string, q vector.Query) map[event.ID]float64 {
	out := map[event.ID]float64{}
	for id, m := range o.memories {
		if v, ok := o.vectors[vectorName{id, m.m.Version, model}]; ok && !m.deleted {
			out[id] = float64(q.Similarity(v))
		}
	}
	return out
}

func (o *model) facts(e event.Event, h history, i int) {
	switch e := e.(type) {
	case event.Deleted:
		m := o.find(e.ID, h, i)
		if m == nil || m.deleted {
			return
		}
		m.deleted, m.tags, m.aliases = true, nil, nil
		if !e.SupersededBy.IsZero() {
			m.m.SupersededBy = e.SupersededBy
		}
	case event.Repeated:
		m := o.find(e.ID, h, i)
		if m == nil {
			return
		}
		if _, there := m.occs[e.Occurrence.ID]; !there {
			m.occs[e.Occurrence.ID] = e.Occurrence
		}
		for _, t := range e.Tags {
			if !m.deleted {
				m.tags[t] = true
			}
		}
	case event.Unrepeated:
		if m := o.memories[e.ID]; m != nil {
			delete(m.occs, e.Occurrence)
			for _, t := range e.Tags {
				delete(m.tags, t)
			}
		}
	}
}

// docs are the documents the index should show, by id.
func (o *model) docs(t fatal) []index.Doc {
	t.Helper()
	docs := []index.Doc{}
	for id, m := range o.memories {
		payload, err := event.EncodeMemory(m.m)
		if err != nil {
			t.Fatal(err)
		}
		d := index.Doc{ID: index.ID(id), LastVersion: o.last[id], Image: index.Image{
			Version: m.m.Version, Created: m.m.CreatedAt.UnixMicro(), Type: m.m.Type,
			Project: m.m.Project, Deleted: m.deleted, Incomplete: m.incomplete,
			SupersededBy: index.ID(m.m.SupersededBy), Payload: payload,
		}}
		if !m.deleted {
			d.Tags = slices.Sorted(maps.Keys(m.tags))
			d.Aliases = slices.Sorted(maps.Keys(m.aliases))
			for id, occ := range m.occs {
				d.Occurrences = append(d.Occurrences, index.Occurrence{
					ID: index.ID(id), Created: occ.CreatedAt.UnixMicro(),
				})
			}
		}
		docs = append(docs, d)
	}
	sortDocs(docs)
	return docs
}

func sortDocs(docs []index.Doc) {
	slices.SortFunc(docs, func(a, b index.Doc) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, d := range docs {
		slices.SortFunc(d.Occurrences, func(a, b index.Occurrence) int {
			return bytes.Compare(a.ID[:], b.ID[:])
		})
	}
}

// The index shows what the plain model shows, after every record.
func TestIndexAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		db := openMem(t)
		defer db.Close()
		o := newModel()
		for i := range h {
			o.apply(h, i)
			applyAll(t, db, h[i:i+1], 1)
			v := view(t, db)
			compareModel(t, o, v, i+1)
			closeAll(t, v)
		}
	})
}

func compareModel(t fatal, o *model, v *index.View, seq int) {
	t.Helper()
	got := []index.Doc{}
	for d, err := range v.Docs() {
		if err != nil {
			t.Fatal(err)
		}
		one, ok, err := v.Doc(d.ID)
		if diff := cmp.Diff(one, d); err != nil || !ok || diff != "" {
			t.Fatalf("after record %d: %v (-by id +of all):\n%s", seq, err, diff)
		}
		got = append(got, d)
	}
	sortDocs(got)
	opts := cmp.Options{
		cmpopts.IgnoreFields(index.Doc{}, "Ordinal"), cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(index.Image{}, "Row", "From", "To", "Terms"),
		cmpopts.IgnoreFields(index.Occurrence{}, "From", "To", "Payload"),
	}
	if diff := cmp.Diff(o.docs(t), got, opts); diff != "" {
		t.Fatalf("after record %d (-model +index):\n%s", seq, diff)
	}
	links, err := v.AllLinks()
	if err != nil {
		t.Fatal(err)
	}
	have := map[event.Link]bool{}
	for _, l := range links {
		have[event.Link{From: event.ID(l.From), To: event.ID(l.To), Type: l.Type}] = true
	}
	if diff := cmp.Diff(o.links, have); diff != "" {
		t.Fatalf("links after record %d (-model +index):\n%s", seq, diff)
	}
	compareVectors(t, o, v)
	live := uint64(0)
	for _, d := range got {
		if !d.Deleted {
			live++
		}
	}
	if s, err := v.Stats(); err != nil || s.Live != live || s.Deleted != uint64(len(got))-live {
		t.Fatalf("after record %d: totals %+v, %v; %d of %d are live", seq, s, err, live, len(got))
	}
}

func compareVectors(t fatal, o *model, v *index.View) {
	t.Helper()
	stored, err := vector.Parse(testVector(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	q := stored.Query()
	for _, model := range []string{"m1", "m2"} {
		hits, err := v.Nearest(index.VectorQuery{
			Space: index.Space{Model: model, Dims: 8}, Vector: q, Limit: 100,
		})
		if err != nil {
			t.Fatal(err)
		}
		have := map[event.ID]float64{}
		for i, h := range hits {
			have[event.ID(h.Doc.ID)] = h.Score
			if i > 0 && hits[i-1].Score < h.Score {
				t.Fatalf("vector hits of %s are not in order: %v", model, hits)
			}
		}
		if diff := cmp.Diff(o.near(model, q), have); diff != "" || len(hits) != len(have) {
			t.Fatalf("vectors of %s after record %d (-model +index):\n%s", model, v.Seq(), diff)
		}
	}
}
