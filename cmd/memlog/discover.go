package main

import (
	"context"
	"os"
	"runtime"
	"strings"

	"memlog/cmd/memlog/internal/foreign"
)

// discovery is what memlog import --discover found.
type discovery struct {
	Found []foundSource `json:"found"`
}

// foundSource is one source, and what stands in the way of importing it, if anything does.
type foundSource struct {
	Path string `json:"path"`
	Tool string `json:"tool"`
	foreign.Summary
	Live     int    `json:"live"` // memories that are not deleted there
	Rejected int    `json:"rejected"`
	Error    string `json:"error,omitempty"`
}

// discover lists what there is to import, and imports nothing.
func (c *call) discover(ctx context.Context, o foreign.Options) error {
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "" // only a CLAUDE.md of this directory is not looked for
	}
	var out discovery
	for _, p := range foreign.Discover(foreign.Machine{OS: runtime.GOOS, Env: c.env, Dir: cwd,
		Transcripts: o.Transcripts}) {
		if show := c.bar.progress(); show != nil {
			show("look into "+p.Path, int64(len(out.Found)), 0)
		}
		s, err := foreign.Survey(ctx, p.Path, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f := foundSource{Path: p.Path, Tool: p.Tool, Summary: s.Summary,
			Live: s.Entries - s.Deleted, Rejected: s.Rejected}
		if err != nil {
			f.Error = describe(err).Message
		}
		out.Found = append(out.Found, f)
	}
	return c.emit(out, func(p *page) { p.discovered(out) })
}

func (p *page) discovered(d discovery) {
	if len(d.Found) == 0 {
		p.line("nothing found; memlog import PATH takes memories from anywhere")
		return
	}
	var paths []string
	for _, f := range d.Found {
		if f.Error != "" {
			p.line("%s: %s: %s", f.Path, f.Tool, oneLine(f.Error))
			continue
		}
		p.line("%s: %s, %s", f.Path, f.Tool, importSource{f.Path, f.Summary}.text())
		if f.Rejected > 0 {
			p.field("", plural(f.Rejected, "entry")+" cannot be read")
		}
		if f.Entries > 0 {
			paths = append(paths, quoteWord(f.Path))
		}
	}
	if len(paths) > 0 {
		p.line("")
		p.line("nothing was imported; this does it, and memlog undo takes it back:")
		p.line("memlog import %s", strings.Join(paths, " "))
	}
}

// quoteWord writes s as one word for a shell.
func quoteWord(s string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune(`/\.:_-+@%~`, r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' ||
			r >= 'A' && r <= 'Z'
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	if runtime.GOOS == "windows" {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
