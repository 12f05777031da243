package memorytest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

func itoa(n int) string { return strconv.Itoa(n) }

// records reads the log.
func (s *suite) records(r memory.LogRequest) []memory.LogRecord {
	s.Helper()
	var out []memory.LogRecord
	for rec, err := range s.svc.Log(s.ctx, r) {
		if err != nil {
			s.Fatalf("log %+v: %v", r, err)
		}
		out = append(out, rec)
	}
	return out
}

func testLog(s *suite) {
	id := s.add("one")
	s.update(id, "two")
	s.del(id)
	recs := s.records(memory.LogRequest{})
	var kinds []string
	for i, r := range recs {
		if r.Seq != memory.Seq(i+1) || r.Hash == "" || r.Time.IsZero() || r.Wall.IsZero() ||
			r.Epoch == 0 {
			s.Fatalf("%+v", r)
		}
		if i > 0 && !r.Time.After(recs[i-1].Time) {
			s.Fatalf("time stands still at record %d", r.Seq)
		}
		kinds = append(kinds, r.Events[0].Kind)
	}
	if !slices.Equal(kinds, []string{"created", "stored", "updated", "deleted"}) {
		s.Fatalf("%v", kinds)
	}
}

func testLogFilters(s *suite) {
	a, _ := s.addIn("s1", "a")
	s.addIn("s2", "b")
	s.update(a, "c")
	at := func(seq memory.Seq) time.Time { return s.recorded(seq) }
	for want, r := range map[string]memory.LogRequest{
		"2 3":   {Kind: "stored"},
		"2":     {Session: "s1"},
		"3 4":   {From: 3},
		"1 2":   {To: 2},
		"2 3 ":  {From: 2, To: 3},
		"3 4 ":  {Since: at(3)},
		"1 2 3": {Until: at(3)},
		"3":     {Since: at(3), Until: at(3)},
		"3  ":   {Kind: "stored", Session: "s2"},
		"":      {Kind: "deleted"},
		" ":     {From: 100},
	} {
		got, wanted := "", ""
		for _, rec := range s.records(r) {
			got += itoa(int(rec.Seq)) + " "
		}
		for f := range strings.FieldsSeq(want) {
			wanted += f + " "
		}
		if got != wanted {
			s.Fatalf("%+v yields %q, want %q", r, got, wanted)
		}
	}
	for _, err := range s.svc.Log(s.ctx, memory.LogRequest{From: 4, To: 2}) {
		s.refused("an end before the start", err, memory.CodeInvalid, "to")
	}
	for range s.svc.Log(s.ctx, memory.LogRequest{}) {
		break // a caller that has had enough harms nobody
	}
	s.add("after the break")
}

func testLogFollow(s *suite) {
	s.add("there before")
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	seqs, ended := make(chan memory.Seq), make(chan error, 1)
	go follow(ctx, s.svc, seqs, ended)
	next := func(want memory.Seq) {
		s.Helper()
		select {
		case got := <-seqs:
			if got != want {
				s.Fatalf("followed to %d, want %d", got, want)
			}
		case err := <-ended:
			s.Fatalf("following ended at %d: %v", want, err)
		case <-s.ctx.Done():
			s.Fatalf("no record %d", want)
		}
	}
	next(1)
	next(2)
	for i := range 3 {
		s.add("new " + itoa(i))
		next(memory.Seq(3 + i))
	}
	cancel()
	if err := <-ended; err != nil && ctx.Err() == nil {
		s.Fatal(err)
	}
}

// follow hands the numbers of a followed log over until ctx ends.
func follow(ctx context.Context, svc memory.Service, seqs chan<- memory.Seq, ended chan<- error) {
	for rec, err := range svc.Log(ctx, memory.LogRequest{Follow: true}) {
		if err != nil {
			ended <- err
			return
		}
		select {
		case seqs <- rec.Seq:
		case <-ctx.Done():
		}
	}
	ended <- nil
}

func testReplay(s *suite) {
	id := s.add("one")
	gone := s.add("to go")
	then, state := s.head(), s.state()
	s.update(id, "two")
	s.del(gone)
	s.add("new")
	res := must[memory.ReplayResult](s)(s.svc.Replay(s.ctx,
		memory.ReplayRequest{Until: memory.Moment{Seq: then}, Diff: true}))
	if res.Digest != state || res.Memories != 2 || res.UntilSeq != then ||
		res.Records != uint64(then) ||
		!res.Time.Equal(s.recorded(then)) {
		s.Fatalf("%+v, state %s", res, state)
	}
	if len(res.Added) != 1 || res.Added[0].Content != "new" || len(res.Removed) != 1 ||
		res.Removed[0].ID.String() != gone || len(res.Changed) != 1 ||
		res.Changed[0].Content != "two" || res.Changed[0].Before != "one" {
		s.Fatalf("%+v", res)
	}
	now := must[memory.ReplayResult](s)(s.svc.Replay(s.ctx, memory.ReplayRequest{Diff: true}))
	if now.Digest != s.state() || len(now.Added)+len(now.Removed)+len(now.Changed) != 0 {
		s.Fatalf("%+v", now)
	}
	s.store(memory.NewMemory{Content: "of old", CreatedAt: day(1)})
	created := must[memory.ReplayResult](s)(s.svc.Replay(s.ctx, memory.ReplayRequest{
		Until: memory.Moment{Time: day(2)}, Clock: memory.ClockCreated}))
	if created.Memories != 1 || created.Clock != memory.ClockCreated || len(created.Notes) == 0 {
		s.Fatalf("%+v", created)
	}
	_, err := s.svc.Replay(s.ctx, memory.ReplayRequest{Until: memory.Moment{Time: day(2)},
		Clock: memory.ClockCreated, Into: filepath.Join(s.TempDir(), "x")})
	s.refused("into by the created clock", err, memory.CodeInvalid, "into")
	_, err = s.svc.Replay(s.ctx, memory.ReplayRequest{Clock: memory.ClockCreated})
	s.refused("created until when", err, memory.CodeInvalid, "until")
}

func testReplayInto(s *suite) {
	s.add("one")
	then, state := s.head(), s.state()
	s.add("two")
	into := filepath.Join(s.TempDir(), "as-it-was")
	res := must[memory.ReplayResult](s)(s.svc.Replay(s.ctx,
		memory.ReplayRequest{Until: memory.Moment{Seq: then}, Into: into}))
	if res.Into != into || res.Digest != state {
		s.Fatalf("%+v", res)
	}
	if entries, err := os.ReadDir(into); err != nil || len(entries) == 0 {
		s.Fatalf("%v %v", entries, err)
	}
	_, err := s.svc.Replay(s.ctx, memory.ReplayRequest{Into: into})
	s.refused("into what is there", err, memory.CodeInvalid, "into")
}

func testMoments(s *suite) {
	s.del(s.add("one"))
	s.add("two")
	m := must[memory.Moments](s)(s.svc.Moments(s.ctx))
	records, stored, deleted := 0, 0, 0
	for _, d := range m.Days {
		records, stored, deleted = records+d.Records, stored+d.Stored, deleted+d.Deleted
	}
	if records != int(s.head()) || stored != 2 || deleted != 1 || m.Snapshots == nil ||
		m.Archives == nil {
		s.Fatalf("%+v", m)
	}
}
