package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func searchCommand() *command {
	return &command{
		name: "search", group: "Read", args: "QUERY...", min: 1, max: unlimited,
		summary: "Find memories that answer a query",
		about: `
The best come first. Filters are applied within the search: --limit 10 finds ten where there are
ten. --mode exact finds the query letter by letter, lexical by its words, vector by its meaning
to an embedding model (memlog model); hybrid uses all there is. "A phrase" in quotes must stand
there as it is; conf* stands for all words that begin so. Memories whose project is the one you are
in (CLAUDE_PROJECT_DIR, else the working directory, or the last part of either) are mildly
preferred.

` + momentHelp,
		examples: []string{
			`memlog search "how do we deploy" --tag deploy`,
			`memlog search caroline support group --limit 3 --since "May 2023"`,
			`memlog search tokens --as-of yesterday --json | jq -r '.hits[].id'`,
		},
		flags: append(append([]cli.Flag{
			limitFlag(),
			&cli.StringFlag{Name: "mode", Usage: "`MODE`: hybrid, vector, lexical or exact " +
				"(default: hybrid)"},
			&cli.IntFlag{Name: "context", Usage: "also show `N` neighbours of each on both sides, from " +
				"the same session"},
			&cli.BoolFlag{Name: "explain", Usage: "show what the score is made of"},
		}, filterFlags()...), asOfFlag()),
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runSearch,
	}
}

func runSearch(ctx context.Context, c *call) error {
	req := memory.SearchRequest{Query: strings.Join(c.args, " "), Explain: c.yes("explain"),
		Near: c.project()}
	var err error
	if req.Mode, err = c.mode(); err != nil {
		return err
	}
	if req.Limit, err = c.positive("limit"); err != nil {
		return err
	}
	if req.Context, err = c.positive("context"); err != nil {
		return err
	}
	if req.AsOf, err = c.momentFlag("as-of"); err != nil {
		return err
	}
	if req.Filter, err = c.filter(); err != nil {
		return err
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Search(ctx, req)
	if err != nil {
		return err
	}
	c.tellAsOf(req.AsOf, res.AsOf)
	for _, n := range res.Notes {
		c.note("%s", n)
	}
	return c.emit(res, func(p *page) {
		switch {
		case len(res.Hits) == 0:
			p.line("nothing found")
		case res.Weak:
			p.line("none has most of what was asked for; these may be about something else")
		}
		for i, h := range res.Hits {
			extra := []string{fmt.Sprintf("score %.3f", h.Score)}
			for _, m := range h.Before {
				p.entry("    ", m)
			}
			p.entry(fmt.Sprintf("%2d. ", i+1), h.Memory, append(extra, explained(h)...)...)
			for _, m := range h.After {
				p.entry("    ", m)
			}
		}
	})
}

// mode reads --mode.
func (c *call) mode() (memory.Mode, error) {
	word, err := c.oneOf("mode", string(memory.ModeHybrid), string(memory.ModeVector),
		string(memory.ModeLexical), string(memory.ModeExact))
	return memory.Mode(word), err
}

// explained returns the parts of a score by name.
func explained(h memory.Hit) []string {
	var out []string
	for name, part := range h.Explain {
		out = append(out, fmt.Sprintf("%s %.3f", name, part))
	}
	slices.Sort(out)
	return out
}
