package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/index"
	"memlog/wal/event"
)

// An import goes into the log in chunks, each one record, all of one group, so that it is undone
// as one. A chunk ends at either bound.
const (
	chunkLines = 1000
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
	links  *pendingLinks   // that lead to what was not there yet; they are made last
	left   int             // lines about what was deleted here
	older  int             // lines that say what a memory said before it was changed here
	dry    *rehearsal      // nil: it is no dry run
	mine   map[uint64]bool // records that it made of records of another log
	passed int             // records of another log that say nothing about memories
}

// importLine is a memory line that passed the checks.
type importLine struct {
	n     int // its line
	m     event.Memory
	line  *transfer.Line
	dated bool // it brought its own created time
}

// Import reads memlog JSONL. What a line says is judged against the state, so that the same file
// again adds nothing, and one that was cut off goes on where it was.
func (s *Store) Import(ctx context.Context, src io.Reader, r memory.ImportRequest) (
	_ memory.ImportResult, err error) {
	defer s.counted("import", time.Now(), &err)
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
	in := &importing{s: s, r: r, now: s.now(), logID: id, res: &res,
		mine: map[uint64]bool{}, links: &pendingLinks{}}
	if r.DryRun {
		in.dry = &rehearsal{says: map[[16]byte][16]byte{}}
	}
	defer in.links.close()
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
	res.Notes = append(append(res.Notes, rd.Notes()...), in.notes()...)
	if res.Seq != 0 {
		res.Group = r.Group
	}
	return res, nil
}

// notes says what was left as it is here.
func (in *importing) notes() []string {
	var out []string
	if in.left > 0 {
		out = append(out, fmt.Sprintf("%d %s deleted here and not brought back; "+
			"memlog restore does that", in.left, plural(in.left, "memory was", "memories were")))
	}
	if in.older > 0 {
		out = append(out, fmt.Sprintf("%d %s what a memory said before it was changed here; what it "+
			"says now stays", in.older, plural(in.older, "line says", "lines say")))
	}
	if in.passed > 0 {
		out = append(out, fmt.Sprintf("%d %s of the other log itself and passed over", in.passed,
			plural(in.passed, "record speaks", "records speak")))
	}
	if in.dry != nil && in.dry.full {
		out = append(out, fmt.Sprintf("only the first %d lines were compared with later ones: what is "+
			"repeated among those after them is counted as new", maxRehearsed))
	}
	return out
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// take adds one line to the chunk, or appends a record line at once.
func (in *importing) take(ctx context.Context, item transfer.Item) error {
	switch {
	case item.Rejected != nil:
		in.res.Reject(*item.Rejected)
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
	in.res.Reject(memory.Rejected{Source: in.r.Name, Line: line, Reason: err.Error()})
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
	dated := !m.CreatedAt.IsZero()
	if !dated {
		n.CreatedAt = l.AboutAt
	}
	c, err := clean(n, in.now)
	if err != nil {
		return importLine{}, err
	}
	if len(l.Occurrences) > 0 {
		c.Tags = m.Tags
	}
	c.Version, c.SupersededBy, c.Extra = m.Version, m.SupersededBy, m.Extra
	return importLine{n: item.Line, m: c, line: l, dated: dated}, nil
}

// tally is what one record came to, and which memory each of its lines is.
type tally struct {
	imported, present, changed, repeated, left, older int
	ids                                               []memory.ID
	early                                             []lineLink // that lead to what is not there yet
	circles                                           []int      // lines superseded by themselves
}

// flush decides and appends the chunk: in one record, or in several where its lines speak of one
// memory differently, since each is decided on what those before it made.
func (in *importing) flush(ctx context.Context) error {
	chunk := in.chunk
	in.chunk, in.bytes = nil, 0
	for len(chunk) > 0 {
		var t tally
		decide := func(v *index.View) ([]event.Event, error) {
			t = tally{}
			out, err := in.decideChunk(v, chunk, &t)
			if err != nil {
				return nil, err
			}
			links, err := in.linkLines(v, chunk, out, &t)
			return append(out, links...), err
		}
		if err := in.append(ctx, decide); err != nil {
			return err
		}
		in.count(t)
		in.dry.add(chunk, t.ids)
		for _, k := range t.early {
			if err := in.links.add(k); err != nil {
				return err
			}
		}
		chunk = chunk[len(t.ids):]
	}
	return nil
}

func (in *importing) count(t tally) {
	in.res.Imported += t.imported
	in.res.Present += t.present
	in.res.Changed += t.changed
	in.res.Repeated += t.repeated
	in.left += t.left
	in.older += t.older
	for _, n := range t.circles {
		in.reject(n, errors.New("superseded_by: leads in a circle back to this memory, which was taken "+
			"as not superseded"))
	}
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
