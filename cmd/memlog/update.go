package main

import (
	"context"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func updateCommand() *command {
	return &command{
		name: "update", group: "Write", args: "ID", min: 1, max: 1,
		summary: "Change a memory; what it said before stays in its history",
		about: `
Only what a flag names is changed. --tag gives the whole set of tags; --no-tags takes all away.
--if-version refuses the change where the memory has moved on since (exit code 5).`,
		examples: []string{
			`memlog update ID --content "deploys go out from main" --if-version 1`,
			`git show HEAD:NOTES.md | memlog update ID --content -`,
		},
		flags: append([]cli.Flag{
			&cli.StringFlag{Name: "content", Usage: "the new `TEXT`; - reads standard input"},
			tagFlag("`TAG` of the new set; may be repeated"),
			&cli.BoolFlag{Name: "no-tags", Usage: "take all tags away"},
			&cli.StringFlag{Name: "type", Usage: "the new `TYPE`; empty takes it away"},
			&cli.StringFlag{Name: "project", Usage: "the new `PROJECT`; empty takes it away"},
			&cli.StringFlag{Name: "metadata", Usage: "the new `JSON`; null takes it away"},
			&cli.IntFlag{Name: "if-version", Usage: "only if the present version is `N`"},
		}, originFlags()...),
		exits: []int{exitDamaged, exitNotFound, exitConflict, exitBusy},
		run:   runUpdate,
	}
}

func runUpdate(ctx context.Context, c *call) error {
	req, err := c.updateRequest()
	if err != nil {
		return err
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	res, err := svc.Update(ctx, req)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) {
		if res.Seq == 0 {
			p.line("%s  is so already", c.args[0])
			return
		}
		p.line("%s  version %d (seq %d)", c.args[0], res.Version, res.Seq)
	})
}

func (c *call) updateRequest() (memory.UpdateRequest, error) {
	req := memory.UpdateRequest{ID: c.args[0], Origin: c.origin()}
	if c.isSet("content") {
		text, err := c.text([]string{c.str("content")})
		if err != nil {
			return req, err
		}
		req.Content = &text
	}
	tags := c.flags.StringSlice("tag")
	switch {
	case c.yes("no-tags") && len(tags) > 0:
		return req, memory.Invalid("--no-tags", "does not go with --tag")
	case c.yes("no-tags"):
		req.Tags = &[]string{}
	case len(tags) > 0:
		req.Tags = &tags
	}
	for name, field := range map[string]**string{"type": &req.Type, "project": &req.Project} {
		if c.isSet(name) {
			v := c.str(name)
			*field = &v
		}
	}
	var err error
	if req.Metadata, err = c.metadata(); err != nil {
		return req, err
	}
	if req.IfVersion, err = c.ifVersion(); err != nil {
		return req, err
	}
	if req.Content == nil && req.Tags == nil && req.Type == nil && req.Project == nil &&
		req.Metadata == nil {
		return req, usage("nothing to change was given").
			WithHint("name what to change, for example --content TEXT or --tag TAG")
	}
	return req, nil
}

func (c *call) ifVersion() (uint64, error) {
	n, err := c.positive("if-version")
	return uint64(n), err
}

// changeText returns what a change did, for people.
func changeText(verb string, res memory.Change) string {
	n := plural(len(res.Affected), "memory")
	switch {
	case res.DryRun:
		return "would have " + verb + " " + n
	case res.Seq == 0:
		return "nothing to do"
	}
	text := verb + " " + n
	if res.Repeats {
		text += ", by this request before"
	}
	return text
}

// emitChange prints what a change did, and to which memories.
func (c *call) emitChange(verb string, res memory.Change) error {
	return c.emit(res, func(p *page) {
		for _, id := range res.Affected {
			p.line("%s", id)
		}
		text := changeText(verb, res)
		if res.Seq != 0 {
			p.line("%s (seq %d)", text, res.Seq)
			return
		}
		p.line("%s", text)
	})
}
