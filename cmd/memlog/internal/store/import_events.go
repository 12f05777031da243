package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/wal"
	"memlog/wal/event"
)

// record appends one record of another log under its origin. Its request id there becomes
// (log id, number), so that it is taken once however often it is imported. Its time is told in the
// reason; sequence number and recorded time are this log's own.
func (in *importing) record(ctx context.Context, item transfer.Item) error {
	r := item.Record
	if r.LogID == in.logID {
		return in.ownRecord(item)
	}
	envs, err := portable(r)
	if err != nil {
		in.reject(item.Line, err)
		return nil
	}
	if len(envs) == 0 { // a fact about the other log itself, or bookkeeping of it
		in.passed++
		return nil
	}
	events := make([]event.Event, len(envs))
	for i, e := range envs {
		events[i] = e.Event
	}
	origin := memory.Origin{RequestID: fmt.Sprintf("%s:%d", r.LogID, r.Seq), Client: r.Client,
		ClientVersion: r.ClientVer, Session: r.Session, Project: r.Project, User: r.User, Host: r.Host,
		Reason: r.Reason}
	if origin.Reason == "" {
		origin.Reason = "recorded " + r.Time.Format(timeText)
	}
	c := command{
		name: "import record", request: r.Hash, origin: origin, group: in.r.Group,
		encode: func(_ []event.Event, print []byte) ([][]byte, error) { return encodeAll(envs, print) },
	}
	out, err := in.takeRecord(ctx, c, r.LogID, events)
	switch {
	case memory.CodeOf(err) == memory.CodeInvalid || memory.CodeOf(err) == memory.CodeConflict:
		in.reject(item.Line, err)
		return nil
	case err != nil:
		return err
	case out.repeats:
		in.res.Present++
		return nil
	}
	in.res.Imported++
	in.res.Seq = max(in.res.Seq, out.seq)
	return nil
}

// ownRecord counts a record of this very log as present, if it is. One that the log does not have
// (it was given up in a repair, or the store is an older copy) is not appended again behind what
// came after it.
func (in *importing) ownRecord(item transfer.Item) error {
	e, done, err := in.s.hold()
	if err != nil {
		return err
	}
	defer done()
	r := item.Record
	rec, err := e.Log.Read(wal.Seq(r.Seq))
	missing := errors.Is(err, wal.ErrNotFound) ||
		err == nil && (rec.Lost || r.Hash != "" && r.Hash != rec.Hash.String())
	if missing {
		in.reject(item.Line, fmt.Errorf("this log does not hold its record %d as the file has it: it "+
			"was lost, or this is another copy of the store; import an export of memories instead", r.Seq))
		return nil
	}
	in.res.Present++
	return nil
}

// portable decodes the events of a foreign record that mean something here: marks of undo and
// digests speak of the other log's numbers and are left out.
func portable(r *transfer.RecordLine) ([]event.Envelope, error) {
	var out []event.Envelope
	for _, e := range r.Events {
		if e.Destroyed {
			continue
		}
		env, err := event.Decode(e.Raw)
		if err != nil {
			return nil, err
		}
		switch ev := env.Event.(type) {
		case event.Undone, event.Digested:
			continue
		case event.Unknown:
			if !ev.Ignorable {
				return nil, fmt.Errorf("an event of kind %q, which this version does not know and may not "+
					"skip; use a newer memlog", string(ev.Name))
			}
		}
		out = append(out, env)
	}
	return out, nil
}

// encodeAll writes envelopes with all that a newer version put in them, under a new fingerprint.
func encodeAll(envs []event.Envelope, print []byte) ([][]byte, error) {
	out := make([][]byte, len(envs))
	for i, env := range envs {
		env.Request = nil
		if i == 0 {
			env.Request = print
		}
		b, err := event.Encode(env)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

// markJSON writes a fact about the log itself.
func markJSON(m *wal.Mark) (json.RawMessage, error) {
	ev, ok := logMark(m)
	if !ok {
		return nil, nil
	}
	return json.Marshal(map[string]any{ev.Kind: ev.Fields})
}
