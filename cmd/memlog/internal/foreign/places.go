package foreign

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// projectOf is the project that a document of Claude Code belongs to: the directory of a CLAUDE.md,
// or what the sessions beside a memory directory say of theirs. Notes that belong to all projects
// have none. owner tells the document from others of its name, and never changes.
func projectOf(path string) (owner, project string) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", ""
	}
	dir := filepath.Dir(abs)
	if filepath.Base(dir) == ".claude" {
		return "", ""
	}
	if filepath.Base(dir) != "memory" {
		return dir, dir
	}
	project = filepath.Dir(dir)
	owner = filepath.Base(project)
	sessions, err := filepath.Glob(filepath.Join(escapeGlob(project), "*.jsonl"))
	if err == nil {
		for _, s := range sessions {
			if cwd := sessionDir(s); cwd != "" {
				return owner, cwd
			}
		}
	}
	return owner, owner
}

// sessionDir is the directory in which a session was held; "" where its first lines do not say.
func sessionDir(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := &lineReader{src: bufio.NewReaderSize(f, lookAhead)}
	for range looksAt {
		line, _, err := lines.next()
		if err != nil {
			break
		}
		var m message
		if json.Unmarshal(line, &m) == nil && m.Cwd != "" {
			return plainLine(m.Cwd)
		}
	}
	return ""
}

// Machine is what Discover looks at. Dir is the present directory; empty: none.
type Machine struct {
	OS          string // as runtime.GOOS
	Env         func(string) string
	Dir         string
	Transcripts bool
}

// Place is a source that was found, and the tool whose it is.
type Place struct {
	Path string
	Tool string
}

// The tools, as their users know them.
const (
	toolService = "mcp-memory-service"
	toolGraph   = "server-memory"
	toolClaude  = "Claude Code"
)

// pathVariables are the environment variables that name a store, and the tool that reads each. They
// may also stand in the settings of an MCP client, which hands them to the servers it starts.
var pathVariables = map[string]string{
	"MCP_MEMORY_SQLITE_PATH": toolService, "CHROMA_DB_PATH": toolService,
	"MCP_MEMORY_CHROMA_PATH": toolService, "MCP_MEMORY_BASE_DIR": toolService,
	"MCP_MEMORY_BACKUPS_PATH": toolService, "MEMORY_FILE_PATH": toolGraph,
}

// Discover lists the sources that are there: in the default places of each tool on this system,
// where the environment and the settings of MCP clients point, and in the present directory. Each
// once, in a fixed order.
func Discover(m Machine) []Place {
	f := &finder{m: m, seen: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(pathVariables)) {
		f.named(name, m.Env(name))
	}
	for _, c := range f.clientSettings() {
		f.settings(c)
	}
	for _, base := range f.serviceDirs() {
		f.service(base)
	}
	for _, dir := range f.packageDirs() {
		f.glob(toolGraph, filepath.Join(dir, "@modelcontextprotocol", "server-memory", "dist",
			"memory.json*"))
	}
	f.claude()
	return f.found
}

// finder collects what is there.
type finder struct {
	m     Machine
	seen  map[string]bool
	found []Place
}

// home is the user's own directory; "" where the environment does not say.
func (f *finder) home() string {
	if f.m.OS == "windows" {
		return f.m.Env("USERPROFILE")
	}
	return f.m.Env("HOME")
}

// under joins a path to a directory, "" where there is no directory.
func under(dir string, elem ...string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

// add keeps a file that is there and was not found before, under whatever name.
func (f *finder) add(tool, path string) {
	if path == "" || !isFile(path) {
		return
	}
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		target, err = filepath.Abs(target)
	}
	if err != nil || f.seen[target] {
		return
	}
	f.seen[target] = true
	f.found = append(f.found, Place{path, tool})
}

func (f *finder) glob(tool, pattern string) {
	found, err := filepath.Glob(pattern)
	if err != nil { // the patterns here are well formed
		return
	}
	for _, p := range found {
		f.add(tool, p)
	}
}

// named looks where a variable points: to a file, or to a directory with known files in it.
func (f *finder) named(variable, value string) {
	if value == "" {
		return
	}
	if rest, ok := strings.CutPrefix(value, "~"); ok && f.home() != "" {
		value = filepath.Join(f.home(), rest)
	}
	tool := pathVariables[variable]
	f.add(tool, value)
	if tool == toolService {
		f.service(value)
	}
}

// service looks into a directory of mcp-memory-service.
func (f *finder) service(dir string) {
	if dir == "" {
		return
	}
	f.add(toolService, filepath.Join(dir, "sqlite_vec.db"))
	f.add(toolService, filepath.Join(dir, "chroma.sqlite3"))
	f.add(toolService, filepath.Join(dir, "chroma_db", "chroma.sqlite3"))
	f.glob(toolService, filepath.Join(escapeGlob(dir), "memory_backup_*.json"))
	f.glob(toolService, filepath.Join(escapeGlob(dir), "backups", "memory_backup_*.json"))
}

// serviceDirs are the directories in which mcp-memory-service keeps its stores by default.
func (f *finder) serviceDirs() []string {
	home := f.home()
	dirs := []string{under(home, ".mcp_memory_chroma"), under(home, ".mcp_memory_backups")}
	switch f.m.OS {
	case "darwin":
		return append(dirs, under(home, "Library", "Application Support", "mcp-memory"))
	case "windows":
		return append(dirs, under(f.m.Env("LOCALAPPDATA"), "mcp-memory"))
	default:
		return append(dirs, under(f.m.Env("XDG_DATA_HOME"), "mcp-memory"),
			under(home, ".local", "share", "mcp-memory"))
	}
}

// packageDirs are where npm and npx put packages: server-memory keeps its file beside its program.
func (f *finder) packageDirs() []string {
	home := f.home()
	if f.m.OS == "windows" {
		return f.existing(under(f.m.Env("APPDATA"), "npm", "node_modules"),
			under(f.m.Env("LOCALAPPDATA"), "npm-cache", "_npx", "*", "node_modules"))
	}
	return f.existing(under(home, ".npm", "_npx", "*", "node_modules"),
		under(home, ".npm-global", "lib", "node_modules"),
		under(home, ".nvm", "versions", "node", "*", "lib", "node_modules"),
		"/usr/lib/node_modules", "/usr/local/lib/node_modules", "/opt/homebrew/lib/node_modules")
}

func (f *finder) existing(dirs ...string) []string {
	return slices.DeleteFunc(dirs, func(d string) bool { return d == "" })
}

// claude looks for the notes of Claude Code: of every project, of the user, and of this directory.
func (f *finder) claude() {
	base := f.m.Env("CLAUDE_CONFIG_DIR")
	if base == "" {
		base = under(f.home(), ".claude")
	}
	if base != "" {
		f.add(toolClaude, filepath.Join(base, "CLAUDE.md"))
		projects := filepath.Join(escapeGlob(base), "projects", "*")
		f.glob(toolClaude, filepath.Join(projects, "memory", "*.md"))
		if f.m.Transcripts {
			f.glob(toolClaude, filepath.Join(projects, "*.jsonl"))
		}
	}
	if f.m.Dir != "" {
		f.add(toolClaude, filepath.Join(f.m.Dir, "CLAUDE.md"))
		f.add(toolClaude, filepath.Join(f.m.Dir, "CLAUDE.local.md"))
		f.add(toolClaude, filepath.Join(f.m.Dir, ".claude", "CLAUDE.md"))
	}
}

// clientSettings are the files in which MCP clients keep the servers they start.
func (f *finder) clientSettings() []string {
	home := f.home()
	files := []string{under(home, ".claude.json"), under(home, ".cursor", "mcp.json"),
		under(f.m.Dir, ".mcp.json")}
	switch f.m.OS {
	case "darwin":
		files = append(files, under(home, "Library", "Application Support", "Claude",
			"claude_desktop_config.json"))
	case "windows":
		files = append(files, under(f.m.Env("APPDATA"), "Claude", "claude_desktop_config.json"))
	default:
		files = append(files, under(home, ".config", "Claude", "claude_desktop_config.json"))
	}
	return f.existing(files...)
}

// maxSettings bounds a settings file that is looked at, in bytes.
const maxSettings = 16 << 20

// settings looks where the servers of a settings file are told to keep their memories.
func (f *finder) settings(path string) {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxSettings {
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return
	}
	type servers map[string]struct {
		Env map[string]string `json:"env"`
	}
	var s struct {
		Servers  servers `json:"mcpServers"`
		Projects map[string]struct {
			Servers servers `json:"mcpServers"`
		} `json:"projects"`
	}
	if json.Unmarshal(b, &s) != nil {
		return
	}
	all := []servers{s.Servers}
	for _, p := range slices.Sorted(maps.Keys(s.Projects)) {
		all = append(all, s.Projects[p].Servers)
	}
	for _, one := range all {
		for _, server := range slices.Sorted(maps.Keys(one)) {
			for _, name := range slices.Sorted(maps.Keys(pathVariables)) {
				f.named(name, one[server].Env[name])
			}
		}
	}
}

// Surveyed is what a source holds, found by reading it to its end.
type Surveyed struct {
	Summary
	Rejected int // entries that cannot be read
}

// Survey reads a source and counts what is in it.
func Survey(ctx context.Context, path string, o Options) (Surveyed, error) {
	in, err := Open(ctx, path, o)
	if err != nil {
		return Surveyed{}, err
	}
	defer in.Close()
	lines := 0
	buf := make([]byte, fillTo)
	for {
		n, err := in.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Surveyed{}, err
		}
	}
	out := Surveyed{Summary: in.Summary()}
	rejected, more := in.Rejected()
	out.Rejected = len(rejected) + more
	if out.Format == Memlog {
		out.Entries = lines
	}
	return out, nil
}
