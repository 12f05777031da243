package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// lists keeps the postings that searches asked for as they are in the index, so that the next
// search neither reads nor merges them. A kept list is whole: what a commit adds to its term is
// added here too, and as nothing else ever happens to postings, one list serves views of all
// moments, each up to its own last row.
type lists struct {
	mu    sync.Mutex
	terms map[string]*postingList // mu guards; by the part of the key that names the term
	bytes int                     // mu guards: about what they take
	turn  uint64                  // mu guards: counts what was asked for
}

// postingList is what there is of one term; no runs where no text has it.
type postingList struct {
	runs []run  // replaced, never changed: searches hold it
	used uint64 // turn in which it was asked for last
}

// listOverhead is about what a list takes beside its postings: the map's entry, name and runs.
const listOverhead = 160

func (l *postingList) bytes(name string) (n int) {
	for _, r := range l.runs {
		n += cap(r.data)
	}
	return n + len(name) + listOverhead
}

// get returns the postings of a term. Nobody may change them.
func (s *lists) get(name []byte) ([]run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.terms[string(name)]
	if !ok {
		return nil, false
	}
	s.turn++
	l.used = s.turn
	return l.runs, true
}

// put keeps all committed postings of a term, and drops others where they get too many.
func (s *lists) put(name []byte, runs []run, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.terms[string(name)]; ok {
		return
	}
	if s.terms == nil {
		s.terms = map[string]*postingList{}
	}
	s.turn++
	l := &postingList{runs: runs, used: s.turn}
	s.terms[string(name)] = l
	if s.bytes += l.bytes(string(name)); s.bytes > most {
		s.drop(most - most/4)
	}
}

// drop forgets what was not asked for longest, until no more than most bytes are left.
func (s *lists) drop(most int) {
	names := slices.SortedFunc(maps.Keys(s.terms), func(a, b string) int {
		return cmp.Compare(s.terms[a].used, s.terms[b].used)
	})
	for _, name := range names {
		if s.bytes <= most {
			return
		}
		s.bytes -= s.terms[name].bytes(name)
		delete(s.terms, name)
	}
}

// extend adds what a commit added to postings, by their keys.
func (s *lists) extend(added map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.terms) == 0 {
		return
	}
	for k, postings := range added {
		name, block := k[:len(k)-4], k[len(k)-4:]
		if l, ok := s.terms[name]; ok {
			s.bytes -= l.bytes(name)
			l.extend(Row(binary.BigEndian.Uint32([]byte(block)))<<postingBlockShift, postings)
			s.bytes += l.bytes(name)
		}
	}
}

// extend adds postings behind the end of what a search may hold, or in another place.
func (l *postingList) extend(base Row, postings []byte) {
	at, ok := slices.BinarySearchFunc(l.runs, base, func(r run, base Row) int {
		return cmp.Compare(r.base, base)
	})
	if l.runs = slices.Clone(l.runs); ok {
		l.runs[at].data = append(l.runs[at].data, postings...)
		return
	}
	l.runs = slices.Insert(l.runs, at, run{base, bytes.Clone(postings)})
}

// postings returns all postings of a term that the view's keys have, or more.
func (r *ranker) postings(name string) ([]run, error) {
	prefix := newKey(keyPosting).str(name)
	kept := r.v.batch == nil
	if kept {
		if runs, ok := r.v.d.lists.get(prefix); ok {
			return runs, nil
		}
	}
	runs, err := r.read(prefix)
	if err != nil {
		return nil, r.v.src.fuse.check(fmt.Errorf("read postings of %q: %w", name, err))
	}
	if kept {
		r.v.keepList(prefix, runs)
	}
	return runs, nil
}

// keepList keeps what was read unless something was committed since the view was made.
func (v *View) keepList(name []byte, runs []run) {
	v.d.mu.Lock()
	defer v.d.mu.Unlock()
	if v.commits == v.d.commits && !v.d.closed {
		v.d.lists.put(name, runs, v.d.o.ListBytes)
	}
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
		one := run{Row(f.u32()) << postingBlockShift, bytes.Clone(val)}
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

func closeIterator(it *pebble.Iterator) {
	if it != nil {
		it.Close() // its errors were seen where it was read
	}
}
