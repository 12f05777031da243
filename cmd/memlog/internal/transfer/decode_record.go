package transfer

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// hashSize is the length of a chain hash in bytes.
const hashSize = 32

var recordTakers = takers[RecordLine]{
	"log_id": into(identifier, func(r *RecordLine) *event.ID { return &r.LogID }),
	"seq":    into(position, func(r *RecordLine) *event.Seq { return &r.Seq }),
	"time":   timeInto("time", func(r *RecordLine) *time.Time { return &r.Time }),
	"wall":   timeInto("wall", func(r *RecordLine) *time.Time { return &r.Wall }),
	"epoch":  into(number, func(r *RecordLine) *uint64 { return &r.Epoch }),
	"hash":   into(hash, func(r *RecordLine) *string { return &r.Hash }),
	"request_id": into(text,
		func(r *RecordLine) *string { return &r.RequestID }),
	"group":  into(text, func(r *RecordLine) *string { return &r.Group }),
	"client": into(text, func(r *RecordLine) *string { return &r.Client }),
	"client_version": into(text,
		func(r *RecordLine) *string { return &r.ClientVer }),
	"session": into(text, func(r *RecordLine) *string { return &r.Session }),
	"project": into(text, func(r *RecordLine) *string { return &r.Project }),
	"user":    into(text, func(r *RecordLine) *string { return &r.User }),
	"host":    into(text, func(r *RecordLine) *string { return &r.Host }),
	"reason":  into(text, func(r *RecordLine) *string { return &r.Reason }),
	"lost":    into(boolean, func(r *RecordLine) *bool { return &r.Lost }),
	"mark":    into(mark, func(r *RecordLine) *json.RawMessage { return &r.Mark }),
	"events":  takeEvents,
}

// isRecord tells the two sorts of lines apart: a record names its log, and says nothing itself.
func isRecord(raw []byte) (bool, error) {
	if !bytes.Contains(raw, []byte("log_id")) {
		return false, nil
	}
	var hasLog, hasContent bool
	err := eachField(raw, func(key string, _ []byte) error {
		hasLog = hasLog || key == "log_id"
		hasContent = hasContent || key == "content"
		return nil
	})
	return hasLog && !hasContent, err
}

// record reads a line of a record and checks what needs more than one field.
func (d *decoder) record(raw []byte) (*RecordLine, error) {
	var r RecordLine
	if err := take(d, raw, &r, recordTakers, ""); err != nil {
		return nil, err
	}
	switch {
	case r.LogID.IsZero():
		return nil, errors.New("log_id: missing")
	case r.Seq == 0:
		return nil, errors.New("seq: missing")
	case r.Lost && len(r.Events) > 0:
		return nil, errors.New("lost: a lost record has no events")
	case !r.Lost && r.Time.IsZero():
		return nil, errors.New("time: missing")
	case !r.Lost && r.Hash == "":
		return nil, errors.New("hash: missing")
	}
	return &r, nil
}

func position(raw []byte) (event.Seq, error) {
	n, err := number(raw)
	return event.Seq(n), err
}

func hash(raw []byte) (string, error) {
	s, err := text(raw)
	if err != nil {
		return "", err
	}
	if b, err := hex.DecodeString(s); err != nil || len(b) != hashSize {
		return "", fmt.Errorf("not %d hexadecimal digits", 2*hashSize)
	}
	return s, nil
}

func mark(raw []byte) (json.RawMessage, error) {
	if raw[0] != '{' {
		return nil, wrongType("an object", raw)
	}
	return compact(raw), nil
}

var eventTakers = takers[memory.LogEvent]{
	"kind":      into(text, func(e *memory.LogEvent) *string { return &e.Kind }),
	"destroyed": into(boolean, func(e *memory.LogEvent) *bool { return &e.Destroyed }),
	"raw":       into(binary, func(e *memory.LogEvent) *[]byte { return &e.Raw }),
	"fields": func(_ *decoder, _ *memory.LogEvent, raw []byte) error {
		if raw[0] != '{' {
			return wrongType("an object", raw)
		}
		return nil // Raw says the same, and is the truth
	},
}

func takeEvents(d *decoder, r *RecordLine, raw []byte) error {
	return eachElement(raw, func(_ int, v []byte) error {
		var e memory.LogEvent
		if err := take(d, v, &e, eventTakers, "events."); err != nil {
			return err
		}
		if err := checkEvent(e); err != nil {
			return err
		}
		r.Events = append(r.Events, e)
		return nil
	})
}

// checkEvent holds what a line says of an event against the event itself.
func checkEvent(e memory.LogEvent) error {
	if e.Destroyed {
		if len(e.Raw) > 0 {
			return errors.New("destroyed: but its encoding is there")
		}
		return nil
	}
	if len(e.Raw) == 0 {
		return errors.New("raw: missing; `memlog export --events` writes it, `memlog log` does not")
	}
	got, err := event.Decode(e.Raw)
	if err != nil {
		return fmt.Errorf("raw: %w", err)
	}
	if k := string(got.Event.Kind()); k != e.Kind {
		return fmt.Errorf("kind: %.40q, but raw is of kind %.40q", e.Kind, k)
	}
	return nil
}
