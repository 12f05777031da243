package index

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
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
	prefix, d := newKey(keyPosting).str(name), r.v.d
	if r.v.batch == nil {
		if runs, ok := d.postings.get(prefix); ok {
			return runs, nil
		}
	}
	runs, err := r.read(prefix)
	if err != nil {
		return nil, r.v.src.fuse.check(fmt.Errorf("read postings of %q: %w", name, err))
	}
	r.v.keep(func() { d.postings.put(prefix, runs, d.o.ListBytes) })
	return runs, nil
}

// read reads the postings behind a prefix of keys.
func (r *ranker) read(prefix key) (runs []run, err error) {
	if r.it == nil { // one for all terms
		r.it, err = r.v.src.iter(newKey(keyPosting), newKey(keyPosting).upper())
		if err != nil {
			return nil, err
		}
	}
	for ok := r.it.SeekGE(prefix); ok && bytes.HasPrefix(r.it.Key(), prefix); ok = r.it.Next() {
		val, err := r.it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		f := fieldReader{b: r.it.Key()[len(prefix):]}
		one := run{base: Row(f.u32()) << postingBlockShift, data: make([]byte, 0, len(val))}
		one = one.with(val)
		if err := f.done("posting key"); err != nil {
			return nil, err
		}
		n := one.len()
		if len(val)%postingSize != 0 || n > 0 && one.row(n-1) >= r.t.len() {
			return nil, errValue
		}
		runs = append(runs, one)
	}
	return runs, r.v.src.finish(r.it)
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
		v.keep(func() { v.d.taggings.put([]byte(tag), all, v.d.o.ListBytes/tagShare) })
	}
	return all, err
}
