package store

import (
	"context"
	"os"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/metrics"
	"memlog/wal"
)

// counted counts a call when it ends: defer s.counted("search", time.Now(), &err).
func (s *Store) counted(name string, begin time.Time, err *error) {
	s.metrics.Operation(name, time.Since(begin), *err)
}

// Metrics returns what is measured. Who is connected is not known here: Clients is empty.
func (s *Store) Metrics(_ context.Context, r memory.MetricsRequest) (
	_ memory.MetricsResult, err error) {
	defer s.counted("metrics", time.Now(), &err)
	switch {
	case r.Hours < 0 || r.Hours > memory.MaxMetricsHours:
		return memory.MetricsResult{}, memory.Invalid("hours", "%d is not from 1 to %d", r.Hours,
			memory.MaxMetricsHours).WithHint("what is older is in the totals alone")
	case r.Hours == 0:
		r.Hours = memory.DefaultMetricsHours
	}
	e, done, err := s.use()
	if err != nil {
		return memory.MetricsResult{}, err
	}
	defer done()
	rep := s.metrics.Report(r.Hours)
	out := memory.MetricsResult{
		Store: s.dir, Clients: []memory.ClientInfo{}, Notes: s.metrics.oddities(),
		Owner: memory.OwnerInfo{PID: os.Getpid(), Version: s.o.Version, Since: s.since.UTC(),
			Uptime: s.o.Now().Sub(s.since).Seconds(), ResidentBytes: metrics.Resident()},
		Waiting: e.log.Waiting(), Watermark: memory.Seq(e.db.Checkpoint().Seq),
		Seq: memory.Seq(e.log.Head().Seq), FreeBytes: int64(e.log.Health().FreeBytes),
		LastVerify: rep.LastVerify, Bounds: metrics.Bounds(), Total: rep.Total, Window: rep.Window,
	}
	if out.Seq > out.Watermark { // read after it, so what was stored meanwhile may seem to lag
		out.Lag = uint64(out.Seq - out.Watermark)
	}
	return out, s.measureSizes(e, &out)
}

// measureSizes fills in how much the store holds.
func (s *Store) measureSizes(e session, out *memory.MetricsResult) error {
	v, err := e.db.View()
	if err != nil {
		return err
	}
	defer v.Close()
	stats, err := v.Stats()
	if err != nil {
		return err
	}
	out.Memories = int(stats.Live)
	if out.LogBytes, out.ArchiveBytes, err = s.logBytes(e.log); err != nil {
		return err
	}
	out.IndexBytes, err = e.db.Bytes()
	return err
}

// logBytes measures the log's files: those in its directory, and those in the archive.
func (s *Store) logBytes(log *wal.Log) (live, archived int64, err error) {
	for _, seg := range log.Segments() {
		if seg.State != wal.Archived {
			live += seg.Bytes
		}
	}
	all, err := wal.ArchiveList(s.dir)
	for _, a := range all {
		archived += a.StoredBytes
	}
	return live, archived, logError(err)
}

// ClearMetrics forgets counters.
func (s *Store) ClearMetrics(_ context.Context, r memory.ClearMetricsRequest) (
	_ memory.ClearMetricsResult, err error) {
	if r.OlderThan < 0 {
		return memory.ClearMetricsResult{}, memory.Invalid("older_than", "%s is negative",
			r.OlderThan).WithHint("give an age, as 24h; 0 forgets all")
	}
	_, done, err := s.hold()
	if err != nil {
		return memory.ClearMetricsResult{}, err
	}
	done()
	return s.clearCounters(r)
}
