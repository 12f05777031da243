package store

import "memlog/cmd/memlog/internal/memory"

// maxRehearsed is how many lines a dry run remembers, so that it takes no more memory for a larger
// file.
const maxRehearsed = 1 << 18

// rehearsal is what the lines of a dry run before the present one would have made. It is nil where
// the import is no dry run.
type rehearsal struct {
	says map[[16]byte][16]byte // by id and by content, what it would say
	n    int                   // lines
	full bool                  // there were more lines than are remembered
}

// add remembers the lines of a chunk that were decided, as the memories with these ids.
func (r *rehearsal) add(chunk []importLine, ids []memory.ID) {
	if r == nil {
		return
	}
	for i, id := range ids {
		if r.n == maxRehearsed {
			r.full = true
			return
		}
		r.n++
		key := rehearsedKey(&chunk[i])
		r.says[id], r.says[key] = key, key
	}
}

// has reports whether a line before would have made the memory of this one, and said the same.
func (r *rehearsal) has(l *importLine) (made, same bool) {
	if r == nil {
		return false, false
	}
	key := rehearsedKey(l)
	at := [16]byte(l.m.ID)
	if l.m.ID.IsZero() {
		at = key
	}
	said, made := r.says[at]
	return made, said == key
}

func rehearsedKey(l *importLine) [16]byte { return [16]byte(l.key[:16]) }
