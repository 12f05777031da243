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
	flat  *pebble.Batch      // all of kinds, to be applied; nil where there is whole
	err   error              // why some of it is lost
}

// maxWritesKept bounds what is kept for the next batch, twice: by kind and as one.
const maxWritesKept = 8 << 20

// to returns the batch that a key is to be written to.
func (w *writes) to(k key, v []byte) *pebble.Batch {
	w.size += len(k) + len(v)
	if w.whole != nil {
		return w.whole
	}
	b := w.kinds[k[0]]
	if b == nil {
		b = w.d.NewBatch(pebble.WithMaxRetainedSizeBytes(maxWritesKept))
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

// gather moves all kinds into one batch.
func (w *writes) gather(into *pebble.Batch) error {
	for _, b := range w.kinds {
		if b == nil || b.Empty() {
			continue
		}
		if err := into.Apply(b, nil); err != nil {
			w.err = fmt.Errorf("write index batch: %w", err)
			return w.err
		}
		b.Reset()
	}
	return nil
}

// indexed returns everything written, to be read and written to.
func (w *writes) indexed() (*pebble.Batch, error) {
	if w.whole == nil {
		w.whole = w.d.NewIndexedBatchWithSize(max(w.room, w.size))
		return w.whole, w.gather(w.whole)
	}
	return w.whole, w.err
}

// batch returns everything written, to be applied.
func (w *writes) batch() (*pebble.Batch, error) {
	if w.whole != nil || w.err != nil {
		return w.whole, w.err
	}
	if w.flat == nil {
		w.flat = w.d.NewBatchWithSize(w.size+w.size/8, pebble.WithMaxRetainedSizeBytes(maxWritesKept))
	}
	return w.flat, w.gather(w.flat)
}

// again empties what was bulky and never read, to be filled anew with its buffers: fresh memory
// costs more than what is written to it. It reports whether that is so.
func (w *writes) again() bool {
	if w.whole != nil || w.flat == nil || w.err != nil ||
		w.size < BulkBatchBytes || w.size > maxWritesKept {
		return false
	}
	w.flat.Reset()
	for _, b := range w.kinds {
		if b != nil {
			b.Reset()
		}
	}
	w.size = 0
	return true
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
	for _, b := range []**pebble.Batch{&w.whole, &w.flat} {
		if *b != nil {
			err = errors.Join(err, (*b).Close())
			*b = nil
		}
	}
	return err
}
