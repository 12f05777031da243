package index

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// A generation that is being filled beside the one in use is read by nobody, and a crash forgets
// it: so the postings of its batches wait in memory, and pebble gets those of many batches in one
// merge a term. The first who looks at it, or makes it durable, ends that.

// MaxWaitingBytes bounds the postings that wait.
const MaxWaitingBytes = 16 << 20

// merge writes postings into a pebble batch. Sorted keys go into skip lists faster.
func (p *postings) merge(into *pebble.Batch) error {
	terms := slices.SortedFunc(maps.Keys(p.of), func(x, y lexeme) int {
		return cmp.Compare(x.Value(), y.Value())
	})
	var k key
	for _, t := range terms {
		k = k[:0].posting(t.Value(), p.block)
		if err := into.Merge(k, *p.of[t], nil); err != nil {
			return fmt.Errorf("write index batch: %w", err)
		}
	}
	return nil
}

// wait keeps the postings of a batch that was committed. It is called with mu held.
func (d *DB) wait(p postings) error {
	if d.waiting.block != p.block {
		if err := d.settle(); err != nil {
			return err
		}
		d.waiting.block = p.block
	}
	if d.waiting.of == nil {
		d.waiting.of = map[lexeme]*[]byte{}
	}
	for t, added := range p.of {
		to := d.waiting.of[t]
		if to == nil {
			to = new([]byte)
			d.waiting.of[t] = to
		}
		*to = append(*to, *added...)
		d.waitingBytes += len(*added)
	}
	if d.waitingBytes > MaxWaitingBytes {
		return d.settle()
	}
	return nil
}

// settle gives pebble the postings that wait. It is called with mu held.
func (d *DB) settle() error {
	if len(d.waiting.of) == 0 || d.closed {
		return nil
	}
	b := d.p.NewBatchWithSize(2 * d.waitingBytes)
	err := d.waiting.merge(b)
	if err == nil {
		err = d.fuse.guard(func() error { return d.apply(b, false) })
	}
	if d.Broken() == nil { // a stuck commit may still hold it
		err = cmp.Or(err, b.Close())
	}
	if err != nil {
		return d.fuse.blow(fmt.Errorf("write postings: %w", err))
	}
	d.waiting.of, d.waitingBytes = nil, 0
	return nil
}

// filled ends the waiting. It is called with mu held.
func (d *DB) filled() error {
	d.filling = false
	return d.settle()
}

// settleNow is settle for who does not hold mu.
func (d *DB) settleNow() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.settle()
}
