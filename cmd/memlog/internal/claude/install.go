package claude

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// commandWait is how long Claude Code's own command may take.
const commandWait = 60 * time.Second

// Request asks for memlog to be registered, or no longer.
type Request struct {
	Scope     Scope
	Server    Server
	Program   string // Claude Code's own command; empty: its files are edited here
	Uninstall bool
	Replace   bool // also what points elsewhere
	DryRun    bool
	Now       time.Time
}

// Result says what was done, or would be.
type Result struct {
	Action string         `json:"action"` // installed, replaced, present, uninstalled or absent
	Scope  Scope          `json:"scope"`
	File   string         `json:"file"`
	Server Server         `json:"server"`
	Was    *Server        `json:"was,omitempty"`     // what was registered
	Ran    [][]string     `json:"ran,omitempty"`     // commands of Claude Code
	Backup string         `json:"backup,omitempty"`  // copy of the file as it was
	Others []Registration `json:"others"`            // of the other scopes
	DryRun bool           `json:"dry_run,omitempty"` //
}

// Install carries out a request. Where the same is registered already it does nothing; where
// something else is, it is refused with CodeConflict unless Replace is set.
func (p Places) Install(ctx context.Context, r Request) (Result, error) {
	res := Result{Scope: r.Scope, File: p.file(r.Scope), Server: r.Server, DryRun: r.DryRun}
	all, err := p.Find()
	if err != nil {
		return res, err
	}
	for _, reg := range all {
		if reg.Scope == r.Scope {
			was := reg.Server
			res.Was = &was
		} else {
			res.Others = append(res.Others, reg)
		}
	}
	if err := decide(&res, r); err != nil {
		return res, err
	}
	if res.Action == "present" || res.Action == "absent" {
		return res, nil
	}
	if r.Program != "" {
		res.Ran = p.commands(r, res.Was != nil)
		if !r.DryRun {
			err = p.runAll(ctx, res.Ran, r)
		}
	} else if !r.DryRun {
		res.Backup, err = p.write(r)
	}
	return res, err
}

// decide names the action.
func decide(res *Result, r Request) error {
	switch {
	case r.Uninstall && res.Was == nil:
		res.Action = "absent"
	case r.Uninstall && !r.Replace && !isMemlog(*res.Was):
		return memory.Errorf(memory.CodeConflict, "%s in %s starts something else: %s", Name, res.File,
			strings.Join(res.Was.Words(), " ")).WithHint("--replace removes it all the same")
	case r.Uninstall:
		res.Action = "uninstalled"
	case res.Was == nil:
		res.Action = "installed"
	case res.Was.Starts(r.Server):
		res.Action = "present"
	case !r.Replace:
		return memory.Errorf(memory.CodeConflict, "%s is registered in %s already, and points "+
			"elsewhere: %s", Name, res.File, strings.Join(res.Was.Words(), " ")).
			WithHint("--replace makes it %s", strings.Join(r.Server.Words(), " "))
	default:
		res.Action = "replaced"
	}
	return nil
}

// isMemlog reports whether a server is some memlog mcp.
func isMemlog(s Server) bool {
	base := strings.TrimSuffix(strings.ToLower(filepath.Base(filepath.ToSlash(s.Command))), ".exe")
	return base == Name && slices.Contains(s.Args, "mcp")
}

// commands returns what Claude Code's own command is asked to do.
func (p Places) commands(r Request, there bool) [][]string {
	scope := string(r.Scope)
	var out [][]string
	if there {
		out = append(out, []string{r.Program, "mcp", "remove", "--scope", scope, Name})
	}
	if !r.Uninstall {
		add := []string{r.Program, "mcp", "add", "--scope", scope, Name, "--"}
		out = append(out, append(add, r.Server.Words()...))
	}
	return out
}

// runAll runs commands of Claude Code in the project, and looks whether they did what they should.
func (p Places) runAll(ctx context.Context, commands [][]string, r Request) error {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	for _, words := range commands {
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		cmd.Dir = p.Root
		cmd.WaitDelay = time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			return memory.Errorf(memory.CodeFailed, "%s: %w: %s", strings.Join(words, " "), err,
				strings.TrimSpace(string(out))).
				WithHint("--direct edits Claude Code's files without its own command")
		}
	}
	now, err := p.find(r.Scope)
	switch {
	case err != nil:
		return err
	case r.Uninstall && now != nil, !r.Uninstall && (now == nil || !now.Server.Starts(r.Server)):
		return memory.Errorf(memory.CodeFailed, "%s reported success, but %s does not show it",
			strings.Join(commands[len(commands)-1], " "), p.file(r.Scope)).
			WithHint("--direct edits Claude Code's files without its own command")
	}
	return nil
}

// write edits the file of a scope.
func (p Places) write(r Request) (backup string, err error) {
	path := append(p.key(r.Scope), Name)
	mode := fs.FileMode(privateMode)
	if r.Scope == ScopeProject {
		mode = sharedMode
	}
	entry := r.Server
	entry.Type = "stdio"
	backup, err = edit(p.file(r.Scope), mode, r.Now, func(d *document) ([]byte, error) {
		for i := range path { // every step on the way is an object, or nothing
			if _, err := d.at(path[:i+1]); err != nil {
				return nil, err
			}
		}
		if r.Uninstall {
			return d.unset(path)
		}
		return d.set(path, entry)
	})
	var e *memory.Error
	if err != nil && !errors.As(err, &e) {
		return backup, fmt.Errorf("register with Claude Code: %w", err)
	}
	return backup, err
}
