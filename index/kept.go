package index

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// kept holds what searches asked for, by name, up to so many bytes: what was not asked for longest
// goes first.
type kept[V any] struct {
	size func(V) int // bytes of a value

	mu      sync.Mutex
	entries map[string]*keptEntry[V] // mu guards
	bytes   int                      // mu guards: about what they take
	turn    uint64                   // mu guards: counts what was asked for
}

type keptEntry[V any] struct {
	value V      // replaced, never changed: searches hold it
	used  uint64 // turn in which it was asked for last
}

// keptOverhead is about what an entry takes beside its name and value.
const keptOverhead = 160

func newKept[V any](size func(V) int) *kept[V] {
	return &kept[V]{size: size, entries: map[string]*keptEntry[V]{}}
}

func (s *kept[V]) sizeOf(name string, v V) int { return s.size(v) + len(name) + keptOverhead }

// get returns what is kept by that name. Nobody may change it.
func (s *kept[V]) get(name []byte) (v V, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[string(name)]
	if !ok {
		return v, false
	}
	s.turn++
	e.used = s.turn
	return e.value, true
}

// put keeps a value, and drops others where it gets more than most bytes.
func (s *kept[V]) put(name []byte, v V, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.entries[string(name)]; ok {
		return
	}
	s.turn++
	s.entries[string(name)] = &keptEntry[V]{v, s.turn}
	if s.bytes += s.sizeOf(string(name), v); s.bytes > most {
		s.drop(most - most/4)
	}
}

func (s *kept[V]) drop(most int) {
	names := slices.SortedFunc(maps.Keys(s.entries), func(a, b string) int {
		return cmp.Compare(s.entries[a].used, s.entries[b].used)
	})
	for _, name := range names {
		if s.bytes <= most {
			return
		}
		s.remove(name)
	}
}

func (s *kept[V]) remove(name string) {
	s.bytes -= s.sizeOf(name, s.entries[name].value)
	delete(s.entries, name)
}

// update calls fn with the value that is kept by that name, if there is one, and keeps what it
// returns, or nothing where that is not ok.
func (s *kept[V]) update(name string, fn func(V) (V, bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[name]
	if !ok {
		return
	}
	v, ok := fn(e.value)
	if !ok {
		s.remove(name)
		return
	}
	s.bytes += s.size(v) - s.size(e.value)
	e.value = v
}

func (s *kept[V]) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}
