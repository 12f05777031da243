package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func getCommand() *command {
	return &command{
		name: "get", group: "Read", args: "ID", min: 1, max: 1,
		summary: "Show one memory whole",
		about: `
ID is the id of the memory or one of its aliases. A deleted memory counts as not there, unless
--deleted. --raw prints the content alone, byte for byte where no terminal reads it.

` + momentHelp,
		examples: []string{
			`memlog get 0198c0de-7a5c-7d1e-9b1f-3f6f0a1b2c3d`,
			`memlog get notes/deploy.md --as-of seq:118 --raw > deploy.md`,
		},
		flags: []cli.Flag{
			asOfFlag(),
			&cli.BoolFlag{Name: "deleted", Usage: "also a deleted memory"},
			&cli.BoolFlag{Name: "raw", Usage: "only the content"},
		},
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runGet,
	}
}

func runGet(ctx context.Context, c *call) error {
	if c.yes("raw") && c.json {
		return memory.Invalid("--raw", "does not go with --json")
	}
	asOf, err := c.momentFlag("as-of")
	if err != nil {
		return err
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	m, err := svc.Get(ctx, memory.GetRequest{
		ID: c.args[0], AsOf: asOf, IncludeDeleted: c.yes("deleted"),
	})
	if err != nil {
		return err
	}
	if !asOf.IsNow() {
		c.tellGet(asOf, m)
	}
	return c.emit(m, func(p *page) {
		switch {
		case c.yes("raw") && c.screen.stdout:
			p.content(m.Content, "", 0)
		case c.yes("raw"):
			fmt.Fprint(p.w, m.Content)
		default:
			p.memory(m)
		}
	})
}

// tellGet prints the moment asked for: a memory carries only the record that made its version.
func (c *call) tellGet(asked memory.Moment, m memory.Memory) {
	if asked.Seq != 0 {
		c.tell("as of seq %d (this version: seq %d)", asked.Seq, m.Seq)
		return
	}
	c.tell("as of %s (this version: seq %d)", exact(asked.Time), m.Seq)
}

// memory writes all there is to know about a memory.
func (p *page) memory(m memory.Memory) {
	p.content(m.Content, "", 0)
	fmt.Fprintln(p.w)
	p.field("id", m.ID)
	if m.Deleted {
		p.field("state", "deleted")
	}
	if m.Incomplete {
		p.field("state", "incomplete: part of its past was lost")
	}
	p.field("type", m.Type)
	p.field("project", m.Project)
	p.field("tags", strings.Join(m.Tags, ", "))
	p.field("created", p.when(m.CreatedAt))
	if !m.UpdatedAt.Equal(m.CreatedAt) {
		p.field("updated", p.when(m.UpdatedAt))
	}
	if m.RecordedAt != nil {
		p.field("recorded", p.when(*m.RecordedAt))
	}
	p.field("version", fmt.Sprintf("%d (seq %d)", m.Version, m.Seq))
	p.field("aliases", strings.Join(m.Aliases, ", "))
	if m.SupersededBy != nil {
		p.field("superseded", "by "+m.SupersededBy.String())
	}
	p.field("metadata", string(m.Metadata))
	for _, l := range m.Links {
		if l.From == m.ID {
			p.field("link", fmt.Sprintf("%s -> %s", l.Type, l.To))
		} else {
			p.field("link", fmt.Sprintf("%s <- %s", l.Type, l.From))
		}
	}
	for _, o := range m.Occurrences {
		p.field("said again", strings.TrimSpace(p.when(o.CreatedAt)+" "+string(o.Metadata)))
	}
	if n := m.OccurrenceCount - len(m.Occurrences); n > 0 {
		p.field("", plural(n, "more time"))
	}
}
