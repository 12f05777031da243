package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/recovery"
	"memlog/wal"
	"memlog/wal/event"
)

// replay is [Store.Replay] on the index as it is.
func (s *Store) replay(ctx context.Context, r memory.ReplayRequest) (memory.ReplayResult, error) {
	res := memory.ReplayResult{Clock: memory.ClockRecorded, Added: []memory.DiffItem{},
		Removed: []memory.DiffItem{}, Changed: []memory.DiffItem{}}
	switch r.Clock {
	case "", memory.ClockRecorded:
	case memory.ClockCreated:
		return s.replayCreated(r, res)
	default:
		return res, memory.Invalid("clock", "%.40q is neither created nor recorded", string(r.Clock)).
			WithHint("recorded is the log's own clock")
	}
	e, done, err := s.use()
	if err != nil {
		return res, err
	}
	defer done()
	until, err := resolve(e, r.Until)
	if err != nil {
		return res, err
	}
	res.UntilSeq, res.Until = until.Seq, until.Time
	if rec, err := e.log.Read(wal.Seq(until.Seq)); err == nil {
		res.Time = rec.Time
	}
	if res.Until.IsZero() {
		res.Until = res.Time
	}
	state, err := s.replayTo(ctx, e, r, &res)
	if err != nil {
		return res, err
	}
	res.Digest = hex.EncodeToString(state[:])
	return res, s.compareAsOf(e, r, state, &res)
}

// replayTo folds the log into an index of its own, kept only with Into, and returns its state.
func (s *Store) replayTo(ctx context.Context, e session, r memory.ReplayRequest,
	res *memory.ReplayResult) ([32]byte, error) {
	res.Records = uint64(res.UntilSeq) - uint64(e.log.First()) + 1
	if r.Into != "" {
		rep, err := recovery.Replay(
			ctx,
			e.log,
			wal.Seq(res.UntilSeq),
			r.Into,
			recovery.Progress(r.Progress),
		)
		res.Into = r.Into
		return rep.State, intoError(r.Into, err)
	}
	tmp, err := os.MkdirTemp("", "memlog-replay-")
	if err != nil {
		return [32]byte{}, err
	}
	defer robustio.RemoveAll(tmp)
	db, err := recovery.Fold(ctx, e.log, wal.Seq(res.UntilSeq), tmp, recovery.Progress(r.Progress))
	if err != nil {
		return [32]byte{}, logError(err)
	}
	defer db.Discard()
	v, err := db.View()
	if err != nil {
		return [32]byte{}, err
	}
	defer v.Close()
	return digestOf(v)
}

func intoError(dir string, err error) error {
	if err == nil || memory.CodeOf(logError(err)) != memory.CodeFailed {
		return logError(err)
	}
	code := memory.CodeFailed
	if errors.Is(err, recovery.ErrNotEmpty) {
		code = memory.CodeInvalid
	}
	e := memory.Errorf(code, "%w", err)
	e.Arg = "into"
	return e.WithHint("give a directory that does not exist yet or is empty")
}

// differs says that replay and index come to different states, and why.
func differs(e session, until memory.Seq, asOf, replayed [32]byte) error {
	for _, d := range e.log.Health().Damage {
		if d.FromSeq > 0 && memory.Seq(d.FromSeq) <= until {
			return memory.Errorf(memory.CodeDamaged, "the log cannot be replayed to record %d: %w",
				until, &d).WithHint("--as-of still reads that moment from the index; " +
				"memlog verify shows all damage")
		}
	}
	return memory.Errorf(memory.CodeDamaged, "the index as of record %d differs from the log's "+
		"replay (state digest %x, replayed %x)", until, asOf, replayed).
		WithHint("memlog rebuild makes the index anew")
}

// compareAsOf holds a replayed state against the live index as of the same moment, counts its
// memories, and lists how the present differs where that is asked for.
func (s *Store) compareAsOf(e session, r memory.ReplayRequest, state [32]byte,
	res *memory.ReplayResult) error {
	then, err := e.db.At(uint64(res.UntilSeq))
	if err != nil {
		return err
	}
	defer then.Close()
	asOf, err := digestOf(then)
	if err != nil {
		return err
	}
	if asOf != state {
		return differs(e, res.UntilSeq, asOf, state)
	}
	stats, err := then.Stats()
	if err != nil {
		return err
	}
	res.Memories = int(stats.Live)
	if !r.Diff {
		return nil
	}
	now, err := e.db.View()
	if err != nil {
		return err
	}
	defer now.Close()
	return diff(then, now, res)
}

// side is one live memory of one side of a diff, with what decides whether it changed.
type side struct {
	id      memory.ID
	content string
	sum     [32]byte
}

// diff lists how now differs from then. Both are read once, in the order of the documents.
func diff(then, now *index.View, res *memory.ReplayResult) error {
	old := map[memory.ID][32]byte{}
	for s, err := range sides(then) {
		if err != nil {
			return err
		}
		old[s.id] = s.sum
	}
	for s, err := range sides(now) {
		if err != nil {
			return err
		}
		sum, was := old[s.id]
		delete(old, s.id)
		item := memory.DiffItem{ID: s.id, Content: cut(s.content, memory.MaxDiffContent)}
		switch {
		case !was:
			res.Added = append(res.Added, item)
		case sum != s.sum:
			before, _, err := then.Doc(index.ID(s.id))
			if err != nil {
				return err
			}
			m, err := payload(s.id, before.Image)
			if err != nil {
				return err
			}
			item.Before = cut(m.Content, memory.MaxDiffContent)
			res.Changed = append(res.Changed, item)
		}
	}
	for s, err := range sides(then) {
		if err != nil {
			return err
		}
		if _, gone := old[s.id]; gone {
			res.Removed = append(
				res.Removed,
				memory.DiffItem{ID: s.id, Content: cut(s.content, memory.MaxDiffContent)},
			)
		}
	}
	return nil
}

// sides yields the live memories of a view.
func sides(v *index.View) iter.Seq2[side, error] {
	return func(yield func(side, error) bool) {
		for d, err := range v.Docs() {
			if err == nil && d.Deleted {
				continue
			}
			s := side{id: memory.ID(d.ID)}
			if err == nil {
				s, err = sideOf(d)
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

func sideOf(d index.Doc) (side, error) {
	m, err := whole(d)
	if err != nil {
		return side{}, err
	}
	m.UpdatedAt = time.Time{}
	b, err := event.EncodeMemory(m)
	h := sha256.New()
	h.Write(b)
	for _, o := range d.Occurrences {
		h.Write(o.ID[:])
	}
	return side{memory.ID(d.ID), m.Content, [32]byte(h.Sum(nil))}, err
}

// replayCreated reports on the memories whose own time is at or before the moment. That is no
// prefix of the log, so nothing is built.
func (s *Store) replayCreated(
	r memory.ReplayRequest,
	res memory.ReplayResult,
) (memory.ReplayResult, error) {
	res.Clock = memory.ClockCreated
	switch {
	case r.Into != "":
		return res, memory.Invalid("into", "the created clock reports only: it is no prefix of the log").
			WithHint("use the recorded clock, or export with --until")
	case r.Until.Time.IsZero():
		return res, memory.Invalid("until", "the created clock needs a time").
			WithHint("give a date, as 2024-03-01")
	}
	e, done, err := s.use()
	if err != nil {
		return res, err
	}
	defer done()
	v, err := e.db.View()
	if err != nil {
		return res, err
	}
	defer v.Close()
	us := micros(r.Until.Time)
	page, err := v.List(index.Filter{CreatedTo: &us}, "", 1)
	if err != nil {
		return res, err
	}
	res.Until, res.UntilSeq, res.Memories = r.Until.Time, memory.Seq(v.Seq()), page.Total
	res.Notes = []string{"counted by when things happened (created); the log's own clock (recorded) " +
		"is the one that can be replayed"}
	if r.Diff {
		err = createdSince(v, us, &res)
	}
	return res, err
}

// createdSince lists the memories created after a moment.
func createdSince(v *index.View, us int64, res *memory.ReplayResult) error {
	from := us + 1
	docs, err := byFilter(v, index.Filter{CreatedFrom: &from})
	for _, d := range docs {
		m, err := payload(memory.ID(d.ID), d.Image)
		if err != nil {
			return err
		}
		res.Added = append(
			res.Added,
			memory.DiffItem{ID: m.ID, Content: cut(m.Content, memory.MaxDiffContent)},
		)
	}
	return err
}

// Moments lists the days of the log, the snapshots and the archive.
func (s *Store) Moments(ctx context.Context) (_ memory.Moments, err error) {
	defer s.counted("moments", time.Now(), &err)
	out := memory.Moments{Days: []memory.Day{}, Snapshots: []memory.SnapshotInfo{},
		Archives: []memory.SegmentInfo{}}
	e, done, err := s.use()
	if err != nil {
		return out, err
	}
	defer done()
	for rec, err := range e.log.Records(e.log.First(), 0) {
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			continue // what is damaged has no day; verify names it
		}
		countDay(&out, rec)
	}
	if out.Snapshots, err = s.snapshots(); err != nil {
		return out, err
	}
	for _, seg := range e.log.Segments() {
		if seg.State == wal.Archived {
			out.Archives = append(out.Archives, segmentInfo(seg))
		}
	}
	return out, nil
}

func countDay(out *memory.Moments, rec wal.Record) {
	date := rec.Time.Local().Format(time.DateOnly)
	if n := len(out.Days); n == 0 || out.Days[n-1].Date != date {
		out.Days = append(out.Days, memory.Day{Date: date, FirstSeq: memory.Seq(rec.Seq)})
	}
	d := &out.Days[len(out.Days)-1]
	d.LastSeq = memory.Seq(rec.Seq)
	d.Records++
	for _, ev := range decodeAll(rec) {
		switch ev.(type) {
		case event.Stored, event.Restored:
			d.Stored++
		case event.Updated, event.Reverted, event.Repeated, event.Unrepeated:
			d.Updated++
		case event.Deleted, event.Retracted:
			d.Deleted++
		}
	}
}
