package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/index"
	"memlog/wal/event"
)

// importing is an import under way.
type importing struct {
	s      *Store
	r      memory.ImportRequest
	now    time.Time
	logID  memory.ID
	res    *memory.ImportResult
	links  *pendingLinks   // that lead to what was not there yet; they are made last
	left   int             // lines about what was deleted here
	older  int             // lines that say what a memory said before it was changed here
	stale  int             // lines that were written before what a memory says here
	dry    *rehearsal      // nil: it is no dry run
	mine   map[uint64]bool // records that it made of records of another log
	passed int             // records of another log that say nothing about memories
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
	id, err := s.beginGroup(&r.Group)
	if err != nil {
		return memory.ImportResult{}, err
	}
	res := memory.ImportResult{Rejected: []memory.Rejected{}, DryRun: r.DryRun}
	in := &importing{s: s, r: r, now: s.now(), logID: id, res: &res,
		mine: map[uint64]bool{}, links: &pendingLinks{}}
	if r.DryRun {
		in.dry = &rehearsal{says: map[[16]byte][16]byte{}}
	}
	defer in.links.close()
	rd := transfer.NewReader(src, transfer.ReaderOptions{Source: r.Name, Zone: s.o.Now().Location()})
	if err := in.parts(ctx, rd); err != nil {
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

// beginGroup gives a group that was taken back another name, the same for all that go on with it,
// and returns the log's id.
func (s *Store) beginGroup(group *string) (memory.ID, error) {
	e, done, err := s.use()
	if err != nil {
		return memory.ID{}, err
	}
	defer done()
	v, err := e.db.View()
	if err != nil {
		return memory.ID{}, err
	}
	defer v.Close()
	first := *group
	for n := 2; ; n++ {
		undone, err := anyUndone(v, *group)
		if !undone || err != nil {
			return memory.ID(e.log.ID()), err
		}
		*group = event.DerivedID(first, strconv.Itoa(n)).String()
	}
}

func anyUndone(v *index.View, group string) (bool, error) {
	seqs, err := v.Group(group)
	for _, seq := range seqs {
		if undone, err := v.Undone(seq); undone || err != nil {
			return undone, err
		}
	}
	return false, err
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
	if in.stale > 0 {
		out = append(out, fmt.Sprintf("%d %s older (updated_at) than what a memory says here, "+
			"which stays", in.stale, plural(in.stale, "line is", "lines are")))
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

// parts brings the source in, part by part.
func (in *importing) parts(ctx context.Context, rd *transfer.Reader) error {
	src := readAhead(in.r.Name, in.now, rd)
	defer src.close()
	for p := range src.parts {
		for _, one := range p.rejected {
			in.res.Reject(one)
		}
		if err := in.lines(ctx, p.lines); err != nil {
			return err
		}
		if p.record != nil {
			if err := in.record(ctx, *p.record); err != nil {
				return err
			}
		}
		if in.r.Progress != nil {
			in.r.Progress("import", int64(p.last), 0)
		}
	}
	return src.err
}

func (in *importing) reject(line int, err error) {
	in.res.Reject(memory.Rejected{Source: in.r.Name, Line: line, Reason: err.Error()})
}

// tally is what one record came to, and which memory each of its lines is.
type tally struct {
	imported, present, changed, repeated int
	left, older, stale                   int
	ids                                  []memory.ID
	early                                []lineLink // that lead to what is not there yet
	circles                              []int      // lines superseded by themselves
}

// lines decides and appends the lines of a chunk: in one record, or in several where they speak of
// one memory differently, since each is decided on what those before it made.
func (in *importing) lines(ctx context.Context, chunk []importLine) error {
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
	in.stale += t.stale
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
