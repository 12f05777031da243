package claude

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// place returns the places of a home and a project of their own.
func place(t *testing.T) Places {
	t.Helper()
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(home, "my project.v2")
	if err := os.MkdirAll(filepath.Join(root, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Places{Config: filepath.Join(home, ".claude.json"), Root: root,
		Settings: filepath.Join(home, ".claude", "settings.json")}
}

var wanted = Server{Command: "/usr/bin/memlog", Args: []string{"mcp"}}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func install(t *testing.T, p Places, r Request) Result {
	t.Helper()
	r.Server, r.Now = wanted, time.Now()
	res, err := p.Install(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Registering and taking it back leaves a file as it was, byte for byte: numbers, order, escapes.
func TestRoundTrip(t *testing.T) {
	for name, text := range map[string]string{
		"indented": "{\n  \"z\": 1.50,\n  \"big\": 12345678901234567890,\n  \"mcpServers\": {\n    " +
			"\"a.b\": {\n      \"command\": \"x\"\n    }\n  },\n  \"u\": \"\\u00e9\"\n}\n",
		"tabs":    "{\n\t\"mcpServers\": {\n\t\t\"other\": {}\n\t},\n\t\"a\": [\n\t\t1e3\n\t]\n}\n",
		"compact": `{"b":1,"mcpServers":{"other":{"command":"y"}},"a":{"c":1.0}}`,
		"by hand": "{ \"b\" : 1,\n\"mcpServers\":{ \"other\":{} } ,  \"a\":[1,\n2] }",
		"bom":     "\ufeff{\"mcpServers\":{\"other\":{}},\"x\":1e400}",
	} {
		for _, scope := range Scopes {
			if scope == ScopeLocal {
				continue // makes projects, which stays
			}
			t.Run(name+"/"+string(scope), func(t *testing.T) {
				p := place(t)
				write(t, p.file(scope), text, 0o640)
				res := install(t, p, Request{Scope: scope})
				if res.Action != "installed" {
					t.Errorf("action is %s", res.Action)
				}
				during := read(t, p.file(scope))
				if read(t, res.Backup) != text {
					t.Error("the backup is not the old file")
				}
				if name == "indented" && !strings.Contains(during,
					"\n    \"memlog\": {\n      \"type\": \"stdio\",\n") {
					t.Errorf("the entry is not indented as the file is:\n%s", during)
				}
				if got := install(t, p, Request{Scope: scope}); got.Action != "present" ||
					read(t, p.file(scope)) != during {
					t.Errorf("again: %s, or the file changed", got.Action)
				}
				if got := install(t, p, Request{Scope: scope, Uninstall: true}); got.Action != "uninstalled" {
					t.Errorf("uninstall: %s", got.Action)
				}
				if got := read(t, p.file(scope)); got != text {
					t.Errorf("got\n%s\nwant\n%s", got, text)
				}
				if got := install(t, p, Request{Scope: scope, Uninstall: true}); got.Action != "absent" {
					t.Errorf("uninstall again: %s", got.Action)
				}
				info, err := os.Stat(p.file(scope))
				if err != nil {
					t.Fatal(err)
				}
				if runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
					t.Errorf("mode is %v", info.Mode())
				}
			})
		}
	}
}

// Every scope is written where Claude Code looks for it, also where there is no file, and the most
// particular one is found first.
func TestScopes(t *testing.T) {
	p := place(t)
	for _, s := range []Scope{ScopeUser, ScopeProject, ScopeLocal} {
		install(t, p, Request{Scope: s})
	}
	var config struct {
		MCP      map[string]Server `json:"mcpServers"`
		Projects map[string]struct {
			MCP map[string]Server `json:"mcpServers"`
		} `json:"projects"`
	}
	if err := json.Unmarshal([]byte(read(t, p.Config)), &config); err != nil {
		t.Fatal(err)
	}
	if !config.MCP[Name].Starts(wanted) ||
		!config.Projects[filepath.ToSlash(p.Root)].MCP[Name].Starts(wanted) {
		t.Errorf("config is %s", read(t, p.Config))
	}
	all, err := p.Find()
	if err != nil || len(all) != 3 || all[0].Scope != ScopeLocal || all[2].Scope != ScopeUser {
		t.Errorf("found %v, %v", all, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]os.FileMode{p.Config: privateMode,
		filepath.Join(p.Root, ".mcp.json"): sharedMode} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// What cannot be understood is refused, and nothing is done.
func TestUnfit(t *testing.T) {
	for name, text := range map[string]string{
		"cut":      `{"mcpServers":{"a":`,
		"list":     `[]`,
		"null":     `null`,
		"text":     `mcpServers`,
		"servers":  `{"mcpServers":[1]}`,
		"number":   `{"mcpServers":7}`,
		"twice":    `{"mcpServers":{},"mcpServers":{"x":{}}}`,
		"trailing": `{} {}`,
		"entry":    `{"mcpServers":{"memlog":"yes"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			p := place(t)
			write(t, p.Config, text, 0o600)
			_, err := p.Install(context.Background(), Request{Scope: ScopeUser, Server: wanted})
			if err == nil || !strings.Contains(err.Error(), p.Config) {
				t.Errorf("error is %v", err)
			}
			if got := read(t, p.Config); got != text {
				t.Errorf("the file is now %s", got)
			}
			left, _ := filepath.Glob(p.Config + ".*")
			if len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// What points elsewhere is named and left alone, unless it is to be replaced.
func TestElsewhere(t *testing.T) {
	p := place(t)
	text := `{"mcpServers":{"memlog":{"command":"/old/memlog","args":["mcp"]}}}`
	write(t, p.Config, text, 0o600)
	_, err := p.Install(context.Background(), Request{Scope: ScopeUser, Server: wanted})
	if memory.CodeOf(err) != memory.CodeConflict || !strings.Contains(err.Error(), "/old/memlog mcp") {
		t.Errorf("error is %v", err)
	}
	if read(t, p.Config) != text {
		t.Error("the file changed")
	}
	res := install(t, p, Request{Scope: ScopeUser, Replace: true, DryRun: true})
	if res.Action != "replaced" || read(t, p.Config) != text {
		t.Errorf("dry run: %+v", res)
	}
	res = install(t, p, Request{Scope: ScopeUser, Replace: true})
	if all, _ := p.Find(); res.Was == nil || len(all) != 1 || !all[0].Server.Starts(wanted) {
		t.Errorf("replaced: %+v, now %+v", res, all)
	}
	write(t, p.Config, `{"mcpServers":{"memlog":{"command":"other-tool"}}}`, 0o600)
	_, err = p.Install(context.Background(), Request{Scope: ScopeUser, Uninstall: true})
	if memory.CodeOf(err) != memory.CodeConflict {
		t.Errorf("uninstall of something else: %v", err)
	}
}

// A link stays one; the file it leads to is replaced.
func TestLink(t *testing.T) {
	p := place(t)
	real := filepath.Join(filepath.Dir(p.Config), "dotfiles", "claude.json")
	write(t, real, `{"a":1}`, 0o600)
	if err := os.Symlink(real, p.Config); err != nil {
		t.Skip(err)
	}
	install(t, p, Request{Scope: ScopeUser})
	if info, err := os.Lstat(p.Config); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", info.Mode(), err)
	}
	if got := read(t, real); !strings.Contains(got, wanted.Command) {
		t.Errorf("the file is %s", got)
	}
	if err := os.Remove(real); err != nil {
		t.Fatal(err)
	}
	_, err := p.Install(context.Background(), Request{Scope: ScopeUser, Server: wanted})
	if err == nil || !strings.Contains(err.Error(), "not there") {
		t.Errorf("dangling: %v", err)
	}
}

// What another program writes between reading and replacing is kept.
func TestConcurrent(t *testing.T) {
	p := place(t)
	write(t, p.Config, `{"n":0}`, 0o600)
	turns := 0
	_, err := edit(p.Config, privateMode, time.Now(), func(d *document) ([]byte, error) {
		if turns++; turns <= 3 {
			write(t, p.Config, `{"n":`+strings.Repeat("1", turns)+`}`, 0o600)
		}
		return d.set([]string{"mcpServers", Name}, wanted)
	})
	got := read(t, p.Config)
	if err != nil || turns != 4 || !strings.HasPrefix(got, `{"n":111,`) ||
		!strings.Contains(got, wanted.Command) {
		t.Errorf("after %d turns: %s, %v", turns, got, err)
	}
	backups, _ := filepath.Glob(p.Config + ".memlog-backup-*")
	if len(backups) != 1 || read(t, backups[0]) != `{"n":111}` {
		t.Errorf("backups: %v", backups)
	}
	_, err = edit(p.Config, privateMode, time.Now(), func(d *document) ([]byte, error) {
		turns++
		write(t, p.Config, `{"n":`+strings.Repeat("2", turns)+`}`, 0o600)
		return d.set([]string{"x"}, 1)
	})
	if memory.CodeOf(err) != memory.CodeBusy {
		t.Errorf("never quiet: %v", err)
	}
}

// Names with the characters of paths are names.
func TestNames(t *testing.T) {
	for _, name := range []string{"/home/a.b/c", `C:/x\y`, "*?|#@!{}[]()=<>%:", "0", "-1", "é", `"`} {
		d := &document{path: "x", raw: []byte(`{"projects":{"a":1}}`), has: true}
		b, err := d.set([]string{"projects", name, "mcpServers", Name}, 1)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got struct{ Projects map[string]any }
		if err := json.Unmarshal(b, &got); err != nil || len(got.Projects) != 2 || got.Projects[name] == nil {
			t.Errorf("%s: %s", name, b)
		}
	}
}

// Plugins are read from all settings; one that is switched off is known as such.
func TestPlugins(t *testing.T) {
	p := place(t)
	write(t, p.Settings, `{"enabledPlugins":{"memlog@memlog":true,"x@y":true}}`, 0o600)
	write(t, filepath.Join(p.Root, ".claude", "settings.json"),
		`{"enabledPlugins":{"memlog@team":false}}`, 0o600)
	got, err := p.Plugins()
	if err != nil || len(got) != 2 || got[0].ID != "memlog@memlog" || !got[0].Enabled || got[1].Enabled {
		t.Errorf("got %+v, %v", got, err)
	}
}
