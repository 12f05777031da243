package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/claude"
)

// strict reads a file of the plugin; a field that is not documented is an error.
func strict(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// inside reports whether a path of the manifest is one that Claude Code takes, and exists.
func inside(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
	return err == nil && strings.HasPrefix(path, "./") && !strings.Contains(path, "..")
}

// The fields are those of https://code.claude.com/docs/en/plugins-reference and of the page on
// marketplaces that we use; Claude Code ignores others without a word.
func TestPlugin(t *testing.T) {
	type person struct{ Name, Email, URL string }
	var plugin struct {
		Name, Version, Description, License, Homepage, Repository string
		Author                                                    person
		Keywords                                                  []string
		Hooks, Skills, MCPServers                                 string
	}
	strict(t, ".claude-plugin/plugin.json", &plugin)
	if plugin.Name != claude.Name || plugin.Description == "" ||
		!strings.HasPrefix(release, plugin.Version) {
		t.Errorf("manifest is %+v, the release %s", plugin, release)
	}
	for _, p := range []string{plugin.Hooks, plugin.Skills, plugin.MCPServers} {
		if !inside(t, p) {
			t.Errorf("the manifest names %q", p)
		}
	}
	var market struct {
		Name, Description string
		Owner             person
		Plugins           []struct{ Name, Source, Description string }
	}
	strict(t, ".claude-plugin/marketplace.json", &market)
	if !kebab.MatchString(market.Name) || market.Owner.Name == "" || len(market.Plugins) != 1 ||
		market.Plugins[0].Name != plugin.Name || market.Plugins[0].Source != "./" {
		t.Errorf("marketplace is %+v", market)
	}
	var servers struct{ MCPServers map[string]claude.Server }
	strict(t, plugin.MCPServers, &servers)
	if s := servers.MCPServers[claude.Name]; len(servers.MCPServers) != 1 || s.Command != "memlog" ||
		!slices.Equal(s.Args, []string{"mcp"}) || s.Type != "stdio" {
		t.Errorf("servers are %+v", servers)
	}
	checkHooks(t, plugin.Hooks)
	checkSkills(t, plugin.Skills)
}

// checkHooks holds the hooks against https://code.claude.com/docs/en/hooks and our commands.
func checkHooks(t *testing.T, path string) {
	t.Helper()
	var file struct {
		Description string
		Hooks       map[string][]struct {
			Matcher string
			Hooks   []struct {
				Type, Command string
				Timeout       int
			}
		}
	}
	strict(t, path, &file)
	matchers := map[string]*regexp.Regexp{"UserPromptSubmit": regexp.MustCompile(`^$`),
		"SessionStart": regexp.MustCompile(`^((startup|resume|clear|compact)(\||$))+$`),
		"SessionEnd":   regexp.MustCompile(`^$`)}
	var called []string
	for event, groups := range file.Hooks {
		for _, g := range groups {
			if m := matchers[event]; m == nil || !m.MatchString(g.Matcher) {
				t.Errorf("%s has matcher %q", event, g.Matcher)
			}
			for _, h := range g.Hooks {
				l, err := arrange(commands(), globalFlags(), strings.Fields(h.Command)[1:])
				if err != nil || !strings.HasPrefix(h.Command, "memlog hook ") || l.cmd.run == nil ||
					!l.cmd.neverFails || h.Type != "command" || h.Timeout <= 0 {
					t.Errorf("%s: %+v: %v", event, h, err)
					continue
				}
				called = append(called, l.cmd.name)
			}
		}
	}
	slices.Sort(called)
	want := names(find(commands(), "hook").subs)
	slices.Sort(want)
	if !slices.Equal(called, want) {
		t.Errorf("the plugin calls %v, there are %v", called, want)
	}
}

// checkSkills holds every skill against https://agentskills.io/specification.
func checkSkills(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*", "SKILL.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no skills in %s: %v", dir, err)
	}
	front := regexp.MustCompile(`\A---\nname: (\S+)\ndescription: (.+)\n---\n`)
	tools := regexp.MustCompile("`(memory_[a-z]+)`")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m := front.FindStringSubmatch(strings.ReplaceAll(string(b), "\r\n", "\n"))
		if m == nil || m[1] != filepath.Base(filepath.Dir(f)) || !kebab.MatchString(m[1]) ||
			len(m[2]) > 1024 {
			t.Errorf("%s begins with %q", f, m)
		}
		for _, tool := range tools.FindAllStringSubmatch(string(b), -1) {
			if _, err := os.Stat("internal/mcpserver/" + tool[1] + ".go"); err != nil {
				t.Errorf("%s speaks of %s: %v", f, tool[1], err)
			}
		}
	}
}
