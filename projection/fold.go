package projection

import (
	"errors"
	"fmt"
	"iter"

	"memlog/index"
	"memlog/index/vector"
	"memlog/wal"
	"memlog/wal/event"
)

// Kinds of anomalies: events that could not be applied as they were meant. They are counted in
// the index and shown by verify; none stops a replay.
const (
	AnomalyMalformed  = "malformed"  // bytes that are no event, or a known kind's wrong fields
	AnomalyIncomplete = "incomplete" // an event about a memory that no record here made
	AnomalyExists     = "exists"     // stored, repeated or linked what is there already
	AnomalyAbsent     = "absent"     // takes away, or adds to, what is not there
	AnomalyDigest     = "digest"     // a noted state digest is not the one of this replay
	AnomalyReference  = "reference"  // names a record that is not before it
	AnomalyUnknown    = "unknown"    // a kind of a newer version that must not be ignored
	AnomalyVector     = "vector"     // a vector that cannot be used: its encoding, model or bytes
	maxAnomalyDetail  = 200          // bytes kept
)

// fold applies one record.
type fold struct {
	b   *index.Batch
	v   *index.View // over b: sees what this record did so far
	seq uint64
	rec *wal.Record

	of      *version // what the event says of a memory; nil: nothing whole
	changes bool     // an event changed a memory
	undo    bool     // the record marks others as undone
}

func (f *fold) record(events iter.Seq[prepared]) error {
	if !f.rec.Lost {
		if err := f.ledger(); err != nil {
			return err
		}
		n := 0
		for e := range events {
			if err := f.prepared(e, n); err != nil {
				return fmt.Errorf("event %d: %w", n, err)
			}
			n++
		}
		if f.changes && !f.undo {
			c := index.Command{
				Seq: f.seq, Session: f.rec.Provenance.Session, Group: f.rec.GroupID,
			}
			if err := f.b.PutCommand(c); err != nil {
				return err
			}
		}
	}
	return f.b.SetCheckpoint(f.checkpoint())
}

// prepared applies event n of the record.
func (f *fold) prepared(e prepared, n int) error {
	switch {
	case e.err != nil:
		return f.anomaly(AnomalyMalformed, "event %d: %v", n, e.err)
	case e.event == nil:
		return nil // destroyed by a purge, as it should be
	}
	f.of = e.version
	return f.event(e.event)
}

// ledger notes the record's request and group.
func (f *fold) ledger() error {
	if f.rec.RequestID != "" {
		if err := f.b.PutRequest(f.rec.RequestID, f.seq); err != nil {
			return err
		}
	}
	if f.rec.GroupID != "" {
		return f.b.PutGroup(f.rec.GroupID, f.seq)
	}
	return nil
}

// checkpoint carries the log's id on from record 1.
func (f *fold) checkpoint() index.Checkpoint {
	c := index.Checkpoint{
		Seq: f.seq, Hash: f.rec.Hash, LogID: f.b.Checkpoint().LogID, Time: f.rec.Time.UnixMicro(),
	}
	if m := f.rec.Mark; m != nil && m.Created != nil {
		c.LogID = m.Created.LogID
	} else if m != nil && m.Forked != nil {
		c.LogID = m.Forked.LogID
	}
	return c
}

func (f *fold) anomaly(kind, format string, args ...any) error {
	detail := fmt.Sprintf(format, args...)
	if len(detail) > maxAnomalyDetail {
		detail = detail[:maxAnomalyDetail]
	}
	return f.b.AddAnomaly(index.Anomaly{Seq: f.seq, Kind: kind, Detail: detail})
}

func (f *fold) event(e event.Event) error {
	switch e := e.(type) {
	case event.Undone:
		f.undo = true
		return f.undone(e)
	case event.Digested:
		return f.digested(e)
	case event.Embedded:
		return f.embedded(e)
	case event.Unknown:
		return f.unknown(e)
	}
	f.changes = true
	switch e := e.(type) {
	case event.Stored:
		return f.version(e.Memory, true)
	case event.Updated, event.Reverted, event.Restored:
		m, _ := memoryOf(e)
		return f.version(m, false)
	case event.Deleted:
		return f.deleted(e)
	case event.Retracted:
		return f.retracted(e)
	case event.Repeated:
		return f.repeated(e)
	case event.Unrepeated:
		return f.unrepeated(e)
	case event.Linked:
		return f.linked(e.Link)
	case event.Unlinked:
		return f.unlinked(e.Link)
	}
	return f.anomaly(AnomalyUnknown, "%s: not known to the projection", e.Kind())
}

func (f *fold) undone(e event.Undone) error {
	mark := func(seqs []uint64, undone bool) error {
		for _, s := range seqs {
			if s == 0 || s >= f.seq {
				if err := f.anomaly(AnomalyReference, "undone: record %d", s); err != nil {
					return err
				}
				continue
			}
			if err := f.b.MarkUndone(s, f.seq, undone); err != nil {
				return err
			}
		}
		return nil
	}
	if err := mark(e.Seqs, true); err != nil {
		return err
	}
	return mark(e.Redone, false)
}

// digested compares what was noted with what this replay came to.
func (f *fold) digested(e event.Digested) error {
	if e.Version != StateDigestVersion {
		return nil // another definition: nothing to compare with
	}
	if e.Seq >= f.seq || len(e.Digest) != len(wal.Hash{}) {
		return f.anomaly(AnomalyReference, "digested: record %d, %d bytes", e.Seq, len(e.Digest))
	}
	have, err := f.b.At(e.Seq).StateDigest()
	if err != nil {
		return err
	}
	if have != [32]byte(e.Digest) {
		return f.anomaly(AnomalyDigest, "state at record %d: noted %x, replay gives %x",
			e.Seq, e.Digest, have)
	}
	return nil
}

func (f *fold) unknown(e event.Unknown) error {
	if e.Ignorable {
		return nil
	}
	reason := fmt.Sprintf("record %d holds an event of kind %.40q, which this version of memlog "+
		"does not know and must not ignore: use a newer memlog", f.seq, string(e.Name))
	if err := f.b.SetReadOnlyReason(reason); err != nil {
		return err
	}
	return f.anomaly(AnomalyUnknown, "kind %.40q", string(e.Name))
}

// embedded adds a vector. One that cannot be used costs nothing but itself.
func (f *fold) embedded(e event.Embedded) error {
	if e.Encoding != vector.Encoding1 {
		return f.anomaly(AnomalyVector, "embedded: encoding %d of memory %s", e.Encoding, e.ID)
	}
	if err := vector.Validate(e.Vector); err != nil {
		return f.anomaly(AnomalyVector, "embedded: memory %s: %v", e.ID, err)
	}
	if e.Model == "" || len(e.Model) > index.MaxModel {
		return f.anomaly(AnomalyVector, "embedded: memory %s: model of %d bytes", e.ID, len(e.Model))
	}
	seen, err := f.v.Seen(index.ID(e.ID))
	if err != nil {
		return err
	}
	if !seen {
		return f.anomaly(AnomalyIncomplete, "embedded: unknown memory %s", e.ID)
	}
	added, err := f.b.PutVector(index.NewVector{
		ID: index.ID(e.ID), Version: e.Version, Seq: f.seq, Model: e.Model, Encoded: e.Vector,
	})
	switch {
	case errors.Is(err, index.ErrSpaces):
		return f.anomaly(AnomalyVector, "embedded: memory %s: %v", e.ID, err)
	case err == nil && !added:
		return f.anomaly(AnomalyExists, "embedded: version %d of memory %s", e.Version, e.ID)
	}
	return err
}
