package index

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// Two kinds of lists that searches ask for stay in memory as they are in the index, so that the
// next search neither reads nor merges them: the postings of a term, and which documents have a
// tag. A kept list is whole: what a commit adds is added to it. Nothing else ever happens to
// postings, so one list serves views of all moments, each up to its own last row. The list of a tag
// that is taken off a document is dropped.

// tagging is an interval in which a document has a tag.
type tagging struct {
	ord      Ordinal
	from, to uint64
}

// tagShare is the part of Options.ListBytes that lists of tags may take; postings take all of it.
const tagShare = 4

func sizeOfRuns(runs []run) (n int) {
	for _, r := range runs {
		n += cap(r.data)
	}
	return n
}

func sizeOfTaggings(all []tagging) int { return cap(all) * 24 }

// extendLists adds what a batch committed to the kept lists.
func (b *Batch) extendLists() {
	if b.d.postings.len() > 0 {
		var name key
		for _, merged := range b.merged {
			for t, added := range merged.of {
				name = append(name[:0], keyPosting).str(t.Value())
				b.d.postings.update(string(name), func(runs []run) ([]run, bool) {
					return extended(runs, Row(merged.block)<<postingBlockShift, *added), true
				})
			}
		}
	}
	if b.d.taggings.len() > 0 {
		for _, t := range b.tagged {
			b.d.taggings.update(t.tag, func(all []tagging) ([]tagging, bool) {
				return append(all, t.tagging), t.to == 0
			})
		}
	}
}

// extended returns runs with postings added, behind the end of what a search may hold or in another
// place.
func extended(runs []run, base Row, postings []byte) []run {
	at, ok := slices.BinarySearchFunc(runs, base, func(r run, base Row) int {
		return cmp.Compare(r.base, base)
	})
	runs = slices.Clone(runs)
	if ok {
		runs[at] = runs[at].with(postings)
		return runs
	}
	return slices.Insert(runs, at, run{base: base}.with(postings))
}

// listBytesLocked returns how many bytes of postings are kept.
func (d *DB) listBytesLocked() int {
	if d.o.ListBytes != 0 || d.table == nil {
		return cmp.Or(d.o.ListBytes, DefaultListBytes)
	}
	return max(DefaultListBytes, int(d.table.len())*ListBytesPerRow)
}

// keeps reports whether lists are kept of what the view reads, and calls put, with no commit in
// between, unless something was committed since the view was made.
func (v *View) keep(put func()) {
	v.d.mu.Lock()
	defer v.d.mu.Unlock()
	if v.batch == nil && v.commits == v.d.commits && !v.d.closed {
		put()
	}
}

// postings returns all postings of a term that the view's keys have, or more.
func (r *ranker) postings(name string) ([]run, error) {
	if runs, ok := r.lists[name]; ok {
		return runs, nil
	}
	prefix := newKey(keyPosting).str(name)
	if r.v.batch == nil {
		if runs, ok := r.v.d.postings.get(prefix); ok {
			return runs, nil
		}
	}
	if r.it == nil { // one for all terms
		var err error
		r.it, err = r.v.src.iter(newKey(keyPosting), newKey(keyPosting).upper())
		if err != nil {
			return nil, err
		}
	}
	runs, err := r.read(r.it, name, prefix)
	if err == nil {
		r.keep(prefix, runs)
	}
	return runs, err
}

func (r *ranker) keep(prefix key, runs []run) {
	d := r.v.d
	r.v.keep(func() { d.postings.put(prefix, runs, d.listBytesLocked()) })
}

// read reads the postings behind a prefix of keys, those of the term. It may be called by several
// goroutines, each with an iterator of its own.
func (r *ranker) read(it *pebble.Iterator, name string, prefix key) ([]run, error) {
	runs, err := r.readRuns(it, prefix)
	if err != nil {
		return nil, r.v.src.fuse.check(fmt.Errorf("read postings of %q: %w", name, err))
	}
	return runs, nil
}

func (r *ranker) readRuns(it *pebble.Iterator, prefix key) (runs []run, err error) {
	for ok := it.SeekGE(prefix); ok && bytes.HasPrefix(it.Key(), prefix); ok = it.Next() {
		val, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		f := fieldReader{b: it.Key()[len(prefix):]}
		one := run{base: Row(f.u32()) << postingBlockShift}
		if err := f.done("posting key"); err != nil {
			return nil, err
		}
		n := len(val) / postingSize
		if len(val)%postingSize != 0 {
			return nil, errValue
		}
		if one = one.with(val); n > 0 && one.row(n-1) >= r.t.len() {
			return nil, errValue
		}
		runs = append(runs, one)
	}
	return runs, r.v.src.finish(it)
}

// fetchFrom is from how many rows on the postings of several terms are read at the same time: those
// of fewer are read sooner than a goroutine awakes.
const fetchFrom = 1 << 18

// fetch has the postings of terms that are not in memory read by as many goroutines as there are
// processors, so that who loads them next finds them. It returns when they are done.
func (r *ranker) fetch(names []string) error {
	if r.v.batch != nil || r.t.len() < fetchFrom { // a batch is for one goroutine
		return nil
	}
	return r.fetchAll(names)
}

func (r *ranker) fetchAll(names []string) error {
	f := fetching{r: r}
	for _, name := range names {
		prefix := newKey(keyPosting).str(name)
		if runs, ok := r.v.d.postings.get(prefix); ok {
			r.hold(name, runs) // what is fetched may take its place there
		} else if _, ok := r.lists[name]; !ok && !slices.Contains(f.names, name) {
			f.names, f.prefixes = append(f.names, name), append(f.prefixes, prefix)
		}
	}
	f.lists, f.errs = make([][]run, len(f.names)), make([]error, len(f.names))
	var wg sync.WaitGroup
	for range min(len(f.names), runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(f.run)
	}
	f.run()
	wg.Wait()
	for i, name := range f.names {
		if f.errs[i] == nil {
			r.hold(name, f.lists[i])
			r.keep(f.prefixes[i], f.lists[i])
		}
	}
	return errors.Join(f.errs...)
}

// hold has postings finds a list by the term's name.
func (r *ranker) hold(name string, runs []run) {
	if r.lists == nil {
		r.lists = map[string][]run{}
	}
	r.lists[name] = runs
}

// fetching is lists being read by several goroutines, each taking the next one.
type fetching struct {
	r        *ranker
	names    []string
	prefixes []key
	next     atomic.Int64
	lists    [][]run
	errs     []error
}

func (f *fetching) run() {
	var it *pebble.Iterator
	defer func() { closeIterator(it) }()
	for {
		i := int(f.next.Add(1)) - 1
		if i >= len(f.names) {
			return
		}
		if it == nil {
			if it, f.errs[i] = f.r.v.src.iter(newKey(keyPosting), newKey(keyPosting).upper()); it == nil {
				continue
			}
		}
		f.lists[i], f.errs[i] = f.r.read(it, f.names[i], f.prefixes[i])
	}
}

// taggings returns the intervals in which documents have a tag.
func (v *View) taggings(tag string) (all []tagging, err error) {
	if v.batch == nil {
		if all, ok := v.d.taggings.get([]byte(tag)); ok {
			return all, nil
		}
	}
	prefix := newKey(tagFact.byName).str(tag)
	err = v.src.scan(prefix, func(k, val []byte) (bool, error) {
		f, g := fieldReader{b: k[len(prefix):]}, fieldReader{b: val}
		all = append(all, tagging{f.ord(), f.u64(), g.u64()})
		return true, errors.Join(f.done("tag key"), g.done("tag"))
	})
	if err == nil {
		v.keep(func() { v.d.taggings.put([]byte(tag), all, v.d.listBytesLocked()/tagShare) })
	}
	return all, err
}
