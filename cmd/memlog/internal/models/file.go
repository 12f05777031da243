package models

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index/embed"
)

// FileName is the name of the file in a store.
const FileName = "models.json"

// What is beyond these was not written by this package.
const (
	fileVersion = 1
	maxFile     = 1 << 20 // bytes
)

// File is what a store knows of models.
type File struct {
	Version int     `json:"version"`
	Active  string  `json:"active,omitempty"`  // makes vectors; empty: none
	Serving string  `json:"serving,omitempty"` // answers searches; empty: none yet
	Models  []Entry `json:"models"`
}

// Entry is a model and how to open it.
type Entry struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Dir      string `json:"dir,omitempty"` // absolute, or with slashes from the store's directory
	Server   string `json:"server,omitempty"`
	Model    string `json:"model,omitempty"`
	AskDims  int    `json:"ask_dims,omitempty"` // asked of the server
	KeyEnv   string `json:"key_env,omitempty"`
	KeyFile  string `json:"key_file,omitempty"`
	Dims     int    `json:"dims"` // that it gave when it was added
	Digest   string `json:"digest,omitempty"`
	Identity string `json:"identity"`
}

// Find returns the entry of a name.
func (f *File) Find(name string) (Entry, bool) {
	for _, e := range f.Models {
		if e.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}

// Clone returns a copy that shares nothing.
func (f *File) Clone() File {
	g := *f
	g.Models = slices.Clone(f.Models)
	return g
}

// Load reads the file of a store; where there is none, it is empty.
func Load(dir *os.Root) (File, error) {
	empty := File{Version: fileVersion}
	in, err := dir.Open(FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, fmt.Errorf("read %s: %w", FileName, err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return empty, fmt.Errorf("read %s: %w", FileName, err)
	}
	f, err := parse(text)
	if err != nil {
		return empty, fmt.Errorf("%s is not what memlog writes: %w", FileName, err)
	}
	return f, nil
}

func parse(text []byte) (File, error) {
	var f File
	if len(text) > maxFile {
		return f, fmt.Errorf("it has more than %d bytes", maxFile)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return f, err
	}
	if f.Version != fileVersion {
		return f, fmt.Errorf("version %d, not %d", f.Version, fileVersion)
	}
	if len(f.Models) > memory.MaxModels {
		return f, fmt.Errorf("%d models, at most %d", len(f.Models), memory.MaxModels)
	}
	seen := map[string]bool{"": true}
	for _, e := range f.Models {
		if e.Name == "" || e.Name == memory.ModelNone {
			return f, fmt.Errorf("a model is named %q", e.Name)
		}
		if seen[e.Name] {
			return f, fmt.Errorf("two models are named %.100q", e.Name)
		}
		seen[e.Name] = true
		if e.Identity == "" || e.Dims < 1 || e.Dims > embed.MaxDims ||
			e.Kind != memory.ModelStatic && e.Kind != memory.ModelServer {
			return f, fmt.Errorf("model %.100q: kind %.20q, %d dimensions", e.Name, e.Kind, e.Dims)
		}
		if e.Dir != "" && !filepath.IsAbs(e.Dir) && !filepath.IsLocal(filepath.FromSlash(e.Dir)) {
			return f, fmt.Errorf("model %.100q: folder %.100q is not below the store", e.Name, e.Dir)
		}
	}
	for _, name := range []string{f.Active, f.Serving} {
		if !seen[name] {
			return f, fmt.Errorf("model %.100q is used, and not there", name)
		}
	}
	return f, nil
}

// Save replaces the file of a store in one step.
func (f *File) Save(dir *os.Root) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", FileName, err)
	}
	temp := FileName + "." + rand.Text() + ".tmp"
	w, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", FileName, err)
	}
	_, err = w.Write(append(text, '\n'))
	if err == nil {
		err = w.Sync() // the bytes, before the name points at them
	}
	if err = errors.Join(err, w.Close()); err == nil {
		err = dir.Rename(temp, FileName)
	}
	if err != nil {
		_ = dir.Remove(temp) // the error is of the writing
		return fmt.Errorf("write %s: %w", FileName, err)
	}
	return nil
}
