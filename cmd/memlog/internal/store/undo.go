package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal"
	"memlog/wal/event"
)

// maxOppositesPerRecord bounds how many memories, occurrences and links one record of an undo or a
// revert brings back; larger ones are written as several records of one group.
const maxOppositesPerRecord = 2000

// undo is [Store.Undo] on the index as it is.
func (s *Store) undo(ctx context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	res := memory.UndoResult{Undone: []memory.UndoneCommand{}, Affected: []memory.ID{}}
	if err := checkUndo(r); err != nil {
		return res, err
	}
	if done, err := s.undoneBefore(ctx, r, &res); done || err != nil {
		return res, err
	}
	e, done, err := s.use()
	if err != nil {
		return res, err
	}
	t, mark, err := s.undoTargets(e, r, &res)
	done()
	if err != nil {
		return res, err
	}
	plain := r
	plain.Origin = memory.Origin{}
	err = s.appendOpposites(ctx, opposing{
		name: "undo", request: plain, origin: r.Origin, touch: t, force: r.Force, dryRun: r.DryRun,
		mark: &mark,
	}, &res)
	res.DryRun = r.DryRun
	if err == nil && len(res.Left) > 0 {
		err = memory.Errorf(memory.CodeConflict, "%d of the memories changed since and were left alone",
			len(res.Left)).WithHint("undo what came after first, or use force")
	}
	return res, err
}

func checkUndo(r memory.UndoRequest) error {
	n := 0
	for _, set := range []bool{r.Seq != 0, r.Last != 0, !r.Since.IsZero(), r.AllOfSession != ""} {
		if set {
			n++
		}
	}
	switch {
	case n > 1:
		return memory.Invalid("undo", "give one of a sequence number, last, since and session").
			WithHint("none of them takes the newest command back")
	case r.Last < 0:
		return memory.Invalid("last", "%d is negative", r.Last).
			WithHint("give how many commands to take back")
	}
	return nil
}

// undoneBefore answers an undo whose request id stands in the log already.
func (s *Store) undoneBefore(ctx context.Context, r memory.UndoRequest, res *memory.UndoResult) (
	bool, error) {
	if r.Origin.RequestID == "" || r.DryRun {
		return false, nil
	}
	e, done, err := s.use()
	if err != nil {
		return false, err
	}
	defer done()
	v, err := e.db.View()
	if err != nil {
		return false, err
	}
	seq, ok, err := v.Request(r.Origin.RequestID)
	v.Close()
	if err != nil || !ok {
		return false, err
	}
	r.Origin, r.DryRun = memory.Origin{RequestID: r.Origin.RequestID}, false
	id := r.Origin
	r.Origin = memory.Origin{}
	print, err := command{name: "undo", request: r, origin: id}.fingerprint()
	if err != nil {
		return false, err
	}
	out, err := replayed(ctx, e.log, seq, id.RequestID, print)
	res.Seq, res.Repeats, res.Affected = out.seq, true, change(out).Affected
	return true, err
}

// undoTargets finds the records that an undo takes back, and what they touched. It fills in what
// res says of them.
func (s *Store) undoTargets(e session, r memory.UndoRequest, res *memory.UndoResult) (
	*touch, event.Undone, error) {
	v, err := e.db.View()
	if err != nil {
		return nil, event.Undone{}, err
	}
	defer v.Close()
	seqs, err := chooseUndo(e, v, r)
	if err != nil {
		return nil, event.Undone{}, err
	}
	t, mark := newTouch(), event.Undone{}
	named := map[string]bool{}
	for _, seq := range seqs {
		rec, err := e.log.Read(wal.Seq(seq))
		if err != nil {
			return nil, mark, logError(err)
		}
		t.add(rec)
		mark.Seqs = append(mark.Seqs, seq)
		for _, ev := range decodeAll(rec) {
			if u, ok := ev.(event.Undone); ok {
				mark.Redone = append(mark.Redone, u.Seqs...)
			}
		}
		if rec.GroupID == "" || !named[rec.GroupID] {
			named[rec.GroupID] = true
			res.Undone = append(res.Undone, undoneCommand(rec))
		}
	}
	slices.Sort(mark.Redone)
	return t, mark, nil
}

// undoneCommand says what a record was, for people.
func undoneCommand(rec wal.Record) memory.UndoneCommand {
	c := memory.UndoneCommand{Seq: memory.Seq(rec.Seq), Time: rec.Time, Group: rec.GroupID}
	var content string
	n := 0
	for _, ev := range decodeAll(rec) {
		if k := string(ev.Kind()); !slices.Contains(c.Kinds, k) {
			c.Kinds = append(c.Kinds, k)
		}
		n += len(touchedIDs(ev))
		if m, ok := memoryOf(ev); ok && content == "" {
			content = m.Content
		}
	}
	c.Summary = strings.Join(c.Kinds, ", ")
	if n > 1 {
		c.Summary += fmt.Sprintf(" (%d memories)", n)
	}
	if content != "" {
		c.Summary += ": " + cut(strings.Join(strings.Fields(content), " "), 80)
	}
	return c
}

// memoryOf returns the memory a version event carries.
func memoryOf(ev event.Event) (event.Memory, bool) {
	switch ev := ev.(type) {
	case event.Stored:
		return ev.Memory, true
	case event.Updated:
		return ev.Memory, true
	case event.Reverted:
		return ev.Memory, true
	case event.Restored:
		return ev.Memory, true
	}
	return event.Memory{}, false
}

// chooseUndo returns the sequence numbers of the records to take back, groups whole, in order.
func chooseUndo(e session, v *index.View, r memory.UndoRequest) ([]uint64, error) {
	if r.Seq != 0 {
		return explicitUndo(e, v, uint64(r.Seq))
	}
	most, session := 1, r.Origin.Session
	from := uint64(1)
	switch {
	case r.Last > 0:
		most = r.Last
	case !r.Since.IsZero():
		before, err := e.log.SeqAt(r.Since.Add(-time.Microsecond))
		if err != nil {
			return nil, logError(err)
		}
		most, from = -1, uint64(before)+1
	case r.AllOfSession != "":
		most, session = -1, r.AllOfSession
	}
	out := map[uint64]bool{}
	for c, err := range v.Commands(session, 0) {
		if err != nil {
			return nil, err
		}
		if c.Seq < from || most == 0 {
			break
		}
		undone, err := v.Undone(c.Seq)
		if err != nil {
			return nil, err
		}
		if undone || out[c.Seq] {
			continue
		}
		if err := addGroup(v, c, out); err != nil {
			return nil, err
		}
		most--
	}
	if len(out) == 0 {
		e := memory.Errorf(memory.CodeNotFound, "nothing to undo")
		if session != "" {
			e.Msg += " in session " + session
		}
		return nil, e.WithHint("memlog log shows what happened; memlog undo SEQ takes back any of it")
	}
	return sorted(out), nil
}

func addGroup(v *index.View, c index.Command, out map[uint64]bool) error {
	out[c.Seq] = true
	if c.Group == "" {
		return nil
	}
	seqs, err := v.Group(c.Group)
	for _, seq := range seqs {
		undone, uerr := v.Undone(seq)
		if err == nil {
			err = uerr
		}
		if !undone {
			out[seq] = true
		}
	}
	return err
}

func sorted(set map[uint64]bool) []uint64 {
	var out []uint64
	for seq := range set {
		out = append(out, seq)
	}
	slices.Sort(out)
	return out
}

// explicitUndo checks a record that was named, and returns it with its group.
func explicitUndo(e session, v *index.View, seq uint64) ([]uint64, error) {
	rec, err := e.log.Read(wal.Seq(seq))
	if errors.Is(err, wal.ErrNotFound) {
		e := memory.Errorf(memory.CodeNotFound, "no record %d; the log ends at %d", seq, e.log.Head().Seq)
		e.Arg = "seq"
		return nil, e.WithHint("memlog log shows the records")
	}
	if err != nil {
		return nil, logError(err)
	}
	moves := false
	for _, ev := range decodeAll(rec) {
		moves = moves || len(touchedIDs(ev)) > 0
	}
	if !moves {
		return nil, memory.Invalid("seq", "record %d changed no memory", seq).
			WithHint("memlog log shows what each record did")
	}
	undone, err := v.Undone(seq)
	if err != nil {
		return nil, err
	}
	if undone {
		e := memory.Errorf(memory.CodeConflict, "record %d is undone already", seq)
		e.Arg = "seq"
		return nil, e.WithHint("memlog log shows the undo; undo that to have it back")
	}
	out := map[uint64]bool{}
	if err := addGroup(v, index.Command{Seq: seq, Group: rec.GroupID}, out); err != nil {
		return nil, err
	}
	return sorted(out), nil
}

// opposing is an undo or a revert on its way into the log.
type opposing struct {
	name         string
	request      any
	origin       memory.Origin
	touch        *touch
	force, plain bool
	dryRun       bool
	mark         *event.Undone // goes into the last record; nil for a revert
	group        string        // of all its records; made where there are several
}

// appendOpposites appends the opposites of a touch, in several records of one group where they are
// many. Each record is decided on what is then; what was brought back already needs nothing more,
// so an undo that was cut off is completed by asking for it again.
func (s *Store) appendOpposites(ctx context.Context, u opposing, res *memory.UndoResult) error {
	if u.dryRun {
		return s.wouldOppose(u, res)
	}
	chunks := slices.Collect(slices.Chunk(u.touch.keys(), maxOppositesPerRecord))
	if len(chunks) == 0 {
		chunks = [][]any{nil}
	}
	for len(chunks) > 0 {
		keys := chunks[0]
		if len(chunks) > 1 && u.group == "" {
			u.group = event.NewID().String()
		}
		err := s.appendChunk(ctx, u, keys, len(chunks) == 1, res)
		if half := len(keys) / 2; errors.Is(err, wal.ErrTooLarge) && half > 0 {
			chunks = slices.Insert(chunks, 1, keys[half:])
			chunks[0] = keys[:half]
			continue
		}
		if err != nil {
			return err
		}
		chunks = chunks[1:]
	}
	return nil
}

// appendChunk appends the opposites of some keys as one record. The last one carries the mark and
// the request id, which name what is complete.
func (s *Store) appendChunk(ctx context.Context, u opposing, keys []any, last bool,
	res *memory.UndoResult) error {
	c := command{name: u.name, request: u.request, origin: u.origin, group: u.group}
	if !last {
		c.origin.RequestID = ""
	}
	var left []memory.LeftAlone
	c.decide = func(v *index.View) ([]event.Event, error) {
		events, alone, err := s.oppose(u, v, keys)
		if err != nil {
			return nil, err
		}
		left = alone
		switch {
		case u.mark == nil || len(events)+len(res.Affected) == 0:
		case last && len(res.Left)+len(left) == 0:
			events = append(events, *u.mark)
		default: // a part of an undo, or of a command that is still partly in effect
			events = append(events, event.Undone{})
		}
		return events, nil
	}
	out, err := s.run(ctx, c)
	if err != nil {
		return err
	}
	res.Left = append(res.Left, left...)
	res.Affected = append(res.Affected, change(out).Affected...)
	if out.seq != 0 {
		res.Seq = out.seq
	}
	return nil
}

// oppose decides some opposites on what v shows, and says what it leaves alone.
func (s *Store) oppose(
	u opposing,
	v *index.View,
	keys []any,
) ([]event.Event, []memory.LeftAlone, error) {
	db, release := s.engine.Index()
	defer release()
	p := &past{db: db, views: map[uint64]*index.View{}}
	defer p.close()
	o := &opposites{touch: u.touch, past: p, now: v, log: s.engine.Log, force: u.force,
		plain: u.plain}
	events, err := o.decide(keys)
	return events, o.left, err
}

// wouldOppose says what an undo or a revert would do, and does nothing.
func (s *Store) wouldOppose(u opposing, res *memory.UndoResult) error {
	e, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	v, err := e.db.View()
	if err != nil {
		return err
	}
	defer v.Close()
	events, left, err := s.oppose(u, v, u.touch.keys())
	if err != nil {
		return err
	}
	res.Left = left
	res.Affected = change(outcome{events: events}).Affected
	return nil
}

// cut shortens text to n bytes on a letter's edge.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
