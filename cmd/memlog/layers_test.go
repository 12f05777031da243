package main

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The layers: which of our packages each package may import, and which modules of others it is the
// door to. Tests may import more of ours, and the test libraries below. A package that is not here
// fails the test.
var layers = map[string]struct{ ours, doors []string }{
	"wal/event":    {doors: []string{"github.com/fxamacker/cbor/v2", "github.com/google/uuid"}},
	"index/embed":  {doors: []string{"golang.org/x/text"}},
	"index/lsa":    {},
	"index/vector": {doors: []string{"golang.org/x/sys"}},
	"wal": {doors: []string{"github.com/tidwall/wal", "github.com/klauspost/compress",
		"golang.org/x/sys"}},
	"index": {ours: []string{"index/lsa", "index/vector"}, doors: []string{
		"github.com/cockroachdb/pebble/v2", "github.com/clipperhouse/uax29/v2",
		"github.com/kljensen/snowball", "github.com/blevesearch/snowballstem",
		"golang.org/x/text"}},
	"projection": {ours: []string{"wal", "wal/event", "index", "index/vector"}},
	"recovery":   {ours: []string{"wal", "index", "projection"}},

	"cmd/memlog/internal/memory":   {ours: []string{"wal/event"}},
	"cmd/memlog/internal/when":     {},
	"cmd/memlog/internal/transfer": {ours: []string{"cmd/memlog/internal/memory", "wal/event"}},
	"cmd/memlog/internal/metrics":  {ours: []string{"cmd/memlog/internal/memory"}},
	"cmd/memlog/internal/fetch":    {ours: []string{"cmd/memlog/internal/memory"}},
	"cmd/memlog/internal/models": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/fetch", "index/embed"}, doors: []string{"github.com/gofrs/flock"}},
	"cmd/memlog/internal/foreign": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/transfer", "wal/event"}, doors: []string{"modernc.org/sqlite",
		"golang.org/x/text", "github.com/gofrs/flock"}},
	"cmd/memlog/internal/store": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/metrics", "cmd/memlog/internal/models",
		"cmd/memlog/internal/transfer", "wal", "wal/event", "index", "index/vector", "projection",
		"recovery"}},
	"cmd/memlog/internal/mcpserver": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/when", "cmd/memlog/internal/polled", "wal/event"},
		doors: []string{"github.com/modelcontextprotocol/go-sdk", "github.com/google/jsonschema-go"}},
	"cmd/memlog/internal/polled": {},
	"cmd/memlog/internal/rpc": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/polled"}, doors: []string{"golang.org/x/sys"}},
	"cmd/memlog/internal/daemon": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/rpc"}, doors: []string{"github.com/gofrs/flock", "golang.org/x/sys"}},
	"cmd/memlog/internal/claude": {ours: []string{"cmd/memlog/internal/memory"},
		doors: []string{"github.com/tidwall/gjson", "github.com/tidwall/sjson"}},
	"cmd/memlog/internal/doctor": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/claude"}},
	"cmd/memlog/internal/hook": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/claude", "wal/event"}},
	"cmd/memlog/internal/bench": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/daemon", "index", "index/vector"}},
	// A module of its own, so that the product carries none of what it is compared with.
	"cmd/memlog/internal/bench/peers": {ours: []string{"cmd/memlog/internal/bench", "index"},
		doors: []string{"github.com/philippgille/chromem-go", "github.com/blevesearch/bleve/v2"}},
	"cmd/memlog/internal/httpserver": {ours: []string{"cmd/memlog/internal/memory"},
		doors: []string{"golang.org/x/net", "golang.org/x/time",
			"github.com/prometheus/client_golang"}},
	"cmd/memlog/internal/torture": {ours: []string{"cmd/memlog/internal/memory",
		"cmd/memlog/internal/daemon", "cmd/memlog/internal/mcpserver", "cmd/memlog/internal/bench"}},
	"cmd/memlog/internal/memory/memorytest": {ours: []string{"cmd/memlog/internal/memory"}},
	"cmd/memlog": {ours: []string{"cmd/memlog/internal"}, doors: []string{"github.com/urfave/cli/v2",
		"golang.org/x/term", "golang.org/x/sys"}},
}

// diskModules may be imported wherever files are renamed or removed: on Windows that has to be tried
// again while a virus scanner holds them.
var diskModules = []string{"github.com/rogpeppe/go-internal/robustio"}

// testModules may be imported by any test.
var testModules = []string{"github.com/google/go-cmp", "pgregory.net/rapid",
	"github.com/rogpeppe/go-internal", "github.com/cockroachdb/pebble/v2"}

// root is the module's directory, seen from this one.
const root = "../.."

// sourceFile is a Go file of the module.
type sourceFile struct {
	path string // from root, with slashes
	pkg  string // its directory
	ast  *ast.File
	fset *token.FileSet
}

func (f sourceFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// sourceFiles reads the module's own files itself: an answer of the go command could come from the
// test cache.
func sourceFiles(t *testing.T) []sourceFile {
	t.Helper()
	var out []sourceFile
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() && rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		a, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		out = append(out, sourceFile{rel, filepath.ToSlash(filepath.Dir(rel)), a, fset})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func within(path string, of []string) bool {
	return slices.ContainsFunc(of, func(o string) bool {
		return path == o || strings.HasPrefix(path, o+"/")
	})
}

func TestLayers(t *testing.T) {
	for _, f := range sourceFiles(t) {
		layer, ok := layers[f.pkg]
		if !ok {
			t.Errorf("%s: package %s is not in the table of layers", f.path, f.pkg)
			continue
		}
		for _, im := range f.ast.Imports {
			path, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			own, ours := strings.CutPrefix(path, "memlog/")
			first, _, _ := strings.Cut(path, "/")
			switch {
			case ours && (f.test() || own == f.pkg):
			case ours && f.pkg == "cmd/memlog" && within(own, layer.ours):
			case ours && !slices.Contains(layer.ours, own):
				t.Errorf("%s imports %s, which is not below it", f.path, path)
			case !ours && strings.Contains(first, ".") && !within(path, layer.doors) &&
				!within(path, diskModules) && !(f.test() && within(path, testModules)):
				t.Errorf("%s imports %s, which has another door", f.path, path)
			}
		}
	}
}

// TestTopLevel holds the top of the tree against its fixed list.
func TestTopLevel(t *testing.T) {
	want := []string{"LICENSE", "README.md", "cmd", "go.mod", "go.sum", "index", "projection", "recovery", "wal"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			got = append(got, e.Name())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("top level is %v, want %v", got, want)
	}
}

// The sizes past which a file or a function has a noun too many in it.
const (
	maxFileLines     = 600
	maxFunctionLines = 80
	maxLineColumns   = 100 // a tab counts as one
)

// TestHouse holds every file against the house rules that a machine can see.
func TestHouse(t *testing.T) {
	documented := map[string]bool{}
	packages := map[string]bool{}
	for _, f := range sourceFiles(t) {
		packages[f.pkg] = true
		if f.ast.Doc != nil && !f.test() {
			documented[f.pkg] = true
		}
		lines := f.fset.File(f.ast.Pos()).LineCount()
		if lines > maxFileLines && !f.test() {
			t.Errorf("%s has %d lines", f.path, lines)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
			if n > maxFunctionLines && !f.test() {
				t.Errorf("%s: %s has %d lines", f.path, fn.Name.Name, n)
			}
			if fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s has an init", f.path)
			}
			if ast.IsExported(fn.Name.Name) && fn.Doc == nil && !f.test() && f.pkg != "cmd/memlog" &&
				exportedReceiver(fn) && fn.Name.Name != "Kind" && fn.Name.Name != "Error" {
				t.Errorf("%s: %s has no comment", f.path, fn.Name.Name)
			}
		}
		checkLines(t, f)
	}
	for p := range packages {
		if !documented[p] {
			t.Errorf("package %s has no comment", p)
		}
	}
}

func exportedReceiver(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	typ := fn.Recv.List[0].Type
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && ast.IsExported(id.Name)
}

func checkLines(t *testing.T, f sourceFile) {
	t.Helper()
	file, err := os.Open(filepath.Join(root, filepath.FromSlash(f.path)))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	marks := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK"}
	sc := bufio.NewScanner(file)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		if len([]rune(sc.Text())) > maxLineColumns && !f.test() {
			t.Errorf("%s:%d has %d characters", f.path, n, len([]rune(sc.Text())))
		}
		for _, m := range marks {
			if strings.Contains(sc.Text(), m) {
				t.Errorf("%s:%d: %s", f.path, n, m)
			}
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
}
