package claude

import (
	"fmt"
	"os"
	"path/filepath"
)

// The environment of Claude Code.
const (
	envConfigDir  = "CLAUDE_CONFIG_DIR"
	envProjectDir = "CLAUDE_PROJECT_DIR"
)

// Places says where Claude Code keeps what concerns one user in one project.
type Places struct {
	Config   string // .claude.json
	Settings string // settings.json of the user
	Root     string // of the project, without symbolic links
}

// Locate finds the places for the working directory of this process.
func Locate(env func(string) string) (Places, error) {
	var p Places
	home := env("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	switch dir := env(envConfigDir); {
	case dir != "":
		p.Config = filepath.Join(dir, ".claude.json")
		p.Settings = filepath.Join(dir, "settings.json")
	case home != "":
		p.Config = filepath.Join(home, ".claude.json")
		p.Settings = filepath.Join(home, ".claude", "settings.json")
	default:
		return p, fmt.Errorf("no home directory is known; set HOME or %s", envConfigDir)
	}
	root, err := Root(env)
	p.Root = root
	return p, err
}

// Root returns the root of the project that this process works in: CLAUDE_PROJECT_DIR, else the
// nearest directory upwards that holds .git, else the working directory.
func Root(env func(string) string) (string, error) {
	dir := env(envProjectDir)
	if dir != "" {
		return filepath.EvalSymlinks(dir)
	}
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	return RootAbove(dir), nil
}

// RootAbove returns the nearest directory upwards from dir that holds .git, else dir.
func RootAbove(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// file returns the file of a scope.
func (p Places) file(s Scope) string {
	if s == ScopeProject {
		return filepath.Join(p.Root, ".mcp.json")
	}
	return p.Config
}

// key returns the path of the object mcpServers of a scope in its file.
func (p Places) key(s Scope) []string {
	if s == ScopeLocal {
		return []string{"projects", filepath.ToSlash(p.Root), "mcpServers"}
	}
	return []string{"mcpServers"}
}

// settings returns the files of settings that name plugins.
func (p Places) settings() []string {
	dir := filepath.Join(p.Root, ".claude")
	return []string{p.Settings, filepath.Join(dir, "settings.json"),
		filepath.Join(dir, "settings.local.json")}
}
