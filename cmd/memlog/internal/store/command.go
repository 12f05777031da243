package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/projection"
	"memlog/wal"
	"memlog/wal/event"
)

// command is one request on its way into the log.
type command struct {
	name    string // of the request, part of its fingerprint
	request any    // without its Origin; nil where the request id is not the caller's
	origin  memory.Origin
	group   string
	// decide returns the events of the command, decided on what v shows; none means that there is
	// nothing to do. It runs on the log's writer, possibly more than once, and must not block.
	decide func(v *index.View) ([]event.Event, error)
	// encode writes what was decided; nil is the function of that name.
	encode func(events []event.Event, print []byte) ([][]byte, error)
}

// outcome is the record a command made, or found made by an earlier attempt.
type outcome struct {
	seq     memory.Seq // 0: there was nothing to do
	events  []event.Event
	repeats bool
}

// seenError ends a decision on a request id that stands in the log already.
type seenError struct{ seq uint64 }

func (e *seenError) Error() string { return fmt.Sprintf("request is record %d", e.seq) }

// run brings a command into the log. On return it is durable and visible, or nothing was changed.
func (s *Store) run(ctx context.Context, c command) (outcome, error) {
	out, err := s.append(ctx, c)
	if err == nil && !out.repeats && out.seq != 0 {
		s.noteDigest(ctx, out.seq)
	}
	return out, err
}

// append is run without the bookkeeping.
func (s *Store) append(ctx context.Context, c command) (outcome, error) {
	prov, err := cleanOrigin(c.origin)
	if err != nil {
		return outcome{}, err
	}
	e, done, err := s.hold()
	if err != nil {
		return outcome{}, err
	}
	defer done()
	print, err := c.fingerprint()
	if err != nil {
		return outcome{}, err
	}
	if c.encode == nil {
		c.encode = encode
	}
	entry := wal.Entry{RequestID: c.origin.RequestID, GroupID: c.group, Provenance: prov}
	if entry.RequestID == "" {
		entry.RequestID = event.NewID().String()
	}
	var events []event.Event
	rec, err := e.Append(ctx, func(p *projection.Projector) (wal.Entry, error) {
		if p == nil {
			return wal.Entry{}, unfollowed(e.Log)
		}
		v := p.View()
		if err := admit(v, entry.RequestID); err != nil {
			return wal.Entry{}, err
		}
		var err error
		if events, err = c.decide(v); err != nil || len(events) == 0 {
			return wal.Entry{}, err
		}
		entry.Events, err = c.encode(events, print)
		return entry, err
	})
	var seen *seenError
	switch {
	case errors.As(err, &seen):
		return replayed(ctx, e.Log, seen.seq, entry.RequestID, print)
	case err != nil:
		return outcome{}, logError(err)
	}
	return outcome{seq: memory.Seq(rec.Seq), events: events}, nil
}

// unfollowed says why there is no projection that commands could be decided on.
func unfollowed(log *wal.Log) error {
	if why := log.Health().ReadOnly; why != "" {
		return fmt.Errorf("%w: %s", wal.ErrReadOnly, why)
	}
	return fmt.Errorf("%w: the index does not follow the log", wal.ErrReadOnly)
}

// admit refuses what may not be decided: requests seen before, and writes to a log that holds what
// this version does not understand.
func admit(v *index.View, request string) error {
	seq, ok, err := v.Request(request)
	if err != nil {
		return err
	}
	if ok {
		return &seenError{seq}
	}
	why, err := v.ReadOnlyReason()
	if err == nil && why != "" {
		err = memory.Errorf(memory.CodeFailed, "store is read-only for this version: %s", why).
			WithHint("use a newer memlog; reads go on")
	}
	return err
}

// replayed answers a request from the record that it made the first time. That may have been only
// staged, and failed; its number is another request's then.
func replayed(ctx context.Context, log *wal.Log, seq uint64, id string, print []byte) (
	outcome, error) {
	for log.Head().Seq < wal.Seq(seq) { // it may be staged beside us and not yet durable
		changed := log.Changed()
		if log.Head().Seq >= wal.Seq(seq) {
			break
		}
		wait, cancel := context.WithTimeout(ctx, time.Second)
		select {
		case <-changed:
		case <-wait.Done():
		}
		err := wait.Err()
		cancel()
		if err != nil {
			return outcome{}, memory.Errorf(memory.CodeBusy, "the same request is still on its way")
		}
	}
	rec, err := log.Read(wal.Seq(seq))
	if err != nil {
		return outcome{}, logError(err)
	}
	if rec.RequestID != id {
		return outcome{}, memory.Errorf(memory.CodeBusy, "the first attempt of this request failed").
			WithHint("nothing was written; try again")
	}
	out := outcome{seq: memory.Seq(seq), repeats: true}
	var first []byte
	for i, raw := range rec.Events {
		env, err := event.Decode(raw)
		if err != nil {
			continue // destroyed by a purge, or of another version
		}
		if i == 0 {
			first = env.Request
		}
		out.events = append(out.events, env.Event)
	}
	if len(first) > 0 && string(first) != string(print) {
		e := memory.Errorf(
			memory.CodeConflict,
			"request id was used for another request, in record %d",
			seq,
		)
		e.Arg = "request_id"
		return outcome{}, e.WithHint(
			"make a fresh id for every command; send the same one only to try the same command again",
		)
	}
	return out, nil
}

// fingerprint tells one request from another under the same request id. It is taken only where the
// caller chose the id.
func (c command) fingerprint() ([]byte, error) {
	if c.origin.RequestID == "" {
		return nil, nil
	}
	b, err := json.Marshal(c.request)
	if err != nil {
		return nil, fmt.Errorf("fingerprint %s request: %w", c.name, err)
	}
	sum := sha256.Sum256(append([]byte(c.name+"\x00"), b...))
	return sum[:], nil
}

// encode writes events as the log takes them, with the request's fingerprint in the first.
func encode(events []event.Event, print []byte) ([][]byte, error) {
	out := make([][]byte, len(events))
	for i, ev := range events {
		env := event.Envelope{Event: ev}
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

// decodeAll reads the events of a record that can be read.
func decodeAll(rec wal.Record) []event.Event {
	var out []event.Event
	for _, raw := range rec.Events {
		if env, err := event.Decode(raw); err == nil {
			out = append(out, env.Event)
		}
	}
	return out
}
