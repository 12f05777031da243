package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/index"
	"memlog/wal/event"
)

// An import goes into the log in chunks, each one record, all of one group, so that it is undone
// as one. A chunk ends at either bound.
const (
	chunkLines = 500
	chunkBytes = 4 << 20
)

// importing is an import under way.
type importing struct {
	s      *Store
	r      memory.ImportRequest
	now    time.Time
	logID  memory.ID
	res    *memory.ImportResult
	chunk  []importLine
	bytes  int
	links  []lineLink // of all lines; they are made last, when both ends are there
	left   int        // lines about what was deleted here
	passed int        // records of another log that say nothing about memories
}

// importLine is a memory line that passed the checks.
type importLine struct {
	n     int // its line
	m     event.Memory
	line  *transfer.Line
	dated bool // it brought its own created time
}

type lineLink struct {
	n    int
	link event.Link
}

// Import reads memlog JSONL. What a line says is judged against the state, so that the same file
// again adds nothing, and one that was cut off goes on where it was.
func (s *Store) Import(ctx context.Context, src io.Reader, r memory.ImportRequest) (
	memory.ImportResult, error) {
	if r.Group == "" {
		r.Group = event.NewID().String()
	}
	if _, err := cleanLabel("group", r.Group, memory.MaxRequestID); err != nil {
		return memory.ImportResult{}, err
	}
	e, done, err := s.hold()
	if err != nil {
		return memory.ImportResult{}, err
	}
	id := memory.ID(e.Log.ID())
	done()
	res := memory.ImportResult{Rejected: []memory.Rejected{}, DryRun: r.DryRun}
	in := &importing{s: s, r: r, now: s.now(), logID: id, res: &res}
	rd := transfer.NewReader(src, transfer.ReaderOptions{Source: r.Name, Zone: s.o.Now().Location()})
	for {
		item, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = in.take(ctx, item)
		}
		if err != nil {
			return res, err
		}
		if r.Progress != nil && item.Line%500 == 0 {
			r.Progress("import", int64(item.Line), 0)
		}
	}
	if err := in.flush(ctx); err != nil {
		return res, err
	}
	if err := in.makeLinks(ctx); err != nil {
		return res, err
	}
	res.Notes = append(res.Notes, rd.Notes()...)
	if in.left > 0 {
		res.Notes = append(res.Notes, fmt.Sprintf("%d memories were deleted here and stay so; "+
			"memlog restore brings them back", in.left))
	}
	if in.passed > 0 {
		res.Notes = append(res.Notes, fmt.Sprintf("%d records speak of the other log itself and were "+
			"passed over", in.passed))
	}
	if res.Seq != 0 {
		res.Group = r.Group
	}
	return res, nil
}

// take adds one line to the chunk, or appends a record line at once.
func (in *importing) take(ctx context.Context, item transfer.Item) error {
	switch {
	case item.Rejected != nil:
		in.res.Rejected = append(in.res.Rejected, *item.Rejected)
	case item.Record != nil:
		if err := in.flush(ctx); err != nil {
			return err
		}
		return in.record(ctx, item)
	case item.Memory != nil:
		l, err := in.check(item)
		if err != nil {
			in.reject(item.Line, err)
			return nil
		}
		in.chunk = append(in.chunk, l)
		in.bytes += len(l.m.Content) + len(l.m.Metadata)
		if len(in.chunk) >= chunkLines || in.bytes >= chunkBytes {
			return in.flush(ctx)
		}
	}
	return nil
}

func (in *importing) reject(line int, err error) {
	in.res.Rejected = append(in.res.Rejected, memory.Rejected{Source: in.r.Name, Line: line,
		Reason: err.Error()})
}

// check holds a line against the limits that every memory has.
func (in *importing) check(item transfer.Item) (importLine, error) {
	l := item.Memory
	m, err := l.Memory()
	if err != nil {
		return importLine{}, err
	}
	n := memory.NewMemory{ID: m.ID, Content: m.Content, Tags: m.Tags, Type: m.Type, Project: m.Project,
		Metadata: m.Metadata, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, Aliases: m.Aliases}
	if len(l.Occurrences) > 0 {
		n.Tags = nil // repetitions may bring a memory more tags than one command can
	}
	c, err := clean(n, in.now)
	if err != nil {
		return importLine{}, err
	}
	if len(l.Occurrences) > 0 {
		c.Tags = m.Tags
	}
	c.Version, c.SupersededBy, c.Extra = m.Version, m.SupersededBy, m.Extra
	return importLine{n: item.Line, m: c, line: l, dated: !m.CreatedAt.IsZero()}, nil
}

// tally is what one chunk came to, and which memory each of its lines is.
type tally struct {
	imported, present, changed, repeated, left int
	ids                                        []memory.ID
}

// flush decides and appends the chunk.
func (in *importing) flush(ctx context.Context) error {
	chunk := in.chunk
	in.chunk, in.bytes = nil, 0
	if len(chunk) == 0 {
		return nil
	}
	var t tally
	decide := func(v *index.View) ([]event.Event, error) {
		t = tally{}
		return decideChunk(v, chunk, in.now, &t)
	}
	if err := in.append(ctx, decide); err != nil {
		return err
	}
	in.res.Imported += t.imported
	in.res.Present += t.present
	in.res.Changed += t.changed
	in.res.Repeated += t.repeated
	in.left += t.left
	for i, l := range chunk {
		for _, k := range l.line.Links {
			if k.From.IsZero() {
				k.From = t.ids[i]
			}
			in.links = append(in.links, lineLink{l.n, k})
		}
	}
	return nil
}

// append runs one chunk's decision: into the log, or, on a dry run, against the present only.
func (in *importing) append(
	ctx context.Context,
	decide func(*index.View) ([]event.Event, error),
) error {
	if in.r.DryRun {
		e, done, err := in.s.use()
		if err != nil {
			return err
		}
		defer done()
		v, err := e.db.View()
		if err != nil {
			return err
		}
		defer v.Close()
		_, err = decide(v)
		return err
	}
	origin := in.r.Origin
	origin.RequestID = ""
	if origin.Reason == "" {
		origin.Reason = "import " + cut(in.r.Name, 200)
	}
	out, err := in.s.run(
		ctx,
		command{name: "import", origin: origin, group: in.r.Group, decide: decide},
	)
	if out.seq != 0 {
		in.res.Seq = out.seq
	}
	return err
}

// decideChunk returns the events that the lines of a chunk come to.
func decideChunk(
	v *index.View,
	chunk []importLine,
	now time.Time,
	t *tally,
) ([]event.Event, error) {
	var out []event.Event
	fresh := map[[32]byte]*event.Memory{} // by content, of this chunk
	ids := map[memory.ID]bool{}           // with an id, of this chunk
	for i := range chunk {
		l := chunk[i]
		key := index.ExactKey(l.m.Content, l.m.Type, l.m.Project)
		if same := fresh[key]; same != nil && l.m.ID.IsZero() {
			t.ids = append(t.ids, same.ID)
			t.present++
			if !sameOccasion(l, same.CreatedAt, same.Metadata, same.Tags) {
				t.repeated++
				ev := repeated(same.ID, l.m, same.Tags)
				same.Tags = union(same.Tags, ev.Tags)
				out = append(out, ev)
			}
			continue
		}
		if !l.m.ID.IsZero() && ids[l.m.ID] {
			t.ids = append(t.ids, l.m.ID)
			t.present++ // the file names it twice; the first line counts
			continue
		}
		evs, err := decideLine(v, &l, key, now, t)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", l.n, err)
		}
		ids[l.m.ID] = true
		t.ids = append(t.ids, l.m.ID)
		if len(evs) > 0 {
			if st, ok := evs[0].(event.Stored); ok && !l.line.Deleted {
				m := st.Memory
				fresh[key] = &m
			}
		}
		out = append(out, evs...)
	}
	return out, nil
}

// decideLine returns the events of one line.
func decideLine(
	v *index.View,
	l *importLine,
	key [32]byte,
	now time.Time,
	t *tally,
) ([]event.Event, error) {
	d, ok, err := known(v, l, key)
	if err != nil {
		return nil, err
	}
	if !ok {
		t.imported++
		return newLine(v, l)
	}
	byID := !l.line.ID.IsZero()
	old, err := whole(d)
	if err != nil {
		return nil, err
	}
	if byID && !l.dated { // the time of this import says nothing about the fact
		l.m.CreatedAt = old.CreatedAt
	}
	switch {
	case d.Deleted:
		t.present++
		if !l.line.Deleted {
			t.left++
		}
		return nil, nil
	case byID && l.line.Deleted:
		t.changed++
		return []event.Event{event.Deleted{ID: l.m.ID, SupersededBy: l.m.SupersededBy}}, nil
	case byID && !sameMemory(old, l.m):
		t.changed++
		m := l.m
		m.Version, m.UpdatedAt = d.LastVersion+1, now
		return append([]event.Event{event.Updated{Memory: m}}, newOccurrences(d, l)...), nil
	}
	t.present++
	if byID {
		evs := newOccurrences(d, l)
		t.repeated += len(evs)
		return evs, nil
	}
	l.m.ID = memory.ID(d.ID)
	if said, err := saidBefore(d, old, *l); said || err != nil {
		return nil, err
	}
	t.repeated++
	return []event.Event{repeated(l.m.ID, l.m, d.Tags)}, nil
}

// known finds what a line is about: by its id, by an alias, or by its very content.
func known(v *index.View, l *importLine, key [32]byte) (index.Doc, bool, error) {
	if !l.m.ID.IsZero() {
		return v.Doc(index.ID(l.m.ID))
	}
	for _, a := range l.m.Aliases {
		ids, err := v.ByAlias(a)
		if err != nil || len(ids) == 1 {
			if err == nil {
				l.m.ID, l.line.ID = memory.ID(ids[0]), memory.ID(ids[0])
				return v.Doc(ids[0])
			}
			return index.Doc{}, false, err
		}
	}
	ids, err := v.ByExact(key)
	if err != nil || len(ids) == 0 {
		return index.Doc{}, false, err
	}
	return v.Doc(ids[0])
}

// newLine returns the events of a line whose memory is not here.
func newLine(v *index.View, l *importLine) ([]event.Event, error) {
	m := &l.m
	if m.ID.IsZero() {
		m.ID = event.NewID()
	}
	last, err := v.LastVersion(index.ID(m.ID))
	if err != nil {
		return nil, err
	}
	m.Version = max(m.Version, 1)
	if last >= m.Version {
		m.Version = last + 1
		if l.line.Version == last { // taken back here, and brought again as it was
			m.Version = last
		}
	}
	stored := *m
	if l.line.Deleted {
		stored.SupersededBy = memory.ID{}
	}
	out := []event.Event{event.Stored{Memory: stored}}
	for _, o := range l.line.Occurrences {
		out = append(out, event.Repeated{ID: m.ID, Occurrence: o})
	}
	if l.line.Deleted {
		out = append(out, event.Deleted{ID: m.ID, SupersededBy: m.SupersededBy})
	}
	return out, nil
}

// newOccurrences returns the repetitions of a line that a document lacks.
func newOccurrences(d index.Doc, l *importLine) []event.Event {
	var out []event.Event
	for _, o := range l.line.Occurrences {
		if !slices.ContainsFunc(
			d.Occurrences,
			func(h index.Occurrence) bool { return h.ID == index.ID(o.ID) },
		) {
			out = append(out, event.Repeated{ID: l.m.ID, Occurrence: o, Tags: without(o.Tags, l.m.Tags)})
		}
	}
	return out
}

// saidBefore reports whether a line without an id adds nothing to the memory that says the same.
func saidBefore(d index.Doc, old event.Memory, l importLine) (bool, error) {
	if len(without(l.m.Tags, d.Tags)) > 0 {
		return false, nil
	}
	if sameOccasion(l, old.CreatedAt, old.Metadata, d.Tags) {
		return true, nil
	}
	for _, o := range d.Occurrences {
		eo, err := event.DecodeOccurrence(o.Payload)
		if err != nil {
			return false, err
		}
		if sameOccasion(l, eo.CreatedAt, eo.Metadata, d.Tags) {
			return true, nil
		}
	}
	return false, nil
}

// sameOccasion reports whether a line speaks of an occasion that is known by its time and metadata.
func sameOccasion(l importLine, created time.Time, metadata []byte, tags []string) bool {
	return (!l.dated || l.m.CreatedAt.Equal(created)) &&
		(len(l.m.Metadata) == 0 || bytes.Equal(l.m.Metadata, metadata)) &&
		len(without(l.m.Tags, tags)) == 0
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// makeLinks makes the links of all lines, now that their ends are there.
func (in *importing) makeLinks(ctx context.Context) error {
	for chunk := range slices.Chunk(in.links, chunkLines) {
		var missing []int
		err := in.append(ctx, func(v *index.View) ([]event.Event, error) {
			missing = missing[:0]
			var out []event.Event
			made := map[event.Link]bool{}
			for _, k := range chunk {
				ok, err := bothLive(v, k.link)
				if err != nil {
					return nil, err
				}
				if !ok {
					missing = append(missing, k.n)
					continue
				}
				there, err := hasLink(v, k.link)
				if err != nil {
					return nil, err
				}
				if !there && !made[k.link] {
					made[k.link] = true
					out = append(out, event.Linked{Link: k.link})
				}
			}
			return out, nil
		})
		if err != nil {
			return err
		}
		if in.r.DryRun {
			continue // nothing was stored that a link could lead to
		}
		for _, n := range missing {
			in.reject(
				n,
				errors.New("links: an end of a link is not a live memory; the memory itself was taken"),
			)
		}
	}
	return nil
}

func bothLive(v *index.View, l event.Link) (bool, error) {
	for _, id := range []memory.ID{l.From, l.To} {
		_, ok, err := v.Doc(index.ID(id))
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}
