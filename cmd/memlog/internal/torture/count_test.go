package torture

import (
	"strings"
	"testing"

	"memlog/cmd/memlog/internal/memory"
)

// rec is a record of one event that says which operation it is of.
func rec(seq memory.Seq, request, kind, op string) memory.LogRecord {
	return memory.LogRecord{Seq: seq, RequestID: request, Events: []memory.LogEvent{
		{Kind: kind, Fields: map[string]any{"metadata": map[string]any{"op": op}}}}}
}

// TestTally holds logs against what was acknowledged: a store as "s", a raise that was refused once
// as "u0" and acknowledged as "u1", and a store without an answer as "x".
func TestTally(t *testing.T) {
	s, u, x := rec(2, "s", "stored", "a"), rec(3, "u1", "updated", "b"), rec(4, "x", "stored", "c")
	for name, c := range map[string]struct {
		log                   []memory.LogRecord
		lost, doubled, errors int
		says                  string
	}{
		"right":                  {log: []memory.LogRecord{s, u, x}},
		"not answered, not done": {log: []memory.LogRecord{s, u}},
		"lost":                   {log: []memory.LogRecord{u, x}, lost: 1, says: "request s was acknowledged"},
		"empty":                  {lost: 2},
		"same request twice": {log: []memory.LogRecord{s, u, rec(4, "s", "repeated", "a")}, doubled: 1,
			says: "request s is in records 2 and 4"},
		"same operation twice": {log: []memory.LogRecord{s, u, rec(4, "u0", "updated", "b")}, doubled: 1,
			says: "b: done in record 3, and again in record 4"},
		"under another request": {log: []memory.LogRecord{s, u, rec(4, "other", "updated", "b")},
			doubled: 1},
		"of nobody": {log: []memory.LogRecord{s, u, rec(4, "other", "stored", "z")}, doubled: 1,
			says: "which nobody sent"},
		"refused and done": {log: []memory.LogRecord{s, u, rec(4, "u0", "updated", "b0")}, errors: 1,
			says: `holds "b0", not "b"`},
		"another place": {log: []memory.LogRecord{rec(5, "s", "stored", "a"), u}, errors: 1,
			says: "acknowledged as record 2 and is record 5"},
		"another content": {log: []memory.LogRecord{rec(2, "s", "stored", "q"), u}, errors: 1},
	} {
		l := newLedger()
		for request, op := range map[string]string{"s": "a", "u0": "b", "u1": "b", "x": "c"} {
			l.issue(request, op)
		}
		l.ack("s", "a", "id", 2, 1)
		l.ack("u1", "b", "", 3, 1)
		l.refuse("u0")
		tally := newTally(&l)
		for _, r := range c.log {
			tally.record(r)
		}
		tally.end()
		said := strings.Join(tally.said, "\n")
		if tally.lost != c.lost || tally.doubled != c.doubled || tally.errors != c.errors ||
			!strings.Contains(said, c.says) {
			t.Errorf("%s: %d lost, %d doubled, %d errors; want %d, %d, %d (%s)\n%s", name,
				tally.lost, tally.doubled, tally.errors, c.lost, c.doubled, c.errors, c.says, said)
		}
	}
}

// TestRefusedAndDone is a raise that was answered with a conflict, and done all the same.
func TestRefusedAndDone(t *testing.T) {
	l := newLedger()
	l.issue("u0", "b")
	l.refuse("u0")
	tally := newTally(&l)
	tally.record(rec(2, "u0", "updated", "b"))
	if tally.errors != 1 || tally.raises != 1 {
		t.Errorf("%d errors, %d raises: %v", tally.errors, tally.raises, tally.said)
	}
}

// TestLimits refuses what no run can be.
func TestLimits(t *testing.T) {
	good := Options{Clients: 1, Ops: 2, KillEvery: 1e9}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for arg, spoil := range map[string]func(*Options){
		"--clients":    func(o *Options) { o.Clients = MaxClients + 1 },
		"--ops":        func(o *Options) { o.Ops = 1 },
		"--kill-every": func(o *Options) { o.KillEvery = 1 },
	} {
		o := good
		spoil(&o)
		if err := o.check(); err == nil || !strings.Contains(err.Error(), arg) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}
