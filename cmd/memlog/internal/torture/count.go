package torture

import (
	"encoding/json"
	"fmt"

	"memlog/cmd/memlog/internal/memory"
)

// tally holds the records of a run against its ledger.
type tally struct {
	l       *ledger
	byID    map[string]memory.Seq // request id -> its record
	byOp    map[string]memory.Seq // operation -> its record
	records int
	raises  int // updates in the log
	lost    int
	doubled int
	errors  int
	said    []string
}

func newTally(l *ledger) *tally {
	return &tally{l: l, byID: map[string]memory.Seq{}, byOp: map[string]memory.Seq{}}
}

// record takes the next record of the log.
func (t *tally) record(rec memory.LogRecord) {
	t.records++
	name, raises := operation(rec)
	t.raises += raises
	op, known := t.l.issued[rec.RequestID]
	before, again := t.byID[rec.RequestID]
	other, twice := t.byOp[name]
	switch {
	case again:
		t.double("%s: request %s is in records %d and %d", op, rec.RequestID, before, rec.Seq)
	case twice:
		t.double("%s: done in record %d, and again in record %d as request %s", name, other, rec.Seq,
			rec.RequestID)
	case !known:
		t.double("record %d is of request %s, which nobody sent", rec.Seq, rec.RequestID)
	case name != op:
		t.wrong("record %d of request %s holds %q, not %q", rec.Seq, rec.RequestID, name, op)
	case t.l.refused[rec.RequestID]:
		t.wrong("%s: request %s was refused, and is in record %d", op, rec.RequestID, rec.Seq)
	}
	if !again {
		t.byID[rec.RequestID] = rec.Seq
	}
	t.byOp[name] = rec.Seq
}

// operation returns which operation a record says it is of, and how often it raised.
func operation(rec memory.LogRecord) (name string, raises int) {
	for _, e := range rec.Events {
		if e.Kind == "updated" {
			raises++
		}
		if b, err := json.Marshal(e.Fields["metadata"]); err == nil {
			name = opOf(b)
		}
	}
	return name, raises
}

// end looks for what was acknowledged and has not come.
func (t *tally) end() {
	for request, seq := range t.l.acked {
		switch at, there := t.byID[request]; {
		case !there:
			t.lose("%s: request %s was acknowledged as record %d and is not in the log",
				t.l.issued[request], request, seq)
		case at != seq:
			t.wrong("request %s was acknowledged as record %d and is record %d", request, seq, at)
		}
	}
}

func (t *tally) lose(format string, args ...any)   { t.say(&t.lost, format, args) }
func (t *tally) double(format string, args ...any) { t.say(&t.doubled, format, args) }
func (t *tally) wrong(format string, args ...any)  { t.say(&t.errors, format, args) }

// say counts a finding of a kind, and keeps the first few of each: many of one do not hide another.
func (t *tally) say(count *int, format string, args []any) {
	if *count++; *count <= maxFindings {
		t.said = append(t.said, fmt.Sprintf(format, args...))
	}
}
