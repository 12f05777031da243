package models

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"memlog/cmd/memlog/internal/memory"
)

func openDir(t *testing.T, path string) *os.Root {
	t.Helper()
	dir, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

// full is a file with everything in it.
func full() File {
	return File{Version: 1, Active: "two", Serving: "one", Models: []Entry{
		{Name: "one", Kind: memory.ModelStatic, Dir: "models/one", Dims: 4, Digest: "d", Identity: "i"},
		{Name: "two", Kind: memory.ModelServer, Server: "http://localhost/api/embed", Model: "m",
			AskDims: 3, KeyEnv: "KEY", KeyFile: "/key", Dims: 3, Identity: "j"},
	}}
}

func TestSaveAndLoad(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path)
	none, err := Load(dir)
	if diff := cmp.Diff(File{Version: 1}, none); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	for _, f := range []File{full(), {Version: 1, Models: []Entry{}}} { // the second replaces the first
		if err := f.Save(dir); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir)
		if diff := cmp.Diff(f, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	}
	info, err := os.Stat(filepath.Join(path, FileName))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("rights %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// Whatever was cut off, an older program wrote or a newer one, is an error and stays as it is.
func TestNotUnderstood(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path)
	f := full()
	if err := f.Save(dir); err != nil {
		t.Fatal(err)
	}
	whole, err := dir.ReadFile(FileName)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*File)) string {
		f := full()
		change(&f)
		d := openDir(t, t.TempDir())
		if err := f.Save(d); err != nil {
			t.Fatal(err)
		}
		text, err := d.ReadFile(FileName)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	many := make([]Entry, memory.MaxModels+1)
	for i := range many {
		many[i] = Entry{Name: fmt.Sprint(i), Kind: memory.ModelStatic, Dims: 1, Identity: "i"}
	}
	bad := map[string]string{
		"":                                   "EOF",
		"null":                               "version 0",
		`{"version":1,"models":[],"more":1}`: `unknown field "more"`,
		strings.Replace(string(whole), `"name"`, `"named": 1, "name"`, 1): `unknown field "named"`,
		strings.Repeat(" ", maxFile+1):                                    "more than",
		with(func(f *File) { f.Version = 2 }):                             "version 2, not 1",
		with(func(f *File) { f.Models = many }):                           "33 models, at most 32",
		with(func(f *File) { f.Active = "three" }):                        `"three" is used, and not there`,
		with(func(f *File) { f.Serving = "three" }):                       `"three" is used, and not there`,
		with(func(f *File) { f.Models[1].Name = "one" }):                  `two models are named "one"`,
		with(func(f *File) { f.Models[1].Name = "" }):                     `named ""`,
		with(func(f *File) { f.Models[1].Name = "none" }):                 `named "none"`,
		with(func(f *File) { f.Models[1].Kind = "odd" }):                  `kind "odd"`,
		with(func(f *File) { f.Models[1].Dims = 0 }):                      "0 dimensions",
		with(func(f *File) { f.Models[1].Dims = 5000 }):                   "5000 dimensions",
		with(func(f *File) { f.Models[1].Identity = "" }):                 "two",
		with(func(f *File) { f.Models[0].Dir = "../else" }):               "not below the store",
	}
	for n := range len(whole) - 2 { // the last two bytes are the brace and the line's end
		bad[string(whole[:n])] = ""
	}
	for text, want := range bad {
		if err := os.WriteFile(filepath.Join(path, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), FileName) {
			t.Fatalf("%.200q: %+v, %v; want %q", text, got, err, want)
		}
		if after, err := dir.ReadFile(FileName); err != nil || string(after) != text {
			t.Fatalf("%.200q became %.200q: %v", text, after, err)
		}
	}
}

// A file that cannot be replaced stays as it is, and nothing is left beside it.
func TestSaveFails(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path)
	if err := os.MkdirAll(filepath.Join(path, FileName, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	f := full()
	if err := f.Save(dir); err == nil {
		t.Fatal("a directory was replaced")
	}
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a directory was read")
	}
}

func TestNoRights(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("who runs this may read everything")
	}
	path := t.TempDir()
	dir := openDir(t, path)
	f := full()
	if err := f.Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(path, FileName), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); !os.IsPermission(err) && err == nil {
		t.Error("read without the right to")
	}
}

func TestFindAndClone(t *testing.T) {
	f := full()
	if e, ok := f.Find("two"); !ok || e.Model != "m" {
		t.Errorf("%+v, %v", e, ok)
	}
	if _, ok := f.Find(""); ok {
		t.Error("found a model without a name")
	}
	g := f.Clone()
	g.Models[0].Name = "other"
	g.Models = slices.Delete(g.Models, 1, 2)
	if diff := cmp.Diff(full(), f); diff != "" {
		t.Errorf("a change of the copy changed it:\n%s", diff)
	}
}
