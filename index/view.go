package index

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// latest is the moment of a view over a batch: whatever is there.
const latest = math.MaxUint64 - 1

// View reads the index as of one sequence number. Views of committed state are snapshots, may be
// used by several goroutines, and do not stand in the way of the writer; close them.
type View struct {
	d     *DB
	src   source
	snap  *pebble.Snapshot // nil: over a batch
	batch *Batch
	seq   uint64

	readOnly string // of the snapshot, see ReadOnlyReason
	held     held   // likewise, see tongues
	commits  uint64 // DB.commits when it was made
}

// View returns a view of everything committed.
func (d *DB) View() (*View, error) { return d.view(nil) }

// At returns a view as of record seq: what View would have seen then, without replaying anything.
// 0 is before the first record. ErrAhead where the index has not seen seq yet.
func (d *DB) At(seq uint64) (*View, error) { return d.view(&seq) }

func (d *DB) view(seq *uint64) (*View, error) {
	if err := d.Broken(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	v := &View{d: d, seq: d.state.checkpoint.Seq, readOnly: d.state.readOnly,
		held: d.state.tongues, commits: d.commits}
	if seq != nil {
		if *seq > v.seq {
			return nil, fmt.Errorf("read as of record %d, index is at %d: %w", *seq, v.seq, ErrAhead)
		}
		v.seq = *seq
	}
	v.snap = d.p.NewSnapshot()
	v.src = source{r: v.snap, fuse: d.fuse}
	return v, nil
}

// FailedView returns a view every read of which fails with err: for where a view has to be handed
// out and there is none.
func (d *DB) FailedView(err error) *View {
	return &View{d: d, src: source{fuse: &fuse{log: d.o.Logger, err: err}}}
}

// Seq returns the moment of the view. Over a batch it is the batch's checkpoint.
func (v *View) Seq() uint64 {
	if v.seq == latest {
		return v.batch.state.checkpoint.Seq
	}
	return v.seq
}

// Close lets go of the snapshot. Over a batch it does nothing.
func (v *View) Close() error {
	if v.snap == nil || v.d.Broken() != nil {
		return nil
	}
	return v.snap.Close()
}

// tongues returns those that texts up to the view's moment are in, beside English.
func (v *View) tongues() []tongue {
	if v.batch != nil {
		return v.batch.state.tongues.at(v.seq)
	}
	return v.held.at(v.seq)
}

// rows returns the row table that serves this view.
func (v *View) rows() (*table, error) {
	if err, _ := v.src.fuse.state(); err != nil {
		return nil, err
	}
	if v.batch != nil && v.batch.changed {
		return loadTable(v.src) // what is not committed is in no shared table
	}
	v.d.mu.Lock()
	defer v.d.mu.Unlock()
	if v.d.table == nil {
		if v.d.closed {
			return nil, ErrClosed
		}
		// With mu held nothing is committed: the table is all that is there.
		t, err := loadTable(v.d.source())
		if err != nil {
			return nil, err
		}
		v.d.table = t
	}
	return v.d.table, nil
}

// Image returns what the document is in this view, without the facts about it.
func (v *View) Image(id ID) (Image, bool, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return Image{}, false, err
	}
	i, _, ok, err := v.image(ord)
	return i, ok, err
}

// image finds the image that holds at the view's moment.
func (v *View) image(ord Ordinal) (Image, head, bool, error) {
	h, ok, err := v.src.head(ord)
	if err != nil || !ok {
		return Image{}, h, false, err
	}
	if h.from <= v.seq {
		if !h.open {
			to, _, err := v.src.getU64(newKey(keyClosed).row(h.row))
			if err != nil || to <= v.seq {
				return Image{}, h, false, err
			}
		}
		k := imageKey(ord, h.from, h.row)
		val, ok, err := v.src.get(k)
		if err != nil || !ok {
			return Image{}, h, false, err
		}
		i, err := decodeImage(k, val)
		if !h.open {
			err = v.withEnd(&i, err)
		}
		return i, h, true, v.src.fuse.check(err)
	}
	k, val, ok, err := v.src.last(newKey(keyImage).ord(ord), newKey(keyImage).ord(ord).u64(v.seq+1))
	if err != nil || !ok {
		return Image{}, h, false, err
	}
	i, err := decodeImage(k, val)
	if err := v.withEnd(&i, err); err != nil {
		return Image{}, h, false, v.src.fuse.check(err)
	}
	return i, h, at(i.From, i.To, v.seq), nil
}

func (v *View) withEnd(i *Image, err error) error {
	if err != nil {
		return err
	}
	i.To, _, err = v.src.getU64(newKey(keyClosed).row(i.Row))
	i.To = v.known(i.To)
	return err
}

// known hides an end that comes after the view's moment.
func (v *View) known(to uint64) uint64 {
	if to > v.seq {
		return 0
	}
	return to
}

// Doc returns the document as this view sees it; false where it is not there (yet, or any more).
// A tombstone is there, with Deleted set.
func (v *View) Doc(id ID) (Doc, bool, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return Doc{}, false, err
	}
	return v.doc(id, ord)
}

// Bare is Doc without tags, aliases and occurrences: a text that is said again and again has many
// of them, and most questions are about a few.
func (v *View) Bare(id ID) (Doc, bool, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return Doc{}, false, err
	}
	return v.bare(id, ord)
}

func (v *View) bare(id ID, ord Ordinal) (Doc, bool, error) {
	i, h, ok, err := v.image(ord)
	if err != nil || !ok {
		return Doc{}, false, err
	}
	return Doc{ID: id, Ordinal: ord, Image: i, LastVersion: h.maxVersion}, true, nil
}

func (v *View) doc(id ID, ord Ordinal) (Doc, bool, error) {
	d, ok, err := v.bare(id, ord)
	if err != nil || !ok || d.Deleted {
		return d, ok, err
	}
	if d.Tags, _, err = tagFact.holding(v.src, ord, v.seq); err != nil {
		return Doc{}, false, err
	}
	if d.Aliases, _, err = aliasFact.holding(v.src, ord, v.seq); err != nil {
		return Doc{}, false, err
	}
	d.Occurrences, err = v.occurrences(ord)
	return d, err == nil, err
}

// LackingTags returns those of the tags that the document does not have, in their order.
func (v *View) LackingTags(id ID, tags []string) ([]string, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return tags, err
	}
	var out []string
	for _, tag := range tags {
		holds, err := tagFact.holds(v.src, ord, tag, v.seq)
		if err != nil {
			return nil, err
		}
		if !holds {
			out = append(out, tag)
		}
	}
	return out, nil
}

// Images returns every image the document had up to the view's moment, oldest first, whether it
// is still there or not.
func (v *View) Images(id ID) ([]Image, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return nil, err
	}
	var images []Image
	prefix := newKey(keyImage).ord(ord)
	err = v.src.scanRange(prefix, v.limit(prefix), func(k, val []byte) (bool, error) {
		i, err := decodeImage(k, val)
		images = append(images, i)
		return true, err
	})
	for n := range images {
		if err == nil {
			err = v.withEnd(&images[n], nil)
		}
	}
	return images, err
}

// LastVersion returns the highest version the document ever had, whatever the view's moment; 0
// where it was never there.
func (v *View) LastVersion(id ID) (uint64, error) {
	h, _, err := v.newest(id)
	return h.maxVersion, err
}

// Seen reports whether the document was ever there, whatever the view's moment.
func (v *View) Seen(id ID) (bool, error) {
	_, seen, err := v.newest(id)
	return seen, err
}

func (v *View) newest(id ID) (head, bool, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return head{}, false, err
	}
	return v.src.head(ord)
}

// Aliases returns the aliases that hold for the document, sorted.
func (v *View) Aliases(id ID) ([]string, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return nil, err
	}
	names, _, err := aliasFact.holding(v.src, ord, v.seq)
	return names, err
}

// ByAlias returns the documents that have the alias, in order of first appearance.
func (v *View) ByAlias(alias string) ([]ID, error) {
	var ords []Ordinal
	prefix := newKey(keyAliasDoc).str(alias)
	err := v.src.scan(prefix, func(k, val []byte) (bool, error) {
		f, g := fieldReader{b: k[len(prefix):]}, fieldReader{b: val}
		ord, from, to := f.ord(), f.u64(), g.u64()
		if at(from, to, v.seq) {
			ords = append(ords, ord)
		}
		return true, errors.Join(f.done("alias key"), g.done("alias"))
	})
	if err != nil {
		return nil, err
	}
	return v.ids(ords)
}

// ByExact returns the live documents whose exact-content key it is, in order of first appearance.
func (v *View) ByExact(exact [32]byte) ([]ID, error) {
	if v.batch != nil && v.batch.d.known.noExact(exact) {
		return nil, nil
	}
	var ords []Ordinal
	prefix := append(newKey(keyExact), exact[:]...)
	err := v.src.scan(prefix, func(k, val []byte) (bool, error) {
		f, g := fieldReader{b: k[len(prefix):]}, fieldReader{b: val}
		ord, row, from := f.ord(), f.row(), g.u64()
		if err := errors.Join(f.done("exact key"), g.done("exact")); err != nil {
			return false, err
		}
		to, _, err := v.src.getU64(newKey(keyClosed).row(row))
		if at(from, to, v.seq) {
			ords = append(ords, ord)
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return v.ids(ords)
}

func (v *View) ids(ords []Ordinal) ([]ID, error) {
	var ids []ID
	for _, o := range slices.Compact(ords) {
		id, err := v.src.id(o)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Links returns the links that hold from and to the document, those from it first.
func (v *View) Links(id ID) ([]Link, error) {
	ord, ok, err := v.src.ordinal(id)
	if err != nil || !ok {
		return nil, err
	}
	links, err := v.links(newKey(keyLink).ord(ord), false)
	if err != nil {
		return nil, err
	}
	back, err := v.links(newKey(keyLinkBack).ord(ord), true)
	return append(links, back...), err
}

// AllLinks returns every link that holds.
func (v *View) AllLinks() ([]Link, error) { return v.links(newKey(keyLink), false) }

func (v *View) links(prefix key, back bool) ([]Link, error) {
	var links []Link
	err := v.src.scan(prefix, func(k, val []byte) (bool, error) {
		f, g := fieldReader{b: k[1:]}, fieldReader{b: val}
		a, b := f.ord(), f.ord()
		l := Link{Type: f.str(), Since: f.u64(), Until: g.u64()}
		if err := errors.Join(f.done("link key"), g.done("link")); err != nil {
			return false, err
		}
		if !at(l.Since, l.Until, v.seq) {
			return true, nil
		}
		l.Until = v.known(l.Until)
		if back {
			a, b = b, a
		}
		var err error
		if l.From, err = v.src.id(a); err == nil {
			l.To, err = v.src.id(b)
		}
		links = append(links, l)
		return true, err
	})
	return links, err
}

// Stats returns the totals as of the view.
func (v *View) Stats() (Stats, error) {
	t, err := v.totals()
	return t.Stats, err
}

// StateDigest returns the running state digest as it was at the view's moment, without a scan.
func (v *View) StateDigest() ([32]byte, error) {
	t, err := v.totals()
	return t.digest, err
}

func (v *View) totals() (totals, error) {
	if v.seq == latest {
		return v.batch.state.totals, nil
	}
	if v.batch != nil && v.seq >= v.batch.state.statSeq {
		return v.batch.written, nil
	}
	_, val, ok, err := v.src.last(newKey(keyStat), v.limit(newKey(keyStat)))
	if err != nil || !ok {
		return totals{}, err
	}
	t, err := decodeTotals(val)
	return t, v.src.fuse.check(err)
}
