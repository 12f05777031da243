package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/models"
)

// modelTryWait bounds how long a model that is added has for its first text.
const modelTryWait = 30 * time.Second

// ModelAdd makes a model known.
func (s *Store) ModelAdd(ctx context.Context, r memory.ModelAddRequest) (
	_ memory.ModelInfo, err error) {
	defer s.counted("model_add", time.Now(), &err)
	e, err := newModel(r)
	if err != nil {
		return memory.ModelInfo{}, err
	}
	e.Dir = s.within(e.Dir)
	if err := s.embedding.change(func(*models.File) error { return errDry }); err != errDry {
		return memory.ModelInfo{}, err
	}
	wait, cancel := context.WithTimeout(ctx, modelTryWait)
	defer cancel()
	if e, err = models.Try(wait, s.dir, e); err != nil {
		if ctx.Err() != nil {
			return memory.ModelInfo{}, ctx.Err()
		}
		arg, hint := "dir", "memlog model add DIR takes a folder as model2vec writes it"
		if e.Kind == memory.ModelServer {
			arg, hint = "server", "check that it runs, its address, the model's name and the key"
		}
		bad := memory.Errorf(memory.CodeInvalid, "%w", err)
		bad.Arg = arg
		return memory.ModelInfo{}, bad.WithHint("%s", hint)
	}
	err = s.embedding.change(func(f *models.File) error { return addModel(f, e) })
	s.embedding.again()
	return s.modelInfo(e), err
}

// errDry ends a change that was only to be found possible.
var errDry = errors.New("dry run")

// newModel checks a request for a model.
func newModel(r memory.ModelAddRequest) (models.Entry, error) {
	e := models.Entry{Name: r.Name, Dir: r.Dir, Server: r.Server, Model: r.Model, AskDims: r.Dims,
		KeyEnv: r.KeyEnv, KeyFile: r.KeyFile}
	base := filepath.Base(r.Dir)
	switch {
	case (r.Dir == "") == (r.Server == ""):
		return e, memory.Invalid("dir", "a model is a folder or a server").
			WithHint("memlog model add DIR, or memlog model add --server URL --model NAME")
	case r.Dir != "":
		e.Kind = memory.ModelStatic
		if !filepath.IsAbs(r.Dir) {
			return e, memory.Invalid("dir", "%.200q is not absolute", r.Dir).
				WithHint("give the whole path: the owner of the store has another working directory")
		}
		if r.Model+r.KeyEnv+r.KeyFile != "" || r.Dims != 0 {
			return e, memory.Invalid("dir", "a folder has no model name, key or dimensions to be given").
				WithHint("they go with a server")
		}
	default:
		e.Kind, base = memory.ModelServer, r.Model
		if r.KeyFile != "" && !filepath.IsAbs(r.KeyFile) {
			return e, memory.Invalid("key_file", "%.200q is not absolute", r.KeyFile).
				WithHint("give the whole path: the owner of the store has another working directory")
		}
	}
	if e.Name == "" {
		e.Name = base
	}
	odd := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	bad := !utf8.ValidString(e.Name) || len(e.Name) > memory.MaxModelName ||
		strings.ContainsFunc(e.Name, odd)
	if bad || e.Name == "" || e.Name == memory.ModelNone {
		return e, memory.Invalid("name", "%.40q is no name for a model", e.Name).
			WithHint("give a word of at most %d bytes with --name", memory.MaxModelName)
	}
	return e, nil
}

// within returns the path of a folder below the store's directory from there, so that it is found
// where the store is moved; others as they are.
func (s *Store) within(dir string) string {
	if rel, err := filepath.Rel(s.dir, dir); dir != "" && err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return dir
}

// addModel adds an entry to the settings. What is used is not replaced under its name.
func addModel(f *models.File, e models.Entry) error {
	i := slices.IndexFunc(f.Models, func(o models.Entry) bool { return o.Name == e.Name })
	switch {
	case i < 0 && len(f.Models) == memory.MaxModels:
		return memory.Errorf(memory.CodeConflict, "the store knows %d models already",
			memory.MaxModels).WithHint("give a new one the name of one that is not used")
	case i < 0:
		f.Models = append(f.Models, e)
	case f.Models[i].Identity != e.Identity && (e.Name == f.Active || e.Name == f.Serving):
		return memory.Errorf(memory.CodeConflict, "another model named %s is in use", e.Name).
			WithHint("give this one another name with --name")
	default:
		f.Models[i] = e
	}
	return nil
}

// ModelUse has a model make the vectors from now on.
func (s *Store) ModelUse(ctx context.Context, r memory.ModelUseRequest) (
	_ memory.ModelsResult, err error) {
	defer s.counted("model_use", time.Now(), &err)
	err = s.embedding.change(func(f *models.File) error {
		if r.Name == memory.ModelNone {
			f.Active, f.Serving = "", ""
			return nil
		}
		if _, ok := f.Find(r.Name); !ok {
			e := memory.Errorf(memory.CodeNotFound, "no model is named %.100q", r.Name)
			e.Arg = "name"
			return e.WithHint("memlog model list shows those there are; memlog model add adds one")
		}
		f.Active = r.Name
		return nil
	})
	if err != nil {
		return memory.ModelsResult{}, err
	}
	s.embedding.again()
	return s.models()
}

// Models returns the models that are known.
func (s *Store) Models(context.Context) (_ memory.ModelsResult, err error) {
	defer s.counted("models", time.Now(), &err)
	return s.models()
}

func (s *Store) models() (memory.ModelsResult, error) {
	out := memory.ModelsResult{Models: []memory.ModelInfo{}}
	e, done, err := s.use()
	if err != nil {
		return out, err
	}
	defer done()
	f, err := s.embedding.settings()
	if err != nil {
		return out, err
	}
	out.Active, out.Serving = f.Active, f.Serving
	v, err := e.db.View()
	if err != nil {
		return out, err
	}
	defer v.Close()
	stats, err := v.Stats()
	if err != nil {
		return out, err
	}
	out.Memories = int(stats.Live)
	for _, entry := range f.Models {
		i := s.modelInfo(entry)
		i.Active, i.Serving = entry.Name == f.Active, entry.Name == f.Serving
		lacking, err := v.Lacking(space(entry))
		if err != nil {
			return out, fmt.Errorf("count vectors of model %s: %w", entry.Name, err)
		}
		i.Vectors = out.Memories - lacking
		if i.Active {
			out.Lacking = lacking
		}
		out.Models = append(out.Models, i)
	}
	m := s.embedding
	m.mu.Lock()
	defer m.mu.Unlock()
	out.Refused, out.Error = min(m.refused, out.Lacking), m.trouble
	return out, nil
}

func (s *Store) modelInfo(e models.Entry) memory.ModelInfo {
	return memory.ModelInfo{Name: e.Name, Kind: e.Kind, Dir: e.Path(s.dir), Server: e.Server,
		Model: e.Model, KeyEnv: e.KeyEnv, KeyFile: e.KeyFile, Dims: e.Dims, Digest: e.Digest,
		Identity: e.Identity}
}
