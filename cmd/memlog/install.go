package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/claude"
	"memlog/cmd/memlog/internal/memory"
)

func installCommand() *command {
	return &command{
		name: "install", group: "Processes",
		summary: "Connect an agent to the store",
		subs:    []*command{installClaudeCommand()},
	}
}

func installClaudeCommand() *command {
	return &command{
		name:    "claude-code",
		summary: "Register the MCP server with Claude Code",
		about: `
Runs claude mcp add where there is a claude on the PATH, and writes Claude Code's own files where
there is none: ~/.claude.json (scope user: every project; scope local: you, in this project) or
.mcp.json in the root of the project (scope project: everybody who has it). Of a file that is
written a copy is kept beside it; nothing but the entry changes. Doing it again does nothing.

A store named by --store or MEMLOG_STORE is part of what is registered.`,
		examples: []string{
			`memlog install claude-code --dry-run`,
			`memlog install claude-code --scope project`,
			`memlog install claude-code --uninstall`,
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "scope", Usage: "`SCOPE` of the registration: user, project or local " +
				"(default: user)"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be done"},
			&cli.BoolFlag{Name: "uninstall", Usage: "take the registration away"},
			&cli.BoolFlag{Name: "replace", Usage: "also a registration that points elsewhere"},
			&cli.BoolFlag{Name: "direct", Usage: "write the files, also where there is a claude command"},
		},
		exits: []int{exitConflict, exitBusy},
		run:   runInstallClaude,
	}
}

func runInstallClaude(ctx context.Context, c *call) error {
	req := claude.Request{
		Scope: claude.ScopeUser, Uninstall: c.yes("uninstall"), Replace: c.yes("replace"),
		DryRun: c.yes("dry-run"), Now: c.now(),
	}
	if c.isSet("scope") {
		req.Scope = claude.Scope(c.str("scope"))
	}
	if !slices.Contains(claude.Scopes, req.Scope) {
		return memory.Invalid("--scope", "unknown scope %q", req.Scope).
			WithHint("user, project or local")
	}
	places, err := claude.Locate(c.env)
	if err != nil {
		return err
	}
	if req.Server, err = c.mcpServer(req); err != nil {
		return err
	}
	if !c.yes("direct") {
		if path, err := exec.LookPath("claude"); err == nil {
			req.Program = path
		}
	}
	res, err := places.Install(ctx, req)
	if err != nil {
		return err
	}
	return c.emit(res, func(p *page) { p.installed(res) })
}

// mcpServer returns how Claude Code is to start this program: by its path, but in a file that
// others share by its name.
func (c *call) mcpServer(req claude.Request) (claude.Server, error) {
	s := claude.Server{Command: claude.Name, Args: []string{"mcp"}}
	if req.Scope != claude.ScopeProject {
		self, err := os.Executable()
		if err != nil {
			return s, fmt.Errorf("find this binary: %w", err)
		}
		if temporary(self) && !req.Uninstall {
			return s, usage("%s is a binary that go run throws away", self).
				WithHint("go install ./cmd/memlog, then memlog install claude-code")
		}
		s.Command = self
	}
	if c.isSet("store") || c.env(envStore) != "" {
		s.Args = append(s.Args, "--store", c.store)
	}
	return s, nil
}

// temporary reports whether go run made the binary at path.
func temporary(path string) bool {
	return strings.Contains(filepath.ToSlash(path), "/go-build") &&
		strings.Contains(filepath.ToSlash(path), "/exe/")
}

func (p *page) installed(r claude.Result) {
	would := ""
	if r.DryRun {
		would = "would be "
	}
	switch r.Action {
	case "present":
		p.line("registered already; nothing to do")
	case "absent":
		p.line("not registered in this scope; nothing to do")
	default:
		p.line("memlog %s%s", would, r.Action)
	}
	p.field("scope", r.Scope)
	p.field("file", r.File)
	if r.Was != nil && r.Action != "present" {
		p.field("was", shellWords(r.Was.Words()))
	}
	if r.Action != "uninstalled" && r.Action != "absent" {
		p.field("starts", shellWords(r.Server.Words()))
	}
	for _, words := range r.Ran {
		p.field(would+"run", shellWords(words))
	}
	p.field("backup", r.Backup)
	for _, o := range r.Others {
		p.field("also in", fmt.Sprintf("scope %s (%s): %s", o.Scope, o.File,
			shellWords(o.Server.Words())))
	}
	if !r.DryRun && (r.Action == "installed" || r.Action == "replaced") {
		p.line("start Claude Code anew, and /mcp shows memlog; memlog doctor checks all of it")
	}
}

// shellWords writes a command line as it is typed.
func shellWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n\"'\\$`&|;<>()*?[]{}~#!") {
			out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
