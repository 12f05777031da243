package main

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

// tagFlag collects tags. A comma is part of a tag; more tags take more flags.
func tagFlag(use string) cli.Flag {
	return &cli.StringSliceFlag{Name: "tag", Aliases: []string{"t"}, Usage: use, KeepSpace: true}
}

// filterFlags select memories.
func filterFlags() []cli.Flag {
	return []cli.Flag{
		tagFlag("only with this `TAG`; may be repeated"),
		&cli.StringFlag{Name: "match", Usage: "`any` of the tags, or all of them (default: any)"},
		&cli.StringFlag{Name: "type", Usage: "only of this `TYPE`"},
		&cli.StringFlag{Name: "project", Usage: "only of this `PROJECT`"},
		&cli.StringFlag{Name: "session", Usage: "only stored, changed or said again in this `SESSION`; " +
			"current is this process' own (" + envSession + ")"},
		&cli.StringFlag{Name: "since", Usage: "only created at or after `TIME`"},
		&cli.StringFlag{Name: "until", Usage: "only created at or before `TIME`"},
		&cli.StringFlag{Name: "during", Usage: "only created within `SPAN`: \"last week\", " +
			"\"from January to March\""},
		clockFlag("`CLOCK` of --since, --until and --during: created or recorded"),
	}
}

func clockFlag(use string) cli.Flag {
	return &cli.StringFlag{Name: "clock", Usage: use + " (default: created)"}
}

// asOfFlag asks for the past of the log.
func asOfFlag() cli.Flag {
	return &cli.StringFlag{Name: "as-of", Usage: "answer as of this `MOMENT` of the log"}
}

func limitFlag() cli.Flag {
	return &cli.IntFlag{Name: "limit", Aliases: []string{"n"},
		Usage: "at most `N` (default: 10)"}
}

// filter returns what the filter flags select, and prints how their times were understood.
func (c *call) filter() (memory.Filter, error) {
	f, err := c.filterButTimes()
	if err != nil {
		return f, err
	}
	if f.Since, f.Until, err = c.span(); err != nil {
		return f, err
	}
	clock := f.Clock
	if clock == "" {
		clock = memory.ClockCreated
	}
	if !f.Since.IsZero() {
		c.tell("%s since %s", clock, exact(f.Since))
	}
	if !f.Until.IsZero() {
		c.tell("%s until %s", clock, exact(f.Until))
	}
	return f, nil
}

func (c *call) filterButTimes() (memory.Filter, error) {
	f := memory.Filter{
		Tags: c.flags.StringSlice("tag"), Type: c.str("type"), Project: c.str("project"),
	}
	for _, name := range []string{"type", "project", "session"} {
		if c.isSet(name) && c.str(name) == "" {
			return f, memory.Invalid("--"+name, "is empty")
		}
	}
	if f.Session = c.str("session"); f.Session == memory.SessionCurrent {
		if f.Session = clip(session(c.env)); f.Session == "" {
			return f, memory.Invalid("--session", "this process belongs to none").
				WithHint("set %s, or name one: memlog log --json shows them", envSession)
		}
	}
	word, err := c.oneOf("match", string(memory.MatchAny), string(memory.MatchAll))
	if err != nil {
		return f, err
	}
	f.Match = memory.Match(word)
	f.Clock, err = c.clock()
	return f, err
}

// span returns the bounds that --since, --until and --during give.
func (c *call) span() (since, until time.Time, err error) {
	if c.isSet("during") {
		if c.isSet("since") || c.isSet("until") {
			return since, until, memory.Invalid("--during", "stands for both --since and --until")
		}
		if since, until, err = when.Span(c.str("during"), c.now()); err != nil {
			err = badTime("--during", err)
		}
		return since, until, err
	}
	if since, err = c.timeFlag("since", when.Start); err != nil {
		return since, until, err
	}
	if until, err = c.timeFlag("until", when.End); err != nil {
		return since, until, err
	}
	if !until.IsZero() && until.Before(since) {
		return since, until, memory.Invalid("--until", "%s is before --since %s",
			exact(until), exact(since))
	}
	return since, until, nil
}

func (c *call) clock() (memory.Clock, error) {
	word, err := c.oneOf("clock", string(memory.ClockCreated), string(memory.ClockRecorded))
	return memory.Clock(word), err
}

// oneOf returns the value of a flag that takes one of a few words, "" where it is not set.
func (c *call) oneOf(name string, words ...string) (string, error) {
	if !c.isSet(name) {
		return "", nil
	}
	v := c.str(name)
	for _, w := range words {
		if v == w {
			return v, nil
		}
	}
	err := memory.Invalid("--"+name, "unknown word %q", v)
	if s := suggest(v, words); s != "" {
		return "", err.WithHint("did you mean %s?", s)
	}
	return "", err.WithHint("there are: %s", strings.Join(words, ", "))
}
