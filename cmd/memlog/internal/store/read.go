package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal"
)

// search is [Store.SearchWeighted] on the index as it is. Without weights: by the default ones.
func (s *Store) search(ctx context.Context, r memory.SearchRequest, by *index.Weights) (
	memory.SearchResult, error) {
	out := memory.SearchResult{Hits: []memory.Hit{}}
	q, err := query(r)
	if err != nil {
		return out, err
	}
	meant, err := s.meaningOf(ctx, r)
	if err != nil {
		return out, err
	}
	q.Meaning, q.Weights, out.Notes = meant.meaning, by, meant.notes
	e, done, err := s.use()
	if err != nil {
		return out, err
	}
	defer done()
	if q.Filter, err = filter(e, r.Filter); err != nil {
		return out, err
	}
	v, as, err := view(e, r.AsOf)
	if err != nil {
		return out, err
	}
	defer v.Close()
	out.Seq, out.AsOf = memory.Seq(v.Seq()), as
	if q.Now = s.o.Now(); as != nil { // "last week" is the week before the moment
		q.Now = as.Time.In(q.Now.Location())
	}
	hits, err := findHits(v, q, r.Mode)
	if err == nil && len(hits) == 0 && r.Mode == memory.ModeVector && as != nil {
		out.Notes = append(out.Notes, "no memory had a vector of this model then: answered by words")
		hits, err = v.Search(q)
	}
	if err != nil {
		return out, searchError(err)
	}
	out.Weak = index.Weak(hits)
	for _, h := range hits {
		m, err := show(h.Doc)
		if err != nil {
			return out, err
		}
		hit := memory.Hit{Memory: m, Score: h.Score}
		if r.Explain {
			hit.Explain = map[string]float64{}
			for _, p := range h.Parts {
				hit.Explain[p.Name] = p.Score
			}
		}
		if hit.Before, err = showAll(h.Before); err != nil {
			return out, err
		}
		if hit.After, err = showAll(h.After); err != nil {
			return out, err
		}
		out.Hits = append(out.Hits, hit)
	}
	return out, ctx.Err()
}

// findHits searches by the vector alone in ModeVector and where the query has no words, if there is
// one, and else as q says.
func findHits(v *index.View, q index.Query, mode memory.Mode) ([]index.Hit, error) {
	if mode != memory.ModeVector || q.Meaning == nil {
		hits, err := v.Search(q)
		if q.Meaning == nil || !errors.Is(err, index.ErrNoTerms) {
			return hits, err
		}
	}
	hits, err := v.Nearest(index.VectorQuery{Space: q.Meaning.Space, Vector: q.Meaning.Vector,
		Filter: q.Filter, Limit: q.Limit})
	for i := range hits {
		hits[i].Parts = []index.Part{{Name: "meaning", Score: hits[i].Score}}
	}
	return hits, err
}

func showAll(docs []index.Doc) (ms []memory.Memory, err error) {
	for _, d := range docs {
		m, err := show(d)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// projectNames are what memories call a project: agents name it by its directory or by the last
// part of that.
func projectNames(near string) []string {
	if len(near) > memory.MaxProvenance {
		return nil
	}
	dir := strings.TrimRight(near, `/\`)
	last := dir[strings.LastIndexAny(dir, `/\`)+1:]
	return []string{near, dir, last}
}

// query checks a search request.
func query(r memory.SearchRequest) (index.Query, error) {
	q := index.Query{Text: r.Query, Explain: r.Explain, Context: r.Context,
		Near: projectNames(r.Near)}
	var err error
	if q.Limit, err = limitOf(r.Limit); err != nil {
		return q, err
	}
	switch {
	case strings.TrimSpace(r.Query) == "":
		return q, memory.Invalid(
			"query",
			"it is empty",
		).WithHint(
			"memlog list shows memories without a query",
		)
	case len(r.Query) > memory.MaxQuery:
		return q, memory.Invalid("query", "it has %d bytes, at most %d", len(r.Query), memory.MaxQuery).
			WithHint("a sentence or a few words find best")
	case !utf8.ValidString(r.Query):
		return q, memory.Invalid("query", "it is not valid UTF-8").WithHint("convert it to UTF-8 first")
	}
	if r.Context < 0 || r.Context > memory.MaxContext {
		return q, memory.Invalid("context", "%d is not 0 to %d", r.Context, memory.MaxContext)
	}
	if r.Context > 0 && r.Mode != "" && r.Mode != memory.ModeHybrid {
		return q, memory.Invalid("context", "mode %s has none", r.Mode).
			WithHint("leave mode out, or context")
	}
	switch r.Mode {
	case "", memory.ModeHybrid, memory.ModeVector: // words stand in where no vector can be had
		q.Mode = index.ModeHybrid
	case memory.ModeLexical:
		q.Mode = index.ModeLexical
	case memory.ModeExact:
		q.Mode = index.ModeExact
	default:
		return q, memory.Invalid(
			"mode",
			"%.40q is none of hybrid, vector, lexical, exact",
			string(r.Mode),
		).WithHint("leave it out for hybrid")
	}
	return q, nil
}

// searchError says what the index could not do with a query in a caller's terms.
func searchError(err error) error {
	switch {
	case errors.Is(err, index.ErrNoTerms):
		return memory.Invalid("query", "it has no word or sign to search for").
			WithHint("exact mode finds any text, letter by letter")
	case errors.Is(err, index.ErrPhrase):
		return memory.Invalid("query", "too many memories have the words of a phrase in it").
			WithHint("a longer phrase, or filters, leave fewer")
	case errors.Is(err, index.ErrQueryTooLong):
		return memory.Invalid("query", "it has more than %d different words", index.MaxQueryTerms).
			WithHint("a sentence or a few words find best; exact mode takes any text")
	}
	return err
}

// list is [Store.List] on the index as it is.
func (s *Store) list(ctx context.Context, r memory.ListRequest) (memory.ListResult, error) {
	out := memory.ListResult{Memories: []memory.Memory{}}
	limit, err := limitOf(r.Limit)
	if err != nil {
		return out, err
	}
	e, done, err := s.use()
	if err != nil {
		return out, err
	}
	defer done()
	f, err := filter(e, r.Filter)
	if err != nil {
		return out, err
	}
	f.IncludeDeleted = r.IncludeDeleted
	v, as, err := view(e, r.AsOf)
	if err != nil {
		return out, err
	}
	defer v.Close()
	page, err := v.List(f, r.Cursor, limit)
	if errors.Is(err, index.ErrCursor) {
		return out, memory.Invalid("cursor", "it is not one of this list").
			WithHint("give next_cursor of the page before, with the same filters, or none")
	}
	if err != nil {
		return out, err
	}
	out.NextCursor, out.Total = page.Next, page.Total
	out.Seq, out.AsOf = memory.Seq(page.Seq), as
	for _, d := range page.Docs {
		m, err := show(d)
		if err != nil {
			return out, err
		}
		out.Memories = append(out.Memories, m)
	}
	return out, ctx.Err()
}

// get is [Store.Get] on the index as it is.
func (s *Store) get(_ context.Context, r memory.GetRequest) (memory.Memory, error) {
	e, done, err := s.use()
	if err != nil {
		return memory.Memory{}, err
	}
	defer done()
	v, _, err := view(e, r.AsOf)
	if err != nil {
		return memory.Memory{}, err
	}
	defer v.Close()
	d, err := find(v, "id", r.ID)
	if err != nil {
		return memory.Memory{}, err
	}
	if d.Deleted && !r.IncludeDeleted {
		return memory.Memory{}, gone("id", d)
	}
	m, err := show(d)
	if err != nil {
		return m, err
	}
	if t, err := e.log.TimeOf(wal.Seq(d.From)); err == nil {
		m.RecordedAt = &t
	}
	return m, withLinks(v, &m)
}

// history is [Store.History] on the index as it is.
func (s *Store) history(_ context.Context, name string) (memory.History, error) {
	e, done, err := s.use()
	if err != nil {
		return memory.History{}, err
	}
	defer done()
	v, err := e.db.View()
	if err != nil {
		return memory.History{}, err
	}
	defer v.Close()
	id, images, err := images(v, name)
	if err != nil {
		return memory.History{}, err
	}
	h := memory.History{ID: id, Versions: []memory.Version{}}
	for i, image := range images {
		m, err := showImage(id, image)
		if err != nil {
			return h, err
		}
		h.Versions = append(h.Versions, entry(e.log, m, image.From, image.To))
		if image.To != 0 && (i+1 == len(images) || images[i+1].From != image.To) {
			end := entry(e.log, m, image.To, 0) // taken back: an entry, though no image
			if i+1 < len(images) {
				end.UntilSeq = memory.Seq(images[i+1].From)
			}
			h.Versions = append(h.Versions, end)
		}
	}
	return h, nil
}

// images finds the images of a memory that may be live, deleted or taken back.
func images(v *index.View, name string) (memory.ID, []index.Image, error) {
	d, err := find(v, "id", name)
	id := memory.ID(d.ID)
	if memory.CodeOf(err) == memory.CodeNotFound {
		if perr := id.UnmarshalText([]byte(name)); perr != nil || id.IsZero() {
			return id, nil, err
		}
	} else if err != nil {
		return id, nil, err
	}
	all, ierr := v.Images(index.ID(id))
	if ierr != nil {
		return id, nil, ierr
	}
	if len(all) == 0 {
		return id, nil, err
	}
	return id, all, nil
}

// entry is one line of a history: what the record at seq made of the memory.
func entry(log *wal.Log, m memory.Memory, seq, until uint64) memory.Version {
	out := memory.Version{Memory: m, Seq: memory.Seq(seq), UntilSeq: memory.Seq(until)}
	rec, err := log.Read(wal.Seq(seq))
	if err != nil {
		out.Event = "unreadable"
		return out
	}
	out.Time, out.Client, out.Session = rec.Time, rec.Provenance.Client, rec.Provenance.Session
	out.Reason = rec.Provenance.Reason
	for _, ev := range decodeAll(rec) {
		if slices.Contains(touchedIDs(ev), m.ID) && movesImage(ev) {
			out.Event = string(ev.Kind())
		}
	}
	return out
}

// tags is [Store.Tags] on the index as it is.
func (s *Store) tags(_ context.Context, r memory.TagsRequest) (memory.TagsResult, error) {
	out := memory.TagsResult{Tags: []memory.TagCount{}}
	e, done, err := s.use()
	if err != nil {
		return out, err
	}
	defer done()
	f, err := filter(e, r.Filter)
	if err != nil {
		return out, err
	}
	v, as, err := view(e, r.AsOf)
	if err != nil {
		return out, err
	}
	defer v.Close()
	out.Seq, out.AsOf = memory.Seq(v.Seq()), as
	counts, err := v.Tags(f)
	for _, c := range counts {
		out.Tags = append(out.Tags, memory.TagCount{Tag: c.Name, Count: c.Docs})
	}
	slices.SortStableFunc(out.Tags, func(a, b memory.TagCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Tag, b.Tag)
	})
	return out, err
}
