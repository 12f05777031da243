package metrics

import (
	"slices"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// Recorder counts. Make one with [New].
type Recorder struct {
	now func() time.Time

	mu sync.Mutex
	// mu guards:
	since    time.Time // counting began
	total    tally
	hours    []hour // ascending, at most memory.MaxMetricsHours
	verified *memory.LastVerify
	changes  uint64 // how often something was counted

	saving sync.Mutex // held by Save
	saved  uint64     // saving guards: changes as of the last file
}

// hour is what was counted in an hour of the clock.
type hour struct {
	start time.Time // UTC
	tally
}

// New returns a recorder that has counted nothing; now is the clock that hours are told by.
func New(now func() time.Time) *Recorder {
	return &Recorder{now: now, since: now().UTC(), total: newTally()}
}

// Operation counts a call of a method that took so long and ended with err, which may be nil.
func (r *Recorder) Operation(name string, took time.Duration, err error) {
	code := memory.CodeOf(err)
	r.count(func(t *tally) {
		op := t.operation(name)
		op.took.add(took)
		if code != "" {
			op.errors[code]++
		}
	})
}

// Waited counts a command's wait for the log's writer; with busy its turn never came.
func (r *Recorder) Waited(wait time.Duration, busy bool) {
	r.count(func(t *tally) {
		t.wait.add(wait)
		if busy {
			t.busy++
		}
	})
}

// Synced counts a batch of records that became durable.
func (r *Recorder) Synced(records, bytes int, took time.Duration) {
	r.count(func(t *tally) {
		t.sync.add(took)
		t.records += uint64(records)
		t.bytes += uint64(bytes)
		t.maxBatch = max(t.maxBatch, uint64(records))
	})
}

// Verified keeps what a verify found.
func (r *Recorder) Verified(v memory.LastVerify) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verified = &v
	r.changes++
}

// count lets add count in the totals and in the present hour.
func (r *Recorder) count(add func(*tally)) {
	start := r.now().UTC().Truncate(time.Hour)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes++
	add(&r.total)
	add(&r.hourLocked(start).tally)
}

// hourLocked returns the hour that begins at start. A clock that was set back finds the hour again.
func (r *Recorder) hourLocked(start time.Time) *hour {
	i := len(r.hours)
	for i > 0 && r.hours[i-1].start.After(start) {
		i--
	}
	if i > 0 && r.hours[i-1].start.Equal(start) {
		return &r.hours[i-1]
	}
	if len(r.hours) >= memory.MaxMetricsHours {
		if i == 0 {
			return &r.hours[0] // too far back: the oldest takes it
		}
		r.hours = slices.Delete(r.hours, 0, 1)
		i--
	}
	r.hours = slices.Insert(r.hours, i, hour{start: start, tally: newTally()})
	return &r.hours[i]
}

// Report is what a recorder has counted.
type Report struct {
	Total, Window memory.Counters
	LastVerify    *memory.LastVerify
}

// Report returns the totals, and the counters of a window of so many hours, as
// [memory.MetricsRequest] has it.
func (r *Recorder) Report(hours int) Report {
	now := r.now().UTC()
	from := now.Truncate(time.Hour).Add(-time.Duration(hours) * time.Hour)
	r.mu.Lock()
	defer r.mu.Unlock()
	window := newTally()
	for i := range r.hours {
		if h := &r.hours[i]; !h.start.Before(from) {
			window.merge(&h.tally)
		}
	}
	out := Report{Total: r.total.counters(), Window: window.counters()}
	out.Total.Since, out.Total.Until = r.since, now
	out.Window.Since, out.Window.Until = from, now
	if r.since.After(from) {
		out.Window.Since = r.since
	}
	if r.verified != nil {
		v := *r.verified
		out.LastVerify = &v
	}
	return out
}

// Clear forgets counters, as [memory.ClearMetricsRequest] has it.
func (r *Recorder) Clear(q memory.ClearMetricsRequest) memory.ClearMetricsResult {
	now := r.now().UTC()
	out := memory.ClearMetricsResult{Before: now.Add(-q.OlderThan), DryRun: q.DryRun,
		Totals: q.OlderThan == 0}
	r.mu.Lock()
	defer r.mu.Unlock()
	var left []hour
	for _, h := range r.hours {
		if out.Totals || !h.start.Add(time.Hour).After(out.Before) {
			out.Hours++
			out.Calls += h.calls()
			continue
		}
		left = append(left, h)
	}
	out.HoursLeft = len(left)
	if out.Totals {
		out.Calls = r.total.calls()
	}
	if q.DryRun {
		return out
	}
	r.hours = left
	r.changes++
	if out.Totals {
		r.total, r.since = newTally(), now
	}
	return out
}
