package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"memlog/cmd/memlog/internal/fetch"
	"memlog/cmd/memlog/internal/memory"
	"memlog/index/embed"
)

// Folder is the name, in a store, of the folder of what was fetched: a folder for each model.
const Folder = "models"

// Bounds of the files of a model that is fetched, in bytes.
const (
	MaxConfigFile    = 1 << 20
	MaxTokenizerFile = 256 << 20
	MaxTableFile     = embed.MaxModelFile
)

const (
	partSuffix = ".part" // of the folder of a model that is not whole
	lockFile   = ".lock" // never removed
)

// FetchRequest names a model on a server.
type FetchRequest struct {
	URL    string // of the folder that holds its files
	Name   string // of the folder it is put in; empty: the last part of URL
	Digest string // what it must have; empty: any
	// Taken reports that another model than that in dir is used under the name; nil: never.
	Taken func(name, dir string) bool
	fetch.Options
}

// Fetched is a model that was fetched whole and checked.
type Fetched struct {
	Name, Dir, Digest string
	Present           bool // it was there already
}

// Fetch brings a static model from a server into a folder of its own below dir. The folder has
// another name (.part) until all of it is there and can be loaded: no half model is ever used.
// What came of one is kept, and the next Fetch goes on there. A model that is there already is
// asked nobody about.
func Fetch(ctx context.Context, dir string, r FetchRequest) (Fetched, error) {
	var out Fetched
	u, err := fetch.Address(r.URL)
	if err != nil {
		return out, err
	}
	out.Name = r.Name
	if out.Name == "" {
		out.Name = lastPart(u.Path)
	}
	if err := checkFolder(out.Name); err != nil {
		return out, err
	}
	out.Dir = filepath.Join(dir, out.Name)
	if r.Taken != nil && r.Taken(out.Name, out.Dir) {
		return out, memory.Errorf(memory.CodeConflict, "another model named %s is in use", out.Name).
			WithHint("give this one another name with --name")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return out, fmt.Errorf("make the folder of models: %w", err)
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	if ok, err := lock.TryLock(); err != nil {
		return out, fmt.Errorf("lock the folder of models: %w", err)
	} else if !ok {
		return out, memory.Errorf(memory.CodeBusy, "another process fetches a model into %s", dir).
			WithHint("try again when it is done")
	}
	defer lock.Close()
	r.Options.URL = u
	if _, err := os.Lstat(out.Dir); err == nil {
		out.Present = true
		return out, out.present(r)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return out, err
	}
	if err := out.fetch(ctx, r); err != nil {
		if code := memory.CodeOf(err); code == memory.CodeInvalid || code == memory.CodeConflict {
			err = errors.Join(err, os.RemoveAll(out.Dir+partSuffix)) // going on would lead here again
		}
		return out, err
	}
	// All files are synced and checked. Should a power cut undo the renaming, the next Fetch renames.
	return out, os.Rename(out.Dir+partSuffix, out.Dir)
}

// present says whether what is there is what was asked for.
func (m *Fetched) present(r FetchRequest) error {
	dir, err := os.OpenRoot(m.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	source, err := fetch.Source(dir)
	if err != nil || source != r.Options.URL.String() {
		return memory.Errorf(memory.CodeConflict, "there is a model in %s, and not from this address",
			m.Dir).WithHint("give this one another name with --name")
	}
	err = m.check(m.Dir, r.Digest)
	if memory.CodeOf(err) == memory.CodeInvalid {
		return memory.Errorf(memory.CodeConflict, "what was fetched into %s is damaged: %w", m.Dir, err).
			WithHint("remove that folder and add the model again, or use another --name")
	}
	return err
}

// fetch brings the files into the folder of what is not whole, and checks them.
func (m *Fetched) fetch(ctx context.Context, r FetchRequest) error {
	part := m.Dir + partSuffix
	if err := os.MkdirAll(part, 0o700); err != nil {
		return fmt.Errorf("make the model's folder: %w", err)
	}
	dir, err := os.OpenRoot(part)
	if err != nil {
		return err
	}
	defer dir.Close()
	table, tokenizer, config := embed.StaticFiles()
	for _, f := range []fetch.File{{Name: config, Max: MaxConfigFile},
		{Name: tokenizer, Max: MaxTokenizerFile}, {Name: table, Max: MaxTableFile}} {
		one := r.Options
		one.Files = []fetch.File{f}
		if err := fetch.Run(ctx, dir, one); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return memory.Errorf(memory.CodeFailed, "%w", err).
				WithHint("what came is kept: the same command goes on there; the address must be of "+
					"the folder that holds %s, %s and %s", table, tokenizer, config)
		}
		if strings.HasSuffix(f.Name, ".json") { // before the large one
			if err := isJSON(dir, f.Name); err != nil {
				return memory.Invalid("URL", "it holds no model: %w", err)
			}
		}
	}
	return m.check(part, r.Digest)
}

func isJSON(dir *os.Root, name string) error {
	b, err := dir.ReadFile(name)
	if err == nil && !json.Valid(b) {
		err = fmt.Errorf("%s is not JSON", name)
	}
	return err
}

// check loads the model in a folder.
func (m *Fetched) check(dir, digest string) error {
	s, err := embed.LoadStatic(dir)
	if err != nil {
		return memory.Invalid("URL", "it holds no model: %w", err)
	}
	m.Digest = s.Digest()
	if digest != "" && !strings.EqualFold(digest, m.Digest) {
		return memory.Errorf(memory.CodeConflict, "the model's digest is %s, not %.100s", m.Digest,
			digest).WithHint("it is another model than that which was asked for, and is not used")
	}
	return nil
}

// lastPart returns the last part of an address' path.
func lastPart(path string) string {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) == 0 {
		return ""
	}
	return parts[len(parts)-1]
}

// checkFolder refuses names that are not those of a folder on every system.
func checkFolder(name string) error {
	odd := func(r rune) bool {
		return !strings.ContainsRune("._-+", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	if name == "" || len(name) > memory.MaxModelName || strings.ContainsFunc(name, odd) ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || name == memory.ModelNone ||
		strings.HasSuffix(strings.ToLower(name), partSuffix) || !filepath.IsLocal(name) {
		return memory.Invalid("--name", "%.100q cannot be the name of a model's folder", name).
			WithHint("give one of letters, digits, dots and dashes with --name")
	}
	return nil
}
