package memorytest

import (
	"slices"
	"sync"

	"memlog/cmd/memlog/internal/memory"
)

// metrics returns what is measured.
func (s *suite) metrics() memory.MetricsResult {
	s.Helper()
	return must[memory.MetricsResult](s)(s.svc.Metrics(s.ctx, memory.MetricsRequest{}))
}

// operation returns the counters of one method; zero where it was not called.
func operation(c memory.Counters, name string) memory.OperationCounters {
	for _, op := range c.Operations {
		if op.Name == name {
			return op
		}
	}
	return memory.OperationCounters{}
}

func testMetrics(s *suite) {
	var writers sync.WaitGroup
	for _, text := range []string{"a", "b", "c", "d"} {
		writers.Go(func() { s.add(text) })
	}
	writers.Wait()
	must[memory.SearchResult](s)(s.svc.Search(s.ctx, memory.SearchRequest{Query: "a"}))
	must[memory.VerifyResult](s)(s.svc.Verify(s.ctx, memory.VerifyRequest{By: "the suite"}))
	m := s.metrics()
	if m.Store == "" || m.Owner.PID == 0 || m.Owner.Since.IsZero() || m.Owner.Uptime <= 0 ||
		m.Owner.ResidentBytes <= 0 || m.Seq != s.head() || m.Watermark != m.Seq || m.Lag != 0 ||
		m.Memories != 4 || m.LogBytes == 0 || m.FreeBytes == 0 || m.Waiting != 0 ||
		m.Clients == nil || m.Notes == nil {
		s.Fatalf("%+v", m)
	}
	if v := m.LastVerify; v == nil || !v.OK || v.By != "the suite" || v.Problems != 0 || v.Deep ||
		v.Time.IsZero() {
		s.Fatalf("last verify %+v", v)
	}
	if !slices.IsSorted(m.Bounds) || len(m.Bounds) == 0 {
		s.Fatalf("bounds %v", m.Bounds)
	}
	for _, c := range []memory.Counters{m.Total, m.Window} {
		s.checkCounters(c, len(m.Bounds)+1)
	}
}

// checkCounters holds what testMetrics did against what was counted.
func (s *suite) checkCounters(c memory.Counters, buckets int) {
	s.Helper()
	q, y := c.Queue, c.Syncs
	if q.TotalAcquisitions != 4 || q.FailedAcquisitions != 0 || q.MaxWait < q.AverageWait ||
		q.AverageWait < 0 || q.Wait.Count != 4 {
		s.Fatalf("queue %+v", q)
	}
	if y.Records != 4 || y.Latency.Count < 1 || y.Latency.Count > 4 || y.Bytes == 0 ||
		y.AverageBatch != 4/float64(y.Latency.Count) || y.MaxBatch < 1 || y.MaxBatch > 4 {
		s.Fatalf("syncs %+v", y)
	}
	if c.Since.IsZero() || c.Until.Before(c.Since) {
		s.Fatalf("from %v to %v", c.Since, c.Until)
	}
	for name, want := range map[string]uint64{"store": 4, "search": 1, "verify": 1, "update": 0} {
		op := operation(c, name)
		l := op.Latency
		if l.Count != want || len(op.Errors) != 0 {
			s.Fatalf("%s: %+v, want %d calls", name, op, want)
		}
		if want == 0 {
			continue
		}
		if l.Max <= 0 || l.Average > l.Max || l.P50 > l.P95 || l.P95 > l.P99 || l.P99 > l.Max ||
			len(l.Buckets) != buckets || sum(l.Buckets) != want {
			s.Fatalf("%s: %+v", name, l)
		}
	}
}

func sum(ns []uint64) (n uint64) {
	for _, m := range ns {
		n += m
	}
	return n
}

func testMetricsErrors(s *suite) {
	const none = "0190a000-0000-7000-8000-000000000000"
	for range 2 {
		if _, err := s.svc.Get(s.ctx, memory.GetRequest{ID: none}); !is(err, memory.CodeNotFound) {
			s.Fatal(err)
		}
	}
	if _, err := s.svc.Store(s.ctx, memory.StoreRequest{}); !is(err, memory.CodeInvalid) {
		s.Fatal(err)
	}
	id := s.add("one")
	text, version := "two", uint64(9)
	if _, err := s.svc.Update(s.ctx, memory.UpdateRequest{ID: id, Content: &text,
		IfVersion: version}); !is(err, memory.CodeConflict) {
		s.Fatal(err)
	}
	c := s.metrics().Window
	for name, want := range map[string]memory.ErrorCount{
		"get":    {Code: memory.CodeNotFound, Count: 2},
		"store":  {Code: memory.CodeInvalid, Count: 1},
		"update": {Code: memory.CodeConflict, Count: 1},
	} {
		op := operation(c, name)
		if !slices.Equal(op.Errors, []memory.ErrorCount{want}) || op.Failed() != want.Count {
			s.Errorf("%s: %+v, want %v", name, op, want)
		}
	}
	if n := operation(c, "store").Latency.Count; n != 2 {
		s.Errorf("%d calls of store, want 2", n)
	}
	for _, hours := range []int{-1, memory.MaxMetricsHours + 1} {
		_, err := s.svc.Metrics(s.ctx, memory.MetricsRequest{Hours: hours})
		s.refused("hours", err, memory.CodeInvalid, "hours")
	}
}

func testClearMetrics(s *suite) {
	s.add("one")
	clear := func(r memory.ClearMetricsRequest) memory.ClearMetricsResult {
		return must[memory.ClearMetricsResult](s)(s.svc.ClearMetrics(s.ctx, r))
	}
	s.unmoved("clear", func() {
		r := clear(memory.ClearMetricsRequest{DryRun: true})
		if r.Hours < 1 || r.HoursLeft != 0 || r.Calls == 0 || !r.Totals || !r.DryRun {
			s.Errorf("dry run %+v", r)
		}
		if r := clear(memory.ClearMetricsRequest{OlderThan: 1}); r.HoursLeft < 1 || r.Totals {
			s.Errorf("older than an instant: %+v", r)
		}
		if n := operation(s.metrics().Total, "store").Latency.Count; n != 1 {
			s.Fatalf("%d stores before", n)
		}
		r = clear(memory.ClearMetricsRequest{})
		if m := s.metrics(); operation(m.Total, "store").Latency.Count != 0 ||
			m.Total.Queue.TotalAcquisitions != 0 || m.Window.Queue.TotalAcquisitions != 0 ||
			m.Total.Since.Before(r.Before) {
			s.Errorf("after %+v: %+v", r, m.Total)
		}
	})
	_, err := s.svc.ClearMetrics(s.ctx, memory.ClearMetricsRequest{OlderThan: -1})
	s.refused("older_than", err, memory.CodeInvalid, "older_than")
	s.add("two")
	s.get(s.add("one"))
}
