package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/models"
	"memlog/index"
	"memlog/index/vector"
	"memlog/projection"
	"memlog/recovery"
	"memlog/wal"
	"memlog/wal/event"
)

// The pace at which vectors are made, so that they leave the writer to others.
const (
	vectorBatch    = 64 // memories of one record
	minVectorPause = 10 * time.Millisecond
	maxVectorPause = time.Second
	vectorLook     = 2 * time.Second // how often one looks, should nobody say that there is more
	vectorLag      = 50 * time.Millisecond
)

// vectorPlace is how far the making of vectors has come. Rows only grow, so that what was looked
// at is not looked at again.
type vectorPlace struct {
	engine *recovery.Engine // another one may number rows otherwise
	space  index.Space
	next   index.Row
	group  string // of the records, for who looks at the log
}

// makeVectors gives every live memory a vector of the active model, now and as they come, until
// ctx ends. What is there and what is not is the index's to say: so it goes on where it was,
// however the process before ended.
func (s *Store) makeVectors(ctx context.Context) {
	defer s.embedding.work.Done()
	at := vectorPlace{group: event.NewID().String()}
	for ctx.Err() == nil {
		changed, wait := s.makeSome(ctx, &at)
		select {
		case <-ctx.Done():
		case <-s.embedding.kick:
			at.space = index.Space{} // also what was refused is tried again
		case <-changed:
			sleep(ctx, minVectorPause)
		case <-time.After(wait):
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// makeSome goes on until every memory has a vector or something is in the way, and returns when to
// look again.
func (s *Store) makeSome(ctx context.Context, at *vectorPlace) (<-chan struct{}, time.Duration) {
	for ctx.Err() == nil {
		f, err := s.embedding.settings()
		e, ok := f.Find(f.Active)
		if err != nil || !ok {
			return nil, time.Hour // for the settings to change
		}
		begin := time.Now()
		docs, changed, lag, err := s.withoutVector(at, e)
		switch {
		case err == nil && len(docs) == 0 && lag:
			return changed, vectorLag
		case err == nil && len(docs) == 0:
			if err = s.serve(f, e); err == nil {
				s.embedding.goesOn()
				return changed, vectorLook
			}
		case err == nil:
			err = s.giveVectors(ctx, at, e, docs)
		}
		if errors.Is(err, index.ErrBroken) {
			err = errors.Join(err, s.heal(ctx))
		}
		if err != nil {
			if ctx.Err() == nil {
				s.embedding.stands(s, err)
			}
			return nil, modelRetry
		}
		s.embedding.goesOn()
		sleep(ctx, min(max(time.Since(begin), minVectorPause), maxVectorPause))
	}
	return nil, 0
}

// withoutVector returns the next memories that have no vector, and what tells of others. lag means
// that the index has yet to see records.
func (s *Store) withoutVector(at *vectorPlace, e models.Entry) (
	docs []index.Doc, changed <-chan struct{}, lag bool, err error) {
	u, done, err := s.use()
	if err != nil {
		return nil, nil, false, err
	}
	defer done()
	if at.engine != u.engine || at.space != space(e) {
		at.engine, at.space, at.next = u.engine, space(e), 0
		s.embedding.refuse(-1)
	}
	changed = u.log.Changed()
	head := u.log.Head().Seq
	v, err := u.db.View()
	if err != nil {
		return nil, nil, false, err
	}
	defer v.Close()
	docs, _, err = v.Without(at.space, at.next, vectorBatch)
	return docs, changed, wal.Seq(v.Seq()) < head, err
}

// giveVectors embeds memories and brings their vectors into the log.
func (s *Store) giveVectors(ctx context.Context, at *vectorPlace, e models.Entry,
	docs []index.Doc) error {
	model, err := s.embedding.open(ctx, e)
	if err != nil {
		return err
	}
	texts := make([]string, len(docs))
	for i, d := range docs {
		texts[i] = projection.Text(d.Payload)
	}
	vectors, err := embedEach(ctx, model, texts)
	if err != nil {
		return fmt.Errorf("model %s: %w", e.Name, err)
	}
	var made []event.Embedded
	for i, d := range docs {
		v, err := vector.Vector{}, vector.ErrVector
		if vectors[i] != nil {
			v, err = model.turn.Encode(vectors[i])
		}
		if err != nil {
			continue
		}
		made = append(made, event.Embedded{ID: event.ID(d.ID), Version: d.Version, Model: e.Identity,
			Encoding: vector.Encoding1, Vector: v.Append(nil)})
	}
	if len(made) > 0 {
		if err := s.appendVectors(ctx, at.group, made); err != nil {
			return err
		}
	}
	s.embedding.refuse(len(docs) - len(made))
	at.next = docs[len(docs)-1].Row + 1
	return nil
}

// embedEach embeds texts; nil for those that the model, while it embeds others, refuses.
func embedEach(ctx context.Context, m openModel, texts []string) ([][]float32, error) {
	vectors, err := m.Embed(ctx, texts)
	if err == nil || models.Passing(err) || ctx.Err() != nil {
		return vectors, err
	}
	if _, probe := m.Embed(ctx, []string{models.Probe}); probe != nil {
		return nil, probe // it is not the texts
	}
	vectors = make([][]float32, len(texts))
	for i := range texts {
		one, err := m.Embed(ctx, texts[i:i+1])
		switch {
		case err == nil:
			vectors[i] = one[0]
		case models.Passing(err) || ctx.Err() != nil:
			return nil, err
		}
	}
	return vectors, nil
}

// appendVectors writes vectors as one record. Those of memories that are no longer there, or of
// another version by now, are left out.
func (s *Store) appendVectors(ctx context.Context, group string, made []event.Embedded) error {
	_, err := s.run(ctx, command{
		name: "embed", group: group,
		origin: memory.Origin{Client: "memlog", ClientVersion: s.o.Version},
		decide: func(v *index.View) (events []event.Event, err error) {
			for _, e := range made {
				i, ok, err := v.Image(index.ID(e.ID))
				if err != nil {
					return nil, err
				}
				if ok && !i.Deleted && i.Version == e.Version {
					events = append(events, e)
				}
			}
			return events, nil
		},
	})
	return err
}

// serve has searches use a model whose vectors are whole.
func (s *Store) serve(f models.File, e models.Entry) error {
	if f.Serving == e.Name {
		return nil
	}
	return s.embedding.change(func(f *models.File) error {
		if f.Active == e.Name { // still
			f.Serving = e.Name
		}
		return nil
	})
}

// refuse counts memories that the active model makes no vector of; -1 begins anew.
func (m *embedding) refuse(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n < 0 {
		m.refused = 0
		return
	}
	m.refused += n
}

// stands notes why the making of vectors does not go on, and says it once.
func (m *embedding) stands(s *Store, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if text := err.Error(); text != m.trouble {
		m.trouble = text
		s.o.Logger.Warn("make vectors", "err", err)
	}
}

func (m *embedding) goesOn() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trouble = ""
}
