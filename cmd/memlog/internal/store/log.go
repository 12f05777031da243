package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal"
	"memlog/wal/event"
)

// followEvery is how often the head of a followed log is looked at, should nobody say it moved.
const followEvery = 250 * time.Millisecond

// Log yields the records of the log in order, and, with Follow, those that come. A damaged stretch
// is an error that does not end it.
func (s *Store) Log(ctx context.Context, r memory.LogRequest) iter.Seq2[memory.LogRecord, error] {
	return func(yield func(memory.LogRecord, error) bool) {
		l := following{s: s, r: r, yield: yield}
		var err error
		if !r.Follow { // how long one is followed says nothing
			defer s.counted("log", time.Now(), &err)
		}
		for first := true; ; first = false {
			var changed <-chan struct{}
			var more bool
			if changed, more, err = l.look(ctx, first); err != nil {
				yield(memory.LogRecord{}, err)
				return
			}
			if !more {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			case <-time.After(followEvery): // a repair puts another log in the place of this one
			}
		}
	}
}

// following is one reading of the log. Between two looks it holds nothing, so that the store can be
// closed and its index replaced meanwhile.
type following struct {
	s        *Store
	r        memory.LogRequest
	yield    func(memory.LogRecord, error) bool
	from, to wal.Seq
}

// look yields what is there, and tells whether more may come, and when.
func (l *following) look(ctx context.Context, first bool) (
	changed <-chan struct{}, more bool, err error) {
	e, done, err := l.s.hold()
	if err != nil {
		return nil, false, err
	}
	defer done()
	if first {
		if err := checkKind(ctx, e.Log, l.r.Kind); err != nil {
			return nil, false, err
		}
		if l.from, l.to, err = logRange(e.Log, l.r); err != nil {
			return nil, false, err
		}
		if l.to != 0 && l.from > l.to {
			return nil, false, nil
		}
	}
	changed = e.Log.Changed()
	head := e.Log.Head().Seq
	end := head
	if l.to != 0 {
		end = min(l.to, head)
	}
	if !yieldRecords(ctx, e.Log, l.r, l.from, end, l.yield) {
		return nil, false, nil
	}
	l.from = max(l.from, end+1)
	return changed, l.r.Follow && (l.to == 0 || head < l.to), nil
}

// kinds are the kinds of events a record can show: those of package event, facts about the log
// itself, and events that cannot be read.
var kinds = []string{
	string(event.KindStored), string(event.KindUpdated), string(event.KindReverted),
	string(event.KindDeleted), string(event.KindRestored), string(event.KindRetracted),
	string(event.KindRepeated), string(event.KindUnrepeated), string(event.KindLinked),
	string(event.KindUnlinked), string(event.KindUndone), string(event.KindDigested),
	string(event.KindEmbedded), kindCreated, kindForked, kindLossAccepted, kindClockCorrected,
	kindDestroyed, kindMalformed,
}

// What stands for events that are none of package event.
const (
	kindCreated        = "created"
	kindForked         = "forked"
	kindLossAccepted   = "loss_accepted"
	kindClockCorrected = "clock_corrected"
	kindDestroyed      = "destroyed"
	kindMalformed      = "malformed"
)

// checkKind refuses a kind that is neither known nor one that a newer version wrote in this log.
func checkKind(ctx context.Context, log *wal.Log, kind string) error {
	if kind == "" || slices.Contains(kinds, kind) {
		return nil
	}
	for rec, err := range log.Records(log.First(), 0) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && hasKind(logRecord(rec), kind) {
			return nil
		}
	}
	return memory.Invalid("kind", "%.40q is no kind of event", kind).
		WithHint("the kinds are %s", strings.Join(kinds, ", "))
}

func hasKind(rec memory.LogRecord, kind string) bool {
	return slices.ContainsFunc(rec.Events, func(e memory.LogEvent) bool { return e.Kind == kind })
}

// logRange turns a request's bounds into sequence numbers; to 0 is open.
func logRange(log *wal.Log, r memory.LogRequest) (from, to wal.Seq, err error) {
	from, to = max(wal.Seq(r.From), log.First(), 1), wal.Seq(r.To)
	if r.From != 0 && r.To != 0 && r.From > r.To {
		return 0, 0, memory.Invalid("to", "record %d is before record %d", r.To, r.From).
			WithHint("give the smaller number first")
	}
	if !r.Since.IsZero() {
		before, err := log.SeqAt(r.Since.Add(-time.Microsecond))
		if err != nil {
			return 0, 0, logError(err)
		}
		from = max(from, before+1)
	}
	if !r.Until.IsZero() && !(r.Follow && r.Until.After(time.Now())) {
		last, err := log.SeqAt(r.Until)
		if err != nil {
			return 0, 0, logError(err)
		}
		if last == 0 {
			return 1, 0, beforeLog(session{log: log}, memory.Moment{Time: r.Until})
		}
		if to == 0 || last < to {
			to = last
		}
	}
	return from, to, nil
}

// yieldRecords hands the records from..to over; false where the caller has had enough.
func yieldRecords(ctx context.Context, log *wal.Log, r memory.LogRequest, from, to wal.Seq,
	yield func(memory.LogRecord, error) bool) bool {
	if from > to {
		return true
	}
	for rec, err := range log.Records(from, to) {
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			if !yield(memory.LogRecord{}, logError(err)) {
				return false
			}
			continue
		}
		if r.Session != "" && rec.Provenance.Session != r.Session {
			continue
		}
		out := logRecord(rec)
		if r.Kind != "" && !hasKind(out, r.Kind) {
			continue
		}
		if !yield(out, nil) {
			return false
		}
	}
	return true
}

// logRecord is a record as people read it.
func logRecord(rec wal.Record) memory.LogRecord {
	p := rec.Provenance
	out := memory.LogRecord{
		Seq: memory.Seq(rec.Seq), Time: rec.Time, Wall: rec.Wall, Epoch: rec.Epoch,
		Hash: rec.Hash.String(), RequestID: rec.RequestID, Group: rec.GroupID,
		Events: []memory.LogEvent{}, Client: p.Client, ClientVer: p.ClientVersion,
		Session: p.Session, Project: p.Project, User: p.User, Host: p.Host, Reason: p.Reason,
		Lost: rec.Lost,
	}
	if ev, ok := logMark(rec.Mark); ok {
		out.Events = append(out.Events, ev)
	}
	for _, raw := range rec.Events {
		out.Events = append(out.Events, logEvent(raw))
	}
	return out
}

// logMark shows a fact about the log itself as an event.
func logMark(m *wal.Mark) (memory.LogEvent, bool) {
	switch {
	case m == nil:
	case m.Created != nil:
		return memory.LogEvent{Kind: kindCreated, Fields: map[string]any{
			"log_id": event.ID(m.Created.LogID), "format": m.Created.Format}}, true
	case m.Forked != nil:
		return memory.LogEvent{Kind: kindForked, Fields: map[string]any{
			"from": event.ID(m.Forked.From), "seq": m.Forked.Position.Seq,
			"hash": m.Forked.Position.Hash.String(), "log_id": event.ID(m.Forked.LogID)}}, true
	case m.LossAccepted != nil:
		return memory.LogEvent{Kind: kindLossAccepted, Fields: map[string]any{
			"from": m.LossAccepted.From, "to": m.LossAccepted.To}}, true
	case m.ClockCorrected != nil:
		return memory.LogEvent{Kind: kindClockCorrected, Fields: map[string]any{
			"from": m.ClockCorrected.From}}, true
	}
	return memory.LogEvent{}, false
}

// logEvent shows one encoded event; nil bytes are one that was destroyed.
func logEvent(raw []byte) memory.LogEvent {
	if raw == nil {
		return memory.LogEvent{Kind: kindDestroyed, Destroyed: true}
	}
	env, err := event.Decode(raw)
	if err != nil {
		return memory.LogEvent{Kind: kindMalformed, Raw: raw}
	}
	out := memory.LogEvent{Kind: string(env.Event.Kind()), Fields: eventFields(env.Event)}
	if _, ok := env.Event.(event.Unknown); ok {
		out.Raw = raw
	}
	return out
}

// eventFields names what an event says.
func eventFields(ev event.Event) map[string]any {
	if m, ok := memoryOf(ev); ok {
		return memoryFields(m)
	}
	switch ev := ev.(type) {
	case event.Deleted:
		return some("id", ev.ID, "superseded_by", ev.SupersededBy)
	case event.Retracted:
		return some("id", ev.ID)
	case event.Repeated:
		return some("id", ev.ID, "occurrence", ev.Occurrence.ID, "created_at", ev.Occurrence.CreatedAt,
			"metadata", jsonOrNil(ev.Occurrence.Metadata), "tags", ev.Tags)
	case event.Unrepeated:
		return some("id", ev.ID, "occurrence", ev.Occurrence, "tags", ev.Tags)
	case event.Linked:
		return some("from", ev.Link.From, "to", ev.Link.To, "type", ev.Link.Type)
	case event.Unlinked:
		return some("from", ev.Link.From, "to", ev.Link.To, "type", ev.Link.Type)
	case event.Undone:
		return some("seqs", ev.Seqs, "redone", ev.Redone)
	case event.Digested:
		return some("seq", ev.Seq, "digest", hex.EncodeToString(ev.Digest), "version", ev.Version)
	case event.Embedded:
		return some("id", ev.ID, "version", ev.Version, "model", ev.Model)
	}
	return nil
}

func memoryFields(m event.Memory) map[string]any {
	return some("id", m.ID, "version", m.Version, "content", m.Content, "type", m.Type,
		"project", m.Project, "tags", m.Tags, "metadata", jsonOrNil(m.Metadata),
		"created_at", m.CreatedAt, "updated_at", m.UpdatedAt, "aliases", m.Aliases,
		"superseded_by", m.SupersededBy)
}

func jsonOrNil(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return json.RawMessage(b)
}

// some builds a map of the values that are not empty.
func some(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case nil:
		case string:
			if v != "" {
				out[pairs[i].(string)] = v
			}
		case []string:
			if len(v) > 0 {
				out[pairs[i].(string)] = v
			}
		case []uint64:
			if len(v) > 0 {
				out[pairs[i].(string)] = v
			}
		case event.ID:
			if !v.IsZero() {
				out[pairs[i].(string)] = v
			}
		case time.Time:
			if !v.IsZero() {
				out[pairs[i].(string)] = v
			}
		default:
			out[pairs[i].(string)] = v
		}
	}
	return out
}
