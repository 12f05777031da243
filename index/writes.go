package index

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// writes are what a batch writes. They are collected by kind of key, since keys of one kind mostly
// come in order, which the skip list of a memtable takes in a fraction of the time that keys in
// turn cost; of one key the last counts, whatever stands between. To be read they must be indexed,
// which costs as much again: a batch that is filled with what was never there is never read. From
// the first read on everything goes to where it can be. It is a pebble.Reader; for one goroutine.
type writes struct {
	d     *pebble.DB
	kinds [256]*pebble.Batch // by the first byte of keys
	size  int                // in bytes, about
	room  int                // how large they may become
	whole *pebble.Batch      // indexed, with all of kinds; nil until something is read
	err   error              // why some of it is lost
}

// to returns the batch that a key is to be written to.
func (w *writes) to(k key, v []byte) *pebble.Batch {
	w.size += len(k) + len(v)
	if w.whole != nil {
		return w.whole
	}
	b := w.kinds[k[0]]
	if b == nil {
		b = w.d.NewBatch()
		w.kinds[k[0]] = b
	}
	return b
}

func (w *writes) set(k key, v []byte) error {
	if err := w.to(k, v).Set(k, v, nil); err != nil {
		return fmt.Errorf("write index batch: %w", err)
	}
	return nil
}

func (w *writes) merge(k key, v []byte) error {
	if err := w.to(k, v).Merge(k, v, nil); err != nil {
		return fmt.Errorf("write index batch: %w", err)
	}
	return nil
}

// gather moves all kinds into one batch, which is whole then.
func (w *writes) gather(into *pebble.Batch) (*pebble.Batch, error) {
	for i, b := range w.kinds {
		if b == nil {
			continue
		}
		w.kinds[i] = nil
		if err := errors.Join(into.Apply(b, nil), b.Close()); err != nil {
			w.err = fmt.Errorf("write index batch: %w", errors.Join(err, into.Close()))
			return nil, w.err
		}
	}
	w.whole = into
	return into, nil
}

// indexed returns everything written, to be read and written to.
func (w *writes) indexed() (*pebble.Batch, error) {
	if w.whole != nil || w.err != nil {
		return w.whole, w.err
	}
	return w.gather(w.d.NewIndexedBatchWithSize(max(w.room, w.size)))
}

// batch returns everything written, to be applied.
func (w *writes) batch() (*pebble.Batch, error) {
	if w.whole != nil || w.err != nil {
		return w.whole, w.err
	}
	return w.gather(w.d.NewBatchWithSize(w.size + w.size/8))
}

// Get is pebble.Reader's.
func (w *writes) Get(k []byte) ([]byte, io.Closer, error) {
	b, err := w.indexed()
	if err != nil {
		return nil, nil, err
	}
	return b.Get(k)
}

// NewIter is pebble.Reader's.
func (w *writes) NewIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	return w.NewIterWithContext(context.Background(), o)
}

// NewIterWithContext is pebble.Reader's.
func (w *writes) NewIterWithContext(ctx context.Context, o *pebble.IterOptions) (
	*pebble.Iterator, error) {
	b, err := w.indexed()
	if err != nil {
		return nil, err
	}
	return b.NewIterWithContext(ctx, o)
}

// Close drops what was written.
func (w *writes) Close() error {
	var err error
	for i, b := range w.kinds {
		if b != nil {
			err = errors.Join(err, b.Close())
			w.kinds[i] = nil
		}
	}
	if w.whole != nil {
		err = errors.Join(err, w.whole.Close())
		w.whole = nil
	}
	return err
}
