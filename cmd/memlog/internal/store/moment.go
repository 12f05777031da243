package store

import (
	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal"
)

// resolve turns a moment into the last record it includes. The zero moment is the index's present.
func resolve(e session, m memory.Moment) (memory.Resolved, error) {
	head := memory.Seq(e.db.Checkpoint().Seq)
	switch {
	case m.IsNow():
		return memory.Resolved{Seq: head}, nil
	case m.Seq != 0 && !m.Time.IsZero():
		return memory.Resolved{}, memory.Invalid("as_of", "give a time or a sequence number, not both").
			WithHint("memlog log shows both of each record")
	case m.Seq > head:
		return memory.Resolved{}, memory.Invalid("as_of", "the log ends at record %d", head).
			WithHint("give a sequence number from 1 to %d, or a time", head)
	case m.Seq != 0:
		r := memory.Resolved{Seq: m.Seq}
		if t, err := e.log.TimeOf(wal.Seq(m.Seq)); err == nil {
			r.Time = t
		}
		return r, nil
	}
	seq, err := e.log.SeqAt(m.Time)
	if err != nil {
		return memory.Resolved{}, logError(err)
	}
	if seq == 0 {
		return memory.Resolved{}, beforeLog(e, m)
	}
	return memory.Resolved{Seq: min(memory.Seq(seq), head), Time: m.Time}, nil
}

// beforeLog says that the log begins after the moment that was asked for.
func beforeLog(e session, m memory.Moment) error {
	first, err := e.log.Read(e.log.First())
	if err != nil {
		return memory.Errorf(memory.CodeNotFound, "the log has no record at or before %s",
			m.Time.Format(timeText))
	}
	return memory.Errorf(memory.CodeNotFound, "the log begins at %s, after %s",
		first.Time.In(m.Time.Location()).Format(timeText), m.Time.Format(timeText)).
		WithHint("this asks the clock of the log (recorded); to ask for when things happened " +
			"(created), filter with since and until")
}

// timeText is how messages write a moment.
const timeText = "2006-01-02 15:04:05.999999 MST"

// view opens the index as of m. The resolution is nil where m is now.
func view(e session, m memory.Moment) (*index.View, *memory.Resolved, error) {
	if m.IsNow() {
		v, err := e.db.View()
		return v, nil, err
	}
	r, err := resolve(e, m)
	if err != nil {
		return nil, nil, err
	}
	v, err := e.db.At(uint64(r.Seq))
	return v, &r, err
}
