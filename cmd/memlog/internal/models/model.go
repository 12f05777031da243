package models

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index/embed"
)

// Probe is the text a model is tried with.
const Probe = "memlog keeps what was said"

// ErrDims: a model gives vectors of other dimensions than it did.
var ErrDims = errors.New("vectors of other dimensions")

// Model is an open model. Any number of goroutines may use it.
type Model struct {
	Entry Entry
	from  embedder
}

type embedder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	Identity() string
}

// Path returns where the folder of an entry is, for a store in the directory store.
func (e Entry) Path(store string) string {
	if e.Dir == "" || filepath.IsAbs(e.Dir) {
		return e.Dir
	}
	return filepath.Join(store, filepath.FromSlash(e.Dir))
}

// Open opens the model of an entry of the store in a directory. A folder is read whole and must be
// the one that was added; a server is asked nothing.
func Open(store string, e Entry) (*Model, error) {
	var from embedder
	if e.Kind == memory.ModelStatic {
		s, err := embed.LoadStatic(e.Path(store))
		if err != nil {
			return nil, err
		}
		if e.Digest != "" && s.Digest() != e.Digest {
			return nil, fmt.Errorf("%w: the files in %s are not those that were added", embed.ErrModel,
				e.Path(store))
		}
		from = s
	} else {
		s, err := embed.NewServer(embed.ServerOptions{URL: e.Server, Model: e.Model,
			Dims: e.AskDims, KeyEnv: e.KeyEnv, KeyFile: e.KeyFile})
		if err != nil {
			return nil, err
		}
		from = s
	}
	return &Model{e, from}, nil
}

// Try opens the model of an entry, has it embed a text, and returns the entry with all that is
// known then.
func Try(ctx context.Context, store string, e Entry) (Entry, error) {
	m, err := Open(store, e)
	if err != nil {
		return e, err
	}
	if s, ok := m.from.(*embed.Static); ok {
		e.Digest, e.Dims = s.Digest(), s.Dims()
	}
	e.Identity = m.from.Identity()
	vectors, err := m.from.Embed(ctx, []string{Probe})
	if err != nil {
		return e, err
	}
	if e.Kind == memory.ModelServer {
		e.Dims = len(vectors[0])
	}
	return e, nil
}

// Embed returns the vectors of texts, in their order; nil where the model knows nothing of a text.
func (m *Model) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors, err := m.from.Embed(ctx, texts)
	if err != nil {
		return nil, err
	}
	for _, v := range vectors {
		if v != nil && len(v) != m.Entry.Dims {
			return nil, fmt.Errorf("%w: %d, not the %d of when it was added", ErrDims, len(v),
				m.Entry.Dims)
		}
	}
	return vectors, nil
}

// Passing reports whether an error of Embed may not be met another time, whatever the texts.
func Passing(err error) bool { return embed.Passing(err) }
