package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/models"
	"memlog/index"
	"memlog/index/vector"
)

// modelRetry is how long a model that failed is left alone.
const modelRetry = 15 * time.Second

// embedding is what a store has of models: the settings, the models that are open, and how the
// making of vectors goes. It is never in the way of anything else.
type embedding struct {
	at     string        // the store's directory
	dir    *os.Root      // the same, also where it is moved; nil: settings cannot be changed
	kick   chan struct{} // the settings have changed
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	ended   bool                        // mu guards: nothing begins any more
	file    models.File                 // mu guards
	fault   error                       // mu guards: why the settings cannot be read
	loads   map[models.Entry]*modelLoad // mu guards
	trouble string                      // mu guards: why the making of vectors does not go on
	refused int                         // mu guards: memories the active model makes nothing of
}

// openModel is a model with what turns its vectors.
type openModel struct {
	*models.Model
	turn *vector.Rotation
}

// modelLoad is a model on its way, or there.
type modelLoad struct {
	done  chan struct{}
	model openModel
	err   error     // as model and again, written before done is closed
	again time.Time // an error stands until then
}

// space is where the vectors of a model are.
func space(e models.Entry) index.Space { return index.Space{Model: e.Identity, Dims: e.Dims} }

// beginEmbedding reads the settings and, where the store can be written, has vectors made.
func (s *Store) beginEmbedding(writable bool) {
	m := &embedding{at: s.dir, kick: make(chan struct{}, 1), cancel: func() {},
		loads: map[models.Entry]*modelLoad{}}
	s.embedding = m
	dir, err := os.OpenRoot(s.dir)
	if err == nil {
		m.file, err = models.Load(dir)
	}
	if err != nil {
		m.fault = err
		s.o.Logger.Warn("embedding models", "dir", s.dir, "err", err)
	}
	if !writable {
		if dir != nil {
			_ = dir.Close() // nothing was written through it
		}
		return
	}
	m.dir = dir
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.work.Add(1)
	go s.makeVectors(ctx)
}

// endEmbedding ends the making of vectors, and waits for what is under way.
func (s *Store) endEmbedding() {
	m := s.embedding
	m.cancel()
	m.mu.Lock()
	m.ended = true
	m.mu.Unlock()
	m.work.Wait()
	if m.dir != nil {
		_ = m.dir.Close() // what was written through it was synced
	}
}

// settings returns the settings as they are.
func (m *embedding) settings() (models.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return models.File{}, memory.Errorf(memory.CodeDamaged, "embedding models: %w", m.fault).
			WithHint("move %s out of the store's directory and add the models again; "+
				"their vectors are in the log", models.FileName)
	}
	return m.file.Clone(), nil
}

// change changes the settings, on the disk first.
func (m *embedding) change(f func(*models.File) error) error {
	if _, err := m.settings(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dir == nil || m.ended {
		return memory.Errorf(memory.CodeFailed, "the store is open for reading only").
			WithHint("models are settings of the store")
	}
	g := m.file.Clone()
	if err := f(&g); err != nil {
		return err
	}
	if err := g.Save(m.dir); err != nil {
		return memory.Errorf(memory.CodeFailed, "%w", err).
			WithHint("nothing was changed; free some space or check the rights of the directory")
	}
	if g.Active != m.file.Active {
		m.trouble, m.refused = "", 0
	}
	m.file = g
	for e, l := range m.loads {
		if e.Name != g.Active && e.Name != g.Serving || l.failed() {
			delete(m.loads, e)
		}
	}
	return nil
}

// again has the making of vectors look at the settings, and try what was refused once more.
func (m *embedding) again() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// open returns the model of an entry as soon as it is loaded. Loading goes on where ctx ends.
func (m *embedding) open(ctx context.Context, e models.Entry) (openModel, error) {
	m.mu.Lock()
	l := m.loads[e]
	if l == nil || l.stale() {
		if m.ended {
			m.mu.Unlock()
			return openModel{}, errClosed
		}
		l = &modelLoad{done: make(chan struct{})}
		m.loads[e] = l
		m.work.Add(1)
		go m.load(l, e)
	}
	m.mu.Unlock()
	select {
	case <-l.done:
		return l.model, l.err
	case <-ctx.Done():
		return openModel{}, ctx.Err()
	}
}

// failed reports whether the load has ended with an error.
func (l *modelLoad) failed() bool {
	select {
	case <-l.done:
		return l.err != nil
	default:
		return false
	}
}

// stale reports whether the load failed some time ago.
func (l *modelLoad) stale() bool { return l.failed() && time.Now().After(l.again) }

func (m *embedding) load(l *modelLoad, e models.Entry) {
	defer m.work.Done()
	defer close(l.done)
	l.model.Model, l.err = models.Open(m.at, e)
	if l.err == nil {
		l.model.turn, l.err = vector.NewRotation(e.Dims)
	}
	if l.err != nil {
		l.err = fmt.Errorf("model %s: %w", e.Name, l.err)
		l.again = time.Now().Add(modelRetry)
	}
}

// queryVector is what a search has of a model.
type queryVector struct {
	meaning *index.Meaning // nil: none
	notes   []string       // why there is none, where there should be
}

// meaningOf has the serving model embed a query, for as long as a search waits.
func (s *Store) meaningOf(ctx context.Context, r memory.SearchRequest) (q queryVector, err error) {
	if r.Mode != "" && r.Mode != memory.ModeHybrid && r.Mode != memory.ModeVector {
		return q, nil
	}
	byWords := func(format string, args ...any) (queryVector, error) {
		return queryVector{notes: []string{fmt.Sprintf(format, args...) + ": answered by words"}}, nil
	}
	f, err := s.embedding.settings()
	e, ok := f.Find(f.Serving)
	switch {
	case err != nil && r.Mode == memory.ModeVector:
		return q, err
	case err != nil:
		return byWords("%v", err)
	case !ok && f.Active != "":
		return byWords("the vectors of model %s are still being made", f.Active)
	case !ok && r.Mode == memory.ModeVector:
		return q, memory.Invalid("mode", "this store uses no embedding model").
			WithHint("memlog model add makes one known and memlog model use NAME uses it; " +
				"or use hybrid, lexical or exact")
	case !ok:
		return q, nil
	}
	wait, cancel := context.WithTimeout(ctx, memory.QueryModelWait)
	defer cancel()
	v, err := s.embedQuery(wait, e, r.Query)
	switch {
	case ctx.Err() != nil:
		return q, ctx.Err()
	case wait.Err() != nil:
		return byWords("model %s did not answer within %s", e.Name, memory.QueryModelWait)
	case err != nil:
		return byWords("%v", err)
	}
	return queryVector{meaning: &index.Meaning{Space: space(e), Vector: v, Weight: weightOf(e)}}, nil
}

func (s *Store) embedQuery(ctx context.Context, e models.Entry, text string) (
	vector.Query, error) {
	model, err := s.embedding.open(ctx, e)
	if err != nil {
		return vector.Query{}, err
	}
	vectors, err := model.Embed(ctx, []string{text})
	if err == nil && vectors[0] == nil {
		err = errors.New("it knows nothing of the query")
	}
	if err != nil {
		return vector.Query{}, fmt.Errorf("model %s: %w", e.Name, err)
	}
	return model.turn.Query(vectors[0])
}

func weightOf(e models.Entry) float64 {
	if e.Kind == memory.ModelServer {
		return index.WeightServer
	}
	return index.WeightStatic
}
