package store

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal/event"
)

// Store stores memories, all or none.
func (s *Store) Store(ctx context.Context, r memory.StoreRequest) (
	_ memory.StoreResult, err error) {
	defer s.counted("store", time.Now(), &err)
	now := s.now()
	ms, err := cleanBatch(r.Memories, now)
	if err != nil {
		return memory.StoreResult{}, err
	}
	out, err := s.run(ctx, command{
		name: "store", request: r.Memories, origin: r.Origin,
		decide: func(v *index.View) ([]event.Event, error) { return decideStore(v, ms, now) },
	})
	if err != nil {
		return memory.StoreResult{}, err
	}
	res := memory.StoreResult{Seq: out.seq, Repeats: out.repeats, Stored: []memory.Stored{}}
	for _, ev := range out.events {
		if ids := touchedIDs(ev); len(ids) == 1 {
			_, created := ev.(event.Stored)
			res.Stored = append(res.Stored, memory.Stored{ID: ids[0], Created: created})
		}
	}
	return res, nil
}

// cleanBatch checks the memories of one request. An error names the memory where there are several.
func cleanBatch(in []memory.NewMemory, now time.Time) ([]event.Memory, error) {
	switch {
	case len(in) == 0:
		return nil, memory.Invalid("memories", "there are none").
			WithHint("give at least one with a content")
	case len(in) > memory.MaxBatch:
		return nil, memory.Invalid("memories", "%d are too many, at most %d", len(in), memory.MaxBatch).
			WithHint("memlog import takes any number")
	}
	total := 0
	out := make([]event.Memory, len(in))
	for i, n := range in {
		m, err := clean(n, now)
		if own, ok := err.(*memory.Error); ok && len(in) > 1 {
			own.Msg += " (memory " + strconv.Itoa(i+1) + " of " + strconv.Itoa(len(in)) + ")"
		}
		if err != nil {
			return nil, err
		}
		if total += len(m.Content) + len(m.Metadata); total > memory.MaxBatchBytes {
			return nil, memory.Invalid(
				"memories",
				"more than %d bytes in one request",
				memory.MaxBatchBytes,
			).
				WithHint(
					"send them in several requests, or with memlog import",
				)
		}
		out[i] = m
	}
	return out, nil
}

// decideStore returns one event for each memory. Memories of the batch see those before them.
func decideStore(v *index.View, ms []event.Memory, now time.Time) ([]event.Event, error) {
	var out []event.Event
	ms = slices.Clone(ms)             // the next run, if there is one, decides anew
	fresh := map[[32]byte]memory.ID{} // made by this very batch
	ids := map[memory.ID]bool{}
	for i, m := range ms {
		if !m.ID.IsZero() && ids[m.ID] {
			return nil, memory.Invalid("id", "%s stands twice in the request", m.ID).
				WithHint("send the second one as a command of its own")
		}
		key := index.ExactKey(m.Content, m.Type, m.Project)
		if same, ok := fresh[key]; ok && m.ID.IsZero() {
			first := ms[slices.IndexFunc(ms[:i], func(o event.Memory) bool { return o.ID == same })]
			out = append(out, repeated(same, m, without(m.Tags, first.Tags)))
			continue
		}
		ev, err := decideOne(v, m, key, now)
		if err != nil {
			return nil, err
		}
		if st, ok := ev.(event.Stored); ok {
			ms[i].ID = st.Memory.ID
			fresh[key] = st.Memory.ID
		}
		for _, id := range touchedIDs(ev) {
			ids[id] = true
		}
		out = append(out, ev)
	}
	return out, nil
}

// decideOne returns the event that storing one memory comes to.
func decideOne(v *index.View, m event.Memory, key [32]byte, now time.Time) (event.Event, error) {
	if !m.ID.IsZero() {
		return decideKnown(v, m, now)
	}
	same, err := v.ByExact(key)
	if err != nil {
		return nil, err
	}
	if len(same) > 0 {
		lacking, err := v.LackingTags(same[0], m.Tags)
		return repeated(memory.ID(same[0]), m, lacking), err
	}
	m.ID = event.NewID()
	return event.Stored{Memory: m}, nil
}

// decideKnown returns the event for a memory that brings its id: a new one, a repetition, or a new
// version of what has the id.
func decideKnown(v *index.View, m event.Memory, now time.Time) (event.Event, error) {
	d, ok, err := v.Doc(index.ID(m.ID))
	if err != nil {
		return nil, err
	}
	last, err := v.LastVersion(index.ID(m.ID))
	if err != nil {
		return nil, err
	}
	if !ok {
		m.Version = last + 1
		return event.Stored{Memory: m}, nil
	}
	old, err := whole(d)
	if err != nil {
		return nil, err
	}
	same := old.Content == m.Content && old.Type == m.Type && old.Project == m.Project
	if same && !d.Deleted {
		return repeated(m.ID, m, without(m.Tags, d.Tags)), nil
	}
	m.Version, m.UpdatedAt, m.Extra = last+1, now, old.Extra
	if d.Deleted {
		return event.Restored{Memory: m}, nil
	}
	return event.Updated{Memory: m}, nil
}

// repeated is the event that m's content was said again of the memory id, which lacks those of m's
// tags.
func repeated(id memory.ID, m event.Memory, lacking []string) event.Repeated {
	return event.Repeated{
		ID: id,
		Occurrence: event.Occurrence{ID: event.NewID(), CreatedAt: m.CreatedAt,
			Metadata: m.Metadata, Tags: m.Tags},
		Tags: lacking,
	}
}

// without returns the elements of a that b lacks. Both are sorted; nil where there are none.
func without(a, b []string) []string {
	var out []string
	for _, s := range a {
		if _, ok := slices.BinarySearch(b, s); !ok {
			out = append(out, s)
		}
	}
	return out
}

// Update makes a new version of a memory.
func (s *Store) Update(ctx context.Context, r memory.UpdateRequest) (_ memory.Change, err error) {
	defer s.counted("update", time.Now(), &err)
	edit, err := cleanUpdate(r)
	if err != nil {
		return memory.Change{}, err
	}
	now := s.now()
	plain := r
	plain.Origin = memory.Origin{}
	var current event.Memory
	out, err := s.run(ctx, command{
		name: "update", request: plain, origin: r.Origin,
		decide: func(v *index.View) ([]event.Event, error) {
			d, err := live(v, "id", r.ID)
			if err != nil {
				return nil, err
			}
			if err := ifVersion(d, r.IfVersion); err != nil {
				return nil, err
			}
			if current, err = whole(d); err != nil {
				return nil, err
			}
			m := current
			edit(&m)
			if sameMemory(m, current) {
				return nil, nil
			}
			m.Version, m.UpdatedAt = d.LastVersion+1, now
			current = m
			return []event.Event{event.Updated{Memory: m}}, nil
		},
	})
	c := change(out)
	if err == nil && out.seq == 0 {
		c.Version = current.Version
	}
	return c, err
}

// cleanUpdate checks an update and returns what it does to a memory.
func cleanUpdate(r memory.UpdateRequest) (func(*event.Memory), error) {
	var edits []func(*event.Memory)
	if r.Content != nil {
		if err := cleanContent(*r.Content); err != nil {
			return nil, err
		}
		edits = append(edits, func(m *event.Memory) { m.Content = *r.Content })
	}
	if r.Tags != nil {
		tags, err := cleanTags(*r.Tags)
		if err != nil {
			return nil, err
		}
		edits = append(edits, func(m *event.Memory) { m.Tags = tags })
	}
	if r.Type != nil {
		t, err := cleanLabel("type", *r.Type, memory.MaxType)
		if err != nil {
			return nil, err
		}
		edits = append(edits, func(m *event.Memory) { m.Type = t })
	}
	if r.Project != nil {
		p, err := cleanLabel("project", *r.Project, memory.MaxProject)
		if err != nil {
			return nil, err
		}
		edits = append(edits, func(m *event.Memory) { m.Project = p })
	}
	if len(r.Metadata) > 0 {
		meta, err := cleanMetadata(r.Metadata)
		if err != nil {
			return nil, err
		}
		edits = append(edits, func(m *event.Memory) { m.Metadata = meta })
	}
	if len(edits) == 0 {
		return nil, memory.Invalid("", "nothing to update").
			WithHint("give content, tags, type, project or metadata")
	}
	return func(m *event.Memory) {
		for _, f := range edits {
			f(m)
		}
	}, nil
}

// ifVersion refuses a change that was decided on another version than the present one.
func ifVersion(d index.Doc, want uint64) error {
	if want == 0 || d.Version == want {
		return nil
	}
	e := memory.Errorf(
		memory.CodeConflict,
		"memory %s is at version %d, not %d",
		d.ID,
		d.Version,
		want,
	)
	e.Arg = "if_version"
	return e.WithHint("somebody changed it since; read it again and decide anew")
}

// sameMemory reports whether two memories say the same, their versions and update times apart.
func sameMemory(a, b event.Memory) bool {
	return a.Content == b.Content && a.Type == b.Type && a.Project == b.Project &&
		slices.Equal(a.Tags, b.Tags) && bytes.Equal(a.Metadata, b.Metadata) &&
		a.CreatedAt.Equal(b.CreatedAt) && slices.Equal(a.Aliases, b.Aliases) &&
		a.SupersededBy == b.SupersededBy
}

// change is the acknowledgement of what a command did.
func change(out outcome) memory.Change {
	c := memory.Change{Seq: out.seq, Repeats: out.repeats, Affected: []memory.ID{}}
	seen := map[memory.ID]bool{}
	for _, ev := range out.events {
		for _, id := range touchedIDs(ev) {
			if !seen[id] {
				seen[id] = true
				c.Affected = append(c.Affected, id)
			}
		}
		if u, ok := ev.(event.Updated); ok {
			c.Version = u.Memory.Version
		}
	}
	return c
}

// Restore brings deleted memories back, all or none.
func (s *Store) Restore(ctx context.Context, r memory.RestoreRequest) (_ memory.Change, err error) {
	defer s.counted("restore", time.Now(), &err)
	if err := countIDs(r.IDs); err != nil {
		return memory.Change{}, err
	}
	out, err := s.run(ctx, command{
		name: "restore", request: r.IDs, origin: r.Origin,
		decide: func(v *index.View) ([]event.Event, error) {
			var out []event.Event
			for _, name := range r.IDs {
				m, err := restorable(v, name)
				if err != nil {
					return nil, err
				}
				out = append(out, event.Restored{Memory: m})
			}
			return out, nil
		},
	})
	return change(out), err
}

// restorable returns a memory that was deleted, or taken back, as it last was.
func restorable(v *index.View, name string) (event.Memory, error) {
	id, images, err := images(v, name)
	if err != nil {
		return event.Memory{}, err
	}
	last := images[len(images)-1]
	if !last.Deleted && last.To == 0 {
		e := memory.Errorf(memory.CodeConflict, "memory %s is not deleted", id)
		e.Arg = "id"
		return event.Memory{}, e.WithHint("memlog undo takes back the last change instead")
	}
	return payload(id, last)
}

// Link links two live memories, or takes a link away.
func (s *Store) Link(ctx context.Context, r memory.LinkRequest) (_ memory.Change, err error) {
	defer s.counted("link", time.Now(), &err)
	typ, err := cleanLabel("type", r.Type, memory.MaxType)
	if err != nil {
		return memory.Change{}, err
	}
	if typ == "" {
		return memory.Change{}, memory.Invalid("type", "it is empty").
			WithHint("say how they relate: because, part-of, contradicts, …")
	}
	plain := r
	plain.Origin = memory.Origin{}
	out, err := s.run(ctx, command{
		name: "link", request: plain, origin: r.Origin,
		decide: func(v *index.View) ([]event.Event, error) { return decideLink(v, r, typ) },
	})
	return change(out), err
}

func decideLink(v *index.View, r memory.LinkRequest, typ string) ([]event.Event, error) {
	from, err := live(v, "from", r.From)
	if err != nil {
		return nil, err
	}
	to, err := live(v, "to", r.To)
	if err != nil {
		return nil, err
	}
	if from.ID == to.ID {
		return nil, memory.Invalid("to", "a memory cannot be linked to itself").
			WithHint("give two different memories")
	}
	l := event.Link{From: memory.ID(from.ID), To: memory.ID(to.ID), Type: typ}
	there, err := hasLink(v, l)
	switch {
	case err != nil:
		return nil, err
	case r.Remove && !there:
		e := memory.Errorf(memory.CodeNotFound, "no link of type %s from %s to %s", typ, l.From, l.To)
		return nil, e.WithHint("memlog get shows a memory's links")
	case r.Remove:
		return []event.Event{event.Unlinked{Link: l}}, nil
	case there:
		return nil, nil
	}
	return []event.Event{event.Linked{Link: l}}, nil
}

func hasLink(v *index.View, l event.Link) (bool, error) {
	links, err := v.Links(index.ID(l.From))
	for _, have := range links {
		if memory.ID(have.From) == l.From && memory.ID(have.To) == l.To && have.Type == l.Type {
			return true, err
		}
	}
	return false, err
}

func countIDs(ids []string) error {
	if len(ids) == 0 || len(ids) > memory.MaxIDs {
		return memory.Invalid("ids", "give 1 to %d, not %d", memory.MaxIDs, len(ids)).
			WithHint("memlog list shows ids")
	}
	return nil
}
