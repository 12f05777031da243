package store

import (
	"bytes"
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"unicode"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal/event"
)

// Near duplicates are found by MinHash signatures of a memory's set of words (Broder, "On the
// resemblance and containment of documents", 1997), cut into bands (locality-sensitive hashing):
// two memories that share a band are compared word by word. With these numbers a pair of
// similarity 0.8 is met with probability 0.99997, one of 0.5 with 0.72.
const (
	bands       = 20
	rowsPerBand = 4
)

// wordSet is a memory on its way through the search for duplicates.
type wordSet struct {
	doc   index.Doc
	words []uint64 // sorted hashes of its distinct words
}

// duplicates is [Store.Duplicates] on the index as it is.
func (s *Store) duplicates(ctx context.Context, r memory.DuplicatesRequest) (
	memory.DuplicatesResult, error) {
	out := memory.DuplicatesResult{
		Sets:     []memory.DuplicateSet{},
		Affected: []memory.ID{},
		DryRun:   r.DryRun,
	}
	switch {
	case r.Threshold < 0 || r.Threshold > 1:
		return out, memory.Invalid("threshold", "%g is not between 0 and 1", r.Threshold).
			WithHint("it is the share of words in common, as 0.8")
	case r.Threshold == 0:
		r.Threshold = memory.DefaultThreshold
	}
	e, done, err := s.use()
	if err != nil {
		return out, err
	}
	v, err := e.db.View()
	if err != nil {
		done()
		return out, err
	}
	sets, err := wordSets(ctx, v)
	if err == nil {
		out.Sets, err = alike(sets, r.Threshold)
	}
	v.Close()
	done()
	if err != nil || !r.Merge || len(out.Sets) == 0 {
		return out, err
	}
	if r.DryRun {
		for _, set := range out.Sets {
			out.Affected = append(append(out.Affected, set.Keep), set.Same...)
		}
		return out, nil
	}
	plain := r
	plain.Origin = memory.Origin{}
	res, err := s.run(ctx, command{
		name: "duplicates", request: plain, origin: r.Origin,
		decide: func(v *index.View) ([]event.Event, error) { return decideMerge(v, out.Sets, s) },
	})
	c := change(res)
	out.Seq, out.Affected = c.Seq, c.Affected
	return out, err
}

// wordSets reads the words of every live memory.
func wordSets(ctx context.Context, v *index.View) ([]wordSet, error) {
	var out []wordSet
	seed := maphash.MakeSeed() // what is found does not depend on it: candidates are compared
	for d, err := range v.Docs() {
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if d.Deleted {
			continue
		}
		m, err := payload(memory.ID(d.ID), d.Image)
		if err != nil {
			return nil, err
		}
		set := wordSet{doc: d}
		for _, w := range strings.FieldsFunc(strings.ToLower(m.Content), notWord) {
			set.words = append(set.words, maphash.String(seed, w))
		}
		slices.Sort(set.words)
		set.words = slices.Compact(set.words)
		if len(set.words) > 0 {
			out = append(out, set)
		}
	}
	slices.SortFunc(out, func(a, b wordSet) int { // the oldest first: it is the one to keep
		if a.doc.Created != b.doc.Created {
			if a.doc.Created < b.doc.Created {
				return -1
			}
			return 1
		}
		return bytes.Compare(a.doc.ID[:], b.doc.ID[:])
	})
	return out, nil
}

func notWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }

// alike groups memories around the oldest of each set. A memory is in one set at most.
func alike(sets []wordSet, threshold float64) ([]memory.DuplicateSet, error) {
	out := []memory.DuplicateSet{}
	buckets := map[uint64][]int{} // band of a kept memory's signature → its place in sets
	at := map[int]int{}           // kept memory → its place in out
	for i, set := range sets {
		keys := bandKeys(set)
		best, score := -1, threshold
		for _, k := range keys {
			for _, j := range buckets[k] {
				if sim := similarity(sets[j], set); sim >= score && (sim > score || best == -1 || j < best) {
					best, score = j, sim
				}
			}
		}
		if best == -1 {
			for _, k := range keys {
				buckets[k] = append(buckets[k], i)
			}
			continue
		}
		n, ok := at[best]
		if !ok {
			m, err := payload(memory.ID(sets[best].doc.ID), sets[best].doc.Image)
			if err != nil {
				return nil, err
			}
			n = len(out)
			at[best] = n
			out = append(out, memory.DuplicateSet{Keep: m.ID, Score: 1,
				Content: cut(m.Content, memory.MaxDiffContent)})
		}
		out[n].Same = append(out[n].Same, memory.ID(set.doc.ID))
		out[n].Score = min(out[n].Score, score)
	}
	return out, nil
}

// bandKeys cuts a set's signature into bands, apart for each type and project.
func bandKeys(s wordSet) []uint64 {
	var sig [bands * rowsPerBand]uint64
	for i := range sig {
		least := ^uint64(0)
		for _, w := range s.words {
			least = min(least, mix(w^mix(uint64(i)+1)))
		}
		sig[i] = least
	}
	place := uint64(14695981039346656037)
	for _, b := range []byte(s.doc.Type + "\x00" + s.doc.Project) {
		place = (place ^ uint64(b)) * 1099511628211
	}
	keys := make([]uint64, bands)
	for b := range keys {
		k := mix(place ^ uint64(b))
		for _, h := range sig[b*rowsPerBand : (b+1)*rowsPerBand] {
			k = mix(k ^ h)
		}
		keys[b] = k
	}
	return keys
}

// mix is the finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// similarity is the share of words two memories have in common (Jaccard), 0 where type or project
// differ.
func similarity(a, b wordSet) float64 {
	if a.doc.Type != b.doc.Type || a.doc.Project != b.doc.Project {
		return 0
	}
	common, i, j := 0, 0, 0
	for i < len(a.words) && j < len(b.words) {
		switch {
		case a.words[i] < b.words[j]:
			i++
		case a.words[i] > b.words[j]:
			j++
		default:
			common, i, j = common+1, i+1, j+1
		}
	}
	return float64(common) / float64(len(a.words)+len(b.words)-common)
}

// decideMerge merges sets as they are now: members that changed or went meanwhile are passed over.
func decideMerge(v *index.View, sets []memory.DuplicateSet, s *Store) ([]event.Event, error) {
	var out []event.Event
	for _, set := range sets {
		keep, ok, err := v.Doc(index.ID(set.Keep))
		if err != nil {
			return nil, err
		}
		if !ok || keep.Deleted {
			continue
		}
		m, err := whole(keep)
		if err != nil {
			return nil, err
		}
		before := len(m.Tags)
		var gone []event.Event
		for _, id := range set.Same {
			d, ok, err := v.Doc(index.ID(id))
			if err != nil {
				return nil, err
			}
			if !ok || d.Deleted {
				continue
			}
			m.Tags = append(m.Tags, without(d.Tags, m.Tags)...)
			slices.Sort(m.Tags)
			gone = append(gone, event.Deleted{ID: id, SupersededBy: set.Keep})
		}
		if len(m.Tags) > before {
			m.Version, m.UpdatedAt = keep.LastVersion+1, s.now()
			out = append(out, event.Updated{Memory: m})
		}
		out = append(out, gone...)
	}
	return out, nil
}
