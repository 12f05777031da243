package store

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal/event"
)

// delete is [Store.Delete] on the index as it is.
func (s *Store) delete(ctx context.Context, r memory.DeleteRequest) (memory.Change, error) {
	var choose func(*index.View) ([]index.Doc, error)
	switch {
	case len(r.IDs) > 0 && !r.Filter.IsZero():
		return memory.Change{}, memory.Invalid("ids", "give ids or a filter, not both").
			WithHint("a dry run shows what either selects")
	case len(r.IDs) > 0:
		if err := countIDs(r.IDs); err != nil {
			return memory.Change{}, err
		}
		if r.IfVersion != 0 && len(r.IDs) != 1 {
			return memory.Change{}, memory.Invalid("if_version", "it goes with one id only").
				WithHint("delete each with its own version, or leave it out")
		}
		choose = func(v *index.View) ([]index.Doc, error) { return byIDs(v, r) }
	case r.Filter.IsZero():
		return memory.Change{}, memory.Invalid("ids", "nothing says what to delete").
			WithHint("give ids, or a filter such as a tag")
	default:
		f, err := s.deleteFilter(r.Filter)
		if err != nil {
			return memory.Change{}, err
		}
		choose = func(v *index.View) ([]index.Doc, error) { return byFilter(v, f) }
	}
	if r.DryRun {
		return s.wouldDelete(choose)
	}
	plain := r
	plain.Origin = memory.Origin{}
	out, err := s.run(ctx, command{
		name: "delete", request: plain, origin: r.Origin,
		decide: func(v *index.View) ([]event.Event, error) {
			docs, err := choose(v)
			var out []event.Event
			for _, d := range docs {
				out = append(out, event.Deleted{ID: memory.ID(d.ID)})
			}
			return out, err
		},
	})
	return change(out), err
}

func (s *Store) deleteFilter(f memory.Filter) (index.Filter, error) {
	e, done, err := s.use()
	if err != nil {
		return index.Filter{}, err
	}
	defer done()
	return filter(e, f)
}

// wouldDelete says what a deletion would do, and does nothing.
func (s *Store) wouldDelete(choose func(*index.View) ([]index.Doc, error)) (memory.Change, error) {
	c := memory.Change{DryRun: true, Affected: []memory.ID{}}
	e, done, err := s.use()
	if err != nil {
		return c, err
	}
	defer done()
	v, err := e.db.View()
	if err != nil {
		return c, err
	}
	defer v.Close()
	docs, err := choose(v)
	for _, d := range docs {
		c.Affected = append(c.Affected, memory.ID(d.ID))
	}
	return c, err
}

// byIDs finds what a request names; one that is not there, or not any more, refuses it whole.
func byIDs(v *index.View, r memory.DeleteRequest) ([]index.Doc, error) {
	var out []index.Doc
	seen := map[index.ID]bool{}
	for _, name := range r.IDs {
		d, err := live(v, "ids", name)
		if err == nil {
			err = ifVersion(d, r.IfVersion)
		}
		if err != nil {
			return nil, err
		}
		if !seen[d.ID] {
			seen[d.ID] = true
			out = append(out, d)
		}
	}
	return out, nil
}

// byFilter finds all that a filter selects.
func byFilter(v *index.View, f index.Filter) ([]index.Doc, error) {
	var out []index.Doc
	for cursor := ""; ; {
		p, err := v.List(f, cursor, memory.MaxLimit)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Docs...)
		if cursor = p.Next; cursor == "" {
			return out, nil
		}
	}
}
