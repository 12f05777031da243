package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/index"
	"memlog/wal"
	"memlog/wal/event"
)

// export is [Store.Export] on the index as it is.
func (s *Store) export(ctx context.Context, w io.Writer, r memory.ExportRequest) (
	memory.ExportResult, error) {
	var out memory.ExportResult
	if r.Events && !r.Filter.IsZero() {
		return out, memory.Invalid("events", "a filter selects memories, not records").
			WithHint("leave the filter or --events out")
	}
	e, done, err := s.use()
	if err != nil {
		return out, err
	}
	defer done()
	if out.Until, err = resolve(e, r.Until); err != nil {
		return out, err
	}
	if rec, err := e.log.Read(wal.Seq(out.Until.Seq)); err == nil && out.Until.Time.IsZero() {
		out.Until.Time = rec.Time
	}
	v, err := e.db.At(uint64(out.Until.Seq))
	if err != nil {
		return out, err
	}
	defer v.Close()
	if r.Filter.IsZero() {
		state, err := digestOf(v)
		if err != nil {
			return out, err
		}
		out.Digest = hex.EncodeToString(state[:])
	}
	tw, err := transfer.NewWriter(
		w,
		r.Format,
		transfer.WriterOptions{Zone: s.now().Local().Location()},
	)
	if err != nil {
		return out, err
	}
	if err := tw.Begin(transfer.Heading{Until: out.Until}); err != nil {
		return out, err
	}
	if r.Events {
		err = exportRecords(ctx, e, tw, r, &out)
	} else {
		err = exportMemories(ctx, e, v, tw, r, &out)
	}
	if err != nil {
		return out, err
	}
	out.Notes = tw.Notes()
	return out, tw.End()
}

func exportMemories(ctx context.Context, e session, v *index.View, tw *transfer.Writer,
	r memory.ExportRequest, out *memory.ExportResult) error {
	one := func(d index.Doc) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := exportLine(v, d)
		if err != nil {
			return err
		}
		out.Memories++
		if r.Progress != nil && out.Memories%1000 == 0 {
			r.Progress("export", int64(out.Memories), 0)
		}
		return tw.Memory(line)
	}
	if r.Format == transfer.FormatMarkdown {
		return forPeople(e, v, r, one)
	}
	if r.Filter.IsZero() && r.Format != transfer.FormatService { // tombstones too
		for d, err := range v.Docs() {
			if err == nil {
				err = one(d)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	f, err := filter(e, r.Filter)
	if err != nil {
		return err
	}
	return eachDoc(v, f, one)
}

// exportPage is how many memories an export holds at a time.
const exportPage = 1000

// eachDoc hands the memories that pass a filter over, a page at a time.
func eachDoc(v *index.View, f index.Filter, one func(index.Doc) error) error {
	for cursor := ""; ; {
		p, err := v.List(f, cursor, exportPage)
		if err != nil {
			return err
		}
		for _, d := range p.Docs {
			if err := one(d); err != nil {
				return err
			}
		}
		if cursor = p.Next; cursor == "" {
			return nil
		}
	}
}

// shelf is where a memory stands in a document.
type shelf struct {
	project string
	created int64
	id      index.ID
}

// forPeople hands the live memories over by project and day, as a document has them.
func forPeople(e session, v *index.View, r memory.ExportRequest, one func(index.Doc) error) error {
	f, err := filter(e, r.Filter)
	if err != nil {
		return err
	}
	var order []shelf // the memories themselves may be more than fits
	err = eachDoc(v, f, func(d index.Doc) error {
		order = append(order, shelf{d.Project, d.Created, d.ID})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(order, func(a, b shelf) int {
		return cmp.Or(strings.Compare(a.project, b.project), cmp.Compare(a.created, b.created),
			bytes.Compare(a.id[:], b.id[:]))
	})
	for _, at := range order {
		d, ok, err := v.Doc(at.id)
		if err == nil && ok {
			err = one(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exportLine is all that a view knows of a document.
func exportLine(v *index.View, d index.Doc) (transfer.Line, error) {
	m, err := whole(d)
	if err != nil {
		return transfer.Line{}, err
	}
	if by := memory.ID(d.SupersededBy); !by.IsZero() {
		m.SupersededBy = by
	}
	a := transfer.Attached{Tags: m.Tags, Deleted: d.Deleted, Incomplete: d.Incomplete}
	for _, o := range d.Occurrences {
		eo, err := event.DecodeOccurrence(o.Payload)
		if err != nil {
			return transfer.Line{}, fmt.Errorf("occurrence %s of memory %s: %w", o.ID, d.ID, err)
		}
		a.Occurrences = append(a.Occurrences, eo)
	}
	links, err := v.Links(d.ID)
	for _, l := range links {
		a.Links = append(a.Links, event.Link{From: memory.ID(l.From), To: memory.ID(l.To), Type: l.Type})
	}
	return transfer.FromMemory(m, a), err
}

func exportRecords(ctx context.Context, e session, tw *transfer.Writer, r memory.ExportRequest,
	out *memory.ExportResult) error {
	id := event.ID(e.log.ID())
	if out.Until.Seq == 0 {
		return nil
	}
	for rec, err := range e.log.Records(e.log.First(), wal.Seq(out.Until.Seq)) {
		if err != nil {
			return logError(err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		line := transfer.RecordLine{LogID: id, LogRecord: logRecord(rec)}
		if rec.Mark != nil {
			line.Events = line.Events[1:] // it stands in Mark
			if line.Mark, err = markJSON(rec.Mark); err != nil {
				return err
			}
		}
		for i, raw := range rec.Events {
			line.Events[i].Raw = raw
		}
		if err := tw.Record(line); err != nil {
			return err
		}
		out.Records++
		if r.Progress != nil && out.Records%1000 == 0 {
			r.Progress("export", int64(out.Records), int64(out.Until.Seq))
		}
	}
	return nil
}
