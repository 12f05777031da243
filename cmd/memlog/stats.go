package main

import (
	"context"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// shownCounts is how many types and projects the statistics name.
const shownCounts = 10

func statsCommand() *command {
	return &command{
		name: "stats", group: "Read",
		summary: "Count what the store holds",
		exits:   []int{exitDamaged, exitNotFound, exitBusy},
		run: func(ctx context.Context, c *call) error {
			svc, err := c.reader(ctx)
			if err != nil {
				return err
			}
			res, err := svc.Stats(ctx)
			if err != nil {
				return err
			}
			return c.emit(res, func(p *page) { p.stats(res) })
		},
	}
}

func (p *page) stats(s memory.StatsResult) {
	p.field("store", s.Store)
	p.field("log", s.LogID)
	p.field("memories", fmt.Sprintf("%d, and %d deleted", s.Memories, s.Deleted))
	p.field("versions", s.Versions)
	p.field("tags", s.Tags)
	p.field("types", countsText(s.Types))
	p.field("projects", countsText(s.Projects))
	p.field("records", fmt.Sprintf("%d (seq %d to %d)", s.Records, s.FirstSeq, s.LastSeq))
	p.field("first", p.when(s.FirstTime))
	p.field("last", p.when(s.LastTime))
	p.field("size", fmt.Sprintf("log %s, index %s, archive %s",
		bytesText(s.LogBytes), bytesText(s.IndexBytes), bytesText(s.ArchiveBytes)))
	p.field("digest", s.Digest)
}

func countsText(counts []memory.Count) string {
	var out []string
	for i, n := range counts {
		if i == shownCounts {
			out = append(out, fmt.Sprintf("and %d more", len(counts)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s %d", n.Name, n.Count))
	}
	return strings.Join(out, ", ")
}
