package store

import (
	"fmt"
	"slices"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal/event"
)

// show turns a document of the index into a memory as callers see it, without its links.
func show(d index.Doc) (memory.Memory, error) {
	m, err := showImage(memory.ID(d.ID), d.Image)
	if err != nil {
		return m, err
	}
	if !d.Deleted { // a tombstone is found by no tag: those it had are in its image
		m.Tags = d.Tags
	}
	if m.Tags == nil {
		m.Tags = []string{}
	}
	m.OccurrenceCount = len(d.Occurrences)
	for i, o := range d.Occurrences {
		if i == memory.MaxShownOccurrences {
			break
		}
		eo, err := event.DecodeOccurrence(o.Payload)
		if err != nil {
			return m, fmt.Errorf("occurrence %s of memory %s: %w", o.ID, d.ID, err)
		}
		m.Occurrences = append(m.Occurrences, memory.Occurrence{
			ID: eo.ID, CreatedAt: eo.CreatedAt, Metadata: eo.Metadata, Tags: eo.Tags})
	}
	return m, nil
}

// showImage turns one image into a memory, with the tags its version event carried.
func showImage(id memory.ID, i index.Image) (memory.Memory, error) {
	em, err := payload(id, i)
	if err != nil {
		return memory.Memory{}, err
	}
	m := memory.Memory{
		ID: id, Content: em.Content, Tags: em.Tags, Type: em.Type, Project: em.Project,
		Metadata: em.Metadata, CreatedAt: em.CreatedAt, UpdatedAt: em.UpdatedAt,
		Version: em.Version, Seq: memory.Seq(i.From), Aliases: em.Aliases,
		Deleted: i.Deleted, Incomplete: i.Incomplete,
	}
	if m.Tags == nil {
		m.Tags = []string{}
	}
	by := memory.ID(i.SupersededBy)
	if by.IsZero() {
		by = em.SupersededBy
	}
	if !by.IsZero() {
		m.SupersededBy = &by
	}
	return m, nil
}

// payload decodes the memory an image keeps; an incomplete one may have none.
func payload(id memory.ID, i index.Image) (event.Memory, error) {
	if len(i.Payload) == 0 {
		return event.Memory{ID: id, Version: i.Version}, nil
	}
	m, err := event.DecodeMemory(i.Payload)
	if err != nil {
		return m, fmt.Errorf("memory %s in the index: %w", id, err)
	}
	return m, nil
}

// whole is the memory a document stands for, with all the tags it has: what a version event
// carries.
func whole(d index.Doc) (event.Memory, error) {
	m, err := payload(memory.ID(d.ID), d.Image)
	if !d.Deleted {
		m.Tags = slices.Clone(d.Tags)
	}
	return m, err
}

// withLinks adds a memory's links to it.
func withLinks(v *index.View, m *memory.Memory) error {
	links, err := v.Links(index.ID(m.ID))
	for _, l := range links {
		m.Links = append(m.Links, memory.Link{
			From: memory.ID(l.From), To: memory.ID(l.To), Type: l.Type})
	}
	return err
}

// find looks a live or deleted memory up by id or alias. arg names the argument in errors.
func find(v *index.View, arg, name string) (index.Doc, error) {
	id, perr := event.ParseID(name)
	if perr == nil {
		d, ok, err := v.Doc(index.ID(id))
		if ok || err != nil {
			return d, err
		}
	}
	ids, err := v.ByAlias(name)
	switch {
	case err != nil:
		return index.Doc{}, err
	case len(ids) > 1:
		return index.Doc{}, memory.Invalid(arg, "%.80q is an alias of %d memories", name, len(ids)).
			WithHint("use an id: %s or %s", ids[0], ids[1])
	case len(ids) == 1:
		d, ok, err := v.Doc(ids[0])
		if ok || err != nil {
			return d, err
		}
	case perr != nil:
		return index.Doc{}, notFound(arg, name).
			WithHint("an id looks like 01890a5d-ac96-774b-bcce-b302099a8057; memlog list shows them")
	}
	return index.Doc{}, notFound(arg, name)
}

func notFound(arg, name string) *memory.Error {
	e := memory.Errorf(memory.CodeNotFound, "no memory %.80s", name)
	e.Arg = arg
	return e.WithHint("memlog list and memlog search show what is there")
}

// gone says that a memory was deleted.
func gone(arg string, d index.Doc) *memory.Error {
	e := memory.Errorf(memory.CodeNotFound, "memory %s was deleted in record %d", d.ID, d.From)
	e.Arg = arg
	return e.WithHint("memlog restore %s brings it back; memlog history %s shows it", d.ID, d.ID)
}

// live finds a memory that is not deleted.
func live(v *index.View, arg, name string) (index.Doc, error) {
	d, err := find(v, arg, name)
	if err == nil && d.Deleted {
		return d, gone(arg, d)
	}
	return d, err
}

// micros is a time as the index keeps it.
func micros(t time.Time) int64 { return t.UnixMicro() }
