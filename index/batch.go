package index

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Batch collects changes that become visible together, with the checkpoint they belong to. It is
// for one goroutine. What it writes is a pure function of the calls made since the index was
// empty: how they are cut into batches leaves no trace.
type Batch struct {
	d   *DB
	w   *writes // nil once committed or closed
	src source

	state             state
	written           totals             // as they were last written under keyStat
	names             map[string]uint32  // names numbered in this batch
	appends           map[string]*[]byte // collected so that a key gets one merge per batch
	postings          postings           // likewise
	merged            []postings         // of these, what was moved into the pebble batch
	tagged            []namedTagging     // begun and ended, in order
	aliased, occurred bool               // got an alias, an occurrence
	linked            bool               // got a link
	ids               map[ID]Ordinal     // looked up or made in this batch
	noTags            map[Ordinal]bool   // documents made in this batch that never had a tag
	noAlias           map[Ordinal]bool
	noHead            map[Ordinal]bool
	briefs            map[Ordinal]brief // changed in this batch
	vectors           vectors
	streams           map[string]streamEnd // that got a document in this batch
	changed           bool

	rows   []rowWithTo // for the table, once committed
	ends   []rowEnd
	newIDs []ID
}

type rowWithTo struct {
	ord     Ordinal
	flags   byte
	terms   uint32
	typ     uint32
	project uint32
	session uint32
	sig     uint32
	marks   byte
	from    uint64
	created int64
}

// postings are those of the rows of one block, by term.
type postings struct {
	block uint32
	of    map[lexeme]*[]byte
}

type namedTagging struct {
	tag string
	tagging
}

type rowEnd struct {
	row Row
	to  uint64
}

// NewImage is what PutImage opens.
type NewImage struct {
	ID           ID
	Seq          uint64
	Version      uint64
	Created      int64 // microseconds since 1970
	Type         string
	Project      string
	Deleted      bool // a tombstone: it is found by id only, not by words or exact content
	Incomplete   bool
	SupersededBy ID
	Stream       string    // what it was said in; see session.go
	Text         string    // what words are taken from; not kept
	Reading      *Reading  // of Text and Created; nil: PutImage makes it
	SameText     bool      // as of the image before: its vectors hold for this one too
	Exact        *[32]byte // see ExactKey; nil: not found by content
	Payload      []byte
}

// errBatchOpen: the caller forgot to close a batch.
var errBatchOpen = errors.New("a batch is already open")

// NewBatch begins a batch. There can be one at a time.
func (d *DB) NewBatch() (*Batch, error) {
	if err := d.Broken(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return nil, ErrClosed
	case d.batch != nil:
		return nil, errBatchOpen
	}
	b := &Batch{
		d: d, w: d.newWrites(), state: d.state, written: d.state.totals,
		names: map[string]uint32{}, appends: map[string]*[]byte{},
		ids: map[ID]Ordinal{}, noTags: map[Ordinal]bool{}, noAlias: map[Ordinal]bool{},
		noHead: map[Ordinal]bool{}, streams: map[string]streamEnd{}, vectors: newVectors(d.spaces),
		briefs: map[Ordinal]brief{},
	}
	b.src = source{r: b.w, fuse: d.fuse, batch: b}
	d.batch = b
	return b, nil
}

// newWrites is called with mu held.
func (d *DB) newWrites() *writes {
	w := d.spare
	if d.spare = nil; w == nil {
		w = &writes{d: d.p}
	}
	w.room = d.bulk
	return w
}

// View reads what the index will be once the batch is committed. It is valid until then, follows
// further changes, and must not be used beside them from another goroutine.
func (b *Batch) View() *View {
	return &View{d: b.d, src: b.src, batch: b, seq: latest}
}

// At is View as of record seq, which must not be after the last checkpoint set.
func (b *Batch) At(seq uint64) *View {
	return &View{d: b.d, src: b.src, batch: b, seq: seq}
}

// Checkpoint returns the last one set.
func (b *Batch) Checkpoint() Checkpoint { return b.state.checkpoint }

func (b *Batch) set(k key, v []byte) error {
	b.changed = true
	return b.w.set(k, v)
}

// appendTo adds v to the end of the value of k.
func (b *Batch) appendTo(k key, v []byte) {
	to := b.appending(k)
	*to = append(*to, v...)
}

// appending is what will be added to the value of k; the caller may add to it.
func (b *Batch) appending(k key) *[]byte {
	b.changed = true
	to := b.appends[string(k)]
	if to == nil {
		to = new([]byte)
		b.appends[string(k)] = to
	}
	return to
}

// appended are the first bytes of the keys that are written by appendTo.
const appended = string(keyIDs) + string(keyPosting) + string(keyRows) + string(keySpacePart)

// ensureDoc returns a document's number and gives it one where it has none.
func (b *Batch) ensureDoc(id ID) (Ordinal, error) {
	ord, ok, err := b.src.ordinal(id)
	if err != nil || ok {
		return ord, err
	}
	ord = b.state.nextDoc
	b.state.nextDoc++
	b.newIDs = append(b.newIDs, id)
	b.ids[id] = ord
	b.noTags[ord], b.noAlias[ord], b.noHead[ord] = true, true, true
	if err := b.set(newKey(keyDoc).id(id), key(nil).ord(ord)); err != nil {
		return 0, err
	}
	b.appendTo(newKey(keyIDs).u32(uint32(ord)>>idBlockShift), id[:])
	return ord, nil
}

// PutImage opens an image at i.Seq and ends the one that was open.
func (b *Batch) PutImage(i NewImage) error {
	ord, err := b.ensureDoc(i.ID)
	if err != nil {
		return err
	}
	var h head
	seen, first := false, b.noHead[ord]
	if !first {
		if h, seen, err = b.src.head(ord); err != nil {
			return err
		}
	}
	delete(b.noHead, ord)
	if !seen {
		if h.session, err = b.session(i.Stream, i.Created); err != nil {
			return err
		}
	}
	if h.open {
		if err := b.end(h, i.Seq); err != nil {
			return err
		}
	}
	switch {
	case i.Deleted:
		i.Reading = &Reading{}
	case i.Reading == nil:
		i.Reading = b.d.reader.Read(i.Text, i.Created)
	}
	row, before := b.state.nextRow, h
	b.state.nextRow++
	h = head{
		open: true, deleted: i.Deleted, row: row, from: i.Seq, terms: i.Reading.words.length,
		version: i.Version, maxVersion: max(h.maxVersion, i.Version), session: h.session,
	}
	b.begin(h)
	if err := b.setHead(ord, h); err != nil {
		return err
	}
	if !first && !i.Deleted {
		if err := b.carryVectors(i, ord, row, before); err != nil {
			return err
		}
	}
	if err := b.putImage(i, ord, h); err != nil {
		return err
	}
	return b.putTopics(i.Seq)
}

func (b *Batch) putImage(i NewImage, ord Ordinal, h head) error {
	image := Image{
		Version: i.Version, Created: i.Created, Type: i.Type, Project: i.Project,
		Deleted: i.Deleted, Incomplete: i.Incomplete, SupersededBy: i.SupersededBy,
		Terms: h.terms, Payload: i.Payload,
	}
	if err := b.set(imageKey(ord, i.Seq, h.row), image.encode()); err != nil {
		return err
	}
	if err := b.putRow(i, ord, h); err != nil {
		return err
	}
	if i.Deleted {
		return nil
	}
	if t := i.Reading.words.tongue; t != inEnglish && b.state.tongues[t] == 0 {
		b.state.tongues[t] = i.Seq
	}
	if err := b.putPostings(i.Reading, h.row); err != nil {
		return err
	}
	if i.Exact == nil {
		return nil
	}
	b.d.known.addExact(*i.Exact)
	k := append(newKey(keyExact), i.Exact[:]...).ord(ord).row(h.row)
	return b.set(k, key(nil).u64(i.Seq))
}

func (b *Batch) putRow(i NewImage, ord Ordinal, h head) error {
	typ, err := b.name(i.Type)
	if err != nil {
		return err
	}
	project, err := b.name(i.Project)
	if err != nil {
		return err
	}
	r := rowWithTo{
		ord: ord, flags: flags(i.Deleted, i.Incomplete, false), terms: h.terms,
		typ: typ, project: project, from: i.Seq, created: i.Created, session: h.session,
	}
	if !i.SupersededBy.IsZero() {
		r.flags |= flagSuperseded
	}
	if !i.Deleted {
		r.marks, r.sig = i.Reading.marks, i.Reading.sig
	}
	b.rows = append(b.rows, r)
	var info rowInfo
	r.fill(&info)
	to := b.appending(newKey(keyRows).row(h.row >> rowBlockShift))
	*to = info.encode(*to)
	return nil
}

func (r rowWithTo) fill(info *rowInfo) {
	info.ord, info.flags, info.terms = r.ord, r.flags, r.terms
	info.typ, info.project, info.from, info.created = r.typ, r.project, r.from, r.created
	info.session, info.sig, info.marks = r.session, r.sig, r.marks
}

func (b *Batch) putPostings(r *Reading, row Row) error {
	if block := uint32(row) >> postingBlockShift; block != b.postings.block {
		if err := b.flushAppends(); err != nil {
			return err
		}
		b.postings.block = block
	}
	for i, t := range r.words.terms {
		b.postings.put(t, row, r.words.counts[i])
	}
	for _, t := range r.fields {
		b.postings.put(t, row, 1)
	}
	return nil
}

func (p *postings) put(t lexeme, row Row, tf uint32) {
	to := p.of[t]
	if to == nil {
		to = new([]byte)
		if p.of == nil {
			p.of = map[lexeme]*[]byte{}
		}
		p.of[t] = to
	}
	*to = appendPosting(*to, row, tf)
}

// name returns the number of a type or project, from 1; 0 stands for none.
func (b *Batch) name(s string) (uint32, error) {
	if s == "" {
		return 0, nil
	}
	if n, ok := b.names[s]; ok {
		return n, nil
	}
	b.d.mu.Lock()
	n, ok := b.d.names[s]
	b.d.mu.Unlock()
	if ok {
		return n, nil
	}
	n, ok, err := b.src.nameID(s)
	if err != nil {
		return 0, err
	}
	if !ok {
		b.state.nextName++
		n = b.state.nextName
		if err := b.set(newKey(keyName).u32(n), []byte(s)); err != nil {
			return 0, err
		}
		if err := b.set(newKey(keyNameID).raw(s), key(nil).u32(n)); err != nil {
			return 0, err
		}
	}
	b.names[s] = n
	return n, nil
}

// CloseImage ends the open image at seq and opens none: the document is not there any more. It
// reports whether there was one.
func (b *Batch) CloseImage(id ID, seq uint64) (bool, error) {
	ord, ok, err := b.src.ordinal(id)
	if err != nil || !ok {
		return false, err
	}
	h, ok, err := b.src.head(ord)
	if err != nil || !ok || !h.open {
		return false, err
	}
	if err := b.end(h, seq); err != nil {
		return false, err
	}
	h.open = false
	return true, b.setHead(ord, h)
}

func (b *Batch) begin(h head) {
	t := &b.state.totals
	t.Images++
	if h.deleted {
		t.Deleted++
		return
	}
	t.Live++
	t.Terms += uint64(h.terms)
}

func (b *Batch) end(h head, seq uint64) error {
	t := &b.state.totals
	if h.deleted {
		t.Deleted--
	} else {
		t.Live--
		t.Terms -= uint64(h.terms)
	}
	b.ends = append(b.ends, rowEnd{h.row, seq})
	return b.set(newKey(keyClosed).row(h.row), key(nil).u64(seq))
}

// SetCheckpoint says that everything of the log up to c is in the batch. Call it at the end of
// each record: it is what gives the totals their moment.
func (b *Batch) SetCheckpoint(c Checkpoint) error {
	b.state.checkpoint = c
	b.changed = true
	if b.state.totals == b.written {
		return nil
	}
	b.written = b.state.totals
	b.state.statSeq = c.Seq
	return b.set(newKey(keyStat).u64(c.Seq), b.written.encode())
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// flushAppends moves what was collected into the batch, so that it can be read there. Sorted keys
// go into skip lists faster.
func (b *Batch) flushAppends() error {
	for _, k := range sortedKeys(b.appends) {
		if err := b.w.merge(key(k), *b.appends[k]); err != nil {
			return err
		}
	}
	clear(b.appends)
	if len(b.postings.of) == 0 {
		return nil
	}
	terms := slices.SortedFunc(maps.Keys(b.postings.of), func(x, y lexeme) int {
		return cmp.Compare(x.Value(), y.Value())
	})
	var k key
	for _, t := range terms {
		k = k[:0].posting(t.Value(), b.postings.block)
		if err := b.w.merge(k, *b.postings.of[t]); err != nil {
			return err
		}
	}
	b.merged = append(b.merged, b.postings)
	b.postings.of = nil
	return nil
}

// Commit makes the batch visible: data and checkpoint in one write, so that any crash leaves a
// prefix of the log applied. It is durable only after a flush; until then the log replays it.
func (b *Batch) Commit() error {
	if b.w == nil {
		return ErrClosed
	}
	defer b.Close()
	if !b.changed {
		return nil
	}
	if err := errors.Join(b.flushAppends(), b.flushStreams()); err != nil {
		return err
	}
	if err := b.flushVectors(); err != nil {
		return err
	}
	if err := b.set(metaState, b.state.encode()); err != nil {
		return err
	}
	pb, err := b.w.batch()
	if err != nil {
		return err
	}
	if err := b.d.commit(b, pb); err != nil {
		return fmt.Errorf("commit index batch: %w", err)
	}
	return nil
}

func (d *DB) commit(b *Batch, pb *pebble.Batch) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	size := pb.Len()
	d.unsaved += size
	full := d.unsaved >= DefaultFlushBytes && size < BulkBatchBytes
	if d.bulk = 0; size >= BulkBatchBytes {
		d.bulk = size + size/8
	}
	if full {
		d.unsaved = 0
	}
	if err := d.fuse.guard(func() error { return d.apply(pb, full) }); err != nil {
		return err
	}
	// With mu held no view is made in between; older ones see neither the rows nor the ends.
	if d.table != nil {
		b.publish(d.table)
	}
	b.extendLists()
	d.commits++
	b.publishVectors(d.slabs)
	d.state, d.spaces, d.dirty = b.state, b.vectors.spaces, true
	maps.Copy(d.names, b.names)
	d.known.add(b.ids, b.briefs)
	d.learnAhead()
	if len(d.streams) > maxStreams {
		clear(d.streams)
	}
	maps.Copy(d.streams, b.streams)
	select {
	case d.kick <- struct{}{}:
	default:
	}
	return nil
}

// apply gives pebble a batch, and has it begin to write the memtable out where that is full.
func (d *DB) apply(pb *pebble.Batch, full bool) error {
	err := d.p.Apply(pb, pebble.NoSync)
	if err == nil && full {
		_, err = d.p.AsyncFlush()
	}
	return err
}

func (b *Batch) publish(t *table) {
	if b.aliased {
		t.aliases.Store(true)
	}
	if b.occurred {
		t.occurrences.Store(true)
	}
	if b.linked {
		t.links.Store(true)
	}
	for _, id := range b.newIDs {
		t.addID(id)
	}
	for _, r := range b.rows {
		t.addRow(r.fill)
	}
	for _, e := range b.ends {
		t.end(e.row, e.to)
	}
}

// Close drops a batch that was not committed. After Commit it does nothing.
func (b *Batch) Close() error {
	if b.w == nil {
		return nil
	}
	w := b.w
	b.w = nil
	b.d.mu.Lock()
	b.d.batch = nil
	b.d.mu.Unlock()
	if b.d.Broken() != nil {
		return nil // a stuck commit may still hold it
	}
	if w.again() {
		b.d.mu.Lock()
		b.d.spare = w
		b.d.mu.Unlock()
		return nil
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("close index batch: %w", err)
	}
	return nil
}
