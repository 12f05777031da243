package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/memory"
)

// at is a clock that a test moves.
type at struct{ time.Time }

func (a *at) now() time.Time { return a.Time }

// half past ten, in a zone whose hours are not those of UTC.
func halfPast() *at {
	return &at{time.Date(2025, 3, 12, 10, 30, 0, 0, time.FixedZone("", 5400))}
}

// TestQuantiles holds the quantiles of a histogram against those of all values: they may differ by
// the width of a bucket, which is at most a factor of 2.5.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var h histogram
		var all []time.Duration
		for range 1 + random.IntN(500) {
			d := time.Duration(math.Exp(random.Float64()*18)) * time.Microsecond
			h.add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		last := time.Duration(0)
		for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
			got := h.quantile(q)
			want := all[int(math.Ceil(q*float64(len(all))))-1]
			if got < last || got > h.max ||
				want > bounds[0] && (float64(got) > 2.5*float64(want) || 2.5*float64(got) < float64(want)) {
				t.Fatalf("q %v of %d: %v, want about %v", q, len(all), got, want)
			}
			last = got
		}
		if got := h.quantile(1); got != h.max || h.max != all[len(all)-1] {
			t.Fatalf("longest %v, %v, want %v", got, h.max, all[len(all)-1])
		}
	}
	if l := new(histogram).latency(); l.P99 != 0 || l.Average != 0 || len(l.Buckets) != len(bounds)+1 {
		t.Errorf("of nothing: %+v", l)
	}
}

// TestBuckets puts durations at the bounds into the buckets that say so.
func TestBuckets(t *testing.T) {
	var h histogram
	for _, d := range []time.Duration{-1, 0, bounds[0], bounds[0] + 1, bounds[1], time.Hour} {
		h.add(d)
	}
	var want [len(bounds) + 1]uint64
	want[0], want[1], want[len(bounds)] = 3, 2, 1
	if h.buckets != want || h.count != 6 || h.max != time.Hour {
		t.Errorf("%+v", h)
	}
}

func TestHours(t *testing.T) {
	clock := halfPast()
	r := New(clock.now)
	for range memory.MaxMetricsHours + 50 {
		clock.Time = clock.Add(time.Hour)
		r.Operation("get", time.Millisecond, nil)
		if len(r.hours) > memory.MaxMetricsHours {
			t.Fatalf("%d hours", len(r.hours))
		}
	}
	count := func(c memory.Counters) uint64 { return c.Operations[0].Latency.Count }
	for hours, want := range map[int]uint64{1: 2, 2: 3, memory.MaxMetricsHours: memory.MaxMetricsHours} {
		rep := r.Report(hours)
		if got := count(rep.Window); got != want {
			t.Errorf("window of %d hours: %d calls, want %d", hours, got, want)
		}
		if got := count(rep.Total); got != memory.MaxMetricsHours+50 {
			t.Errorf("total %d", got)
		}
		from := clock.UTC().Truncate(time.Hour).Add(-time.Duration(hours) * time.Hour)
		if !rep.Window.Since.Equal(from) || !rep.Window.Until.Equal(clock.Time) {
			t.Errorf("window from %v to %v", rep.Window.Since, rep.Window.Until)
		}
	}
}

// TestHourThatEnded is the hourly job: at the full hour it sees the hour before.
func TestHourThatEnded(t *testing.T) {
	clock := &at{time.Date(2025, 3, 12, 10, 0, 1, 0, time.UTC)}
	r := New(clock.now)
	r.Waited(time.Second, true)
	r.Waited(3*time.Second, false)
	clock.Time = clock.Add(time.Hour)
	q := r.Report(1).Window.Queue
	if q.TotalAcquisitions != 2 || q.FailedAcquisitions != 1 || q.AverageWait != 2 || q.MaxWait != 3 {
		t.Errorf("%+v", q)
	}
	clock.Time = clock.Add(time.Hour)
	if q := r.Report(1).Window.Queue; q.TotalAcquisitions != 0 {
		t.Errorf("an hour later: %+v", q)
	}
}

// TestClockSetBack counts on where the clock was, also before all hours when there are many.
func TestClockSetBack(t *testing.T) {
	clock := halfPast()
	r := New(clock.now)
	now := clock.Time
	for i := range memory.MaxMetricsHours {
		clock.Time = now.Add(time.Duration(i) * time.Hour)
		r.Operation("get", 1, nil)
	}
	for _, back := range []time.Duration{5 * time.Hour, -time.Hour, -1000 * time.Hour} {
		clock.Time = now.Add(back)
		r.Operation("get", 1, nil)
	}
	sorted := slices.IsSortedFunc(r.hours, func(a, b hour) int { return a.start.Compare(b.start) })
	if len(r.hours) != memory.MaxMetricsHours || !sorted || r.hours[5].calls() != 2 ||
		r.hours[0].calls() != 3 {
		t.Errorf("%d hours, sorted %v, %d and %d calls", len(r.hours), sorted, r.hours[5].calls(),
			r.hours[0].calls())
	}
}

func TestClear(t *testing.T) {
	clock := halfPast()
	r := New(clock.now)
	for range 5 {
		r.Operation("get", 1, nil)
		clock.Time = clock.Add(time.Hour)
	}
	r.Verified(memory.LastVerify{OK: true})
	before := r.Report(10)
	r.Clear(memory.ClearMetricsRequest{DryRun: true})
	if d := cmp.Diff(r.Report(10), before); d != "" {
		t.Errorf("a dry run did: %s", d)
	}
	got := r.Clear(memory.ClearMetricsRequest{OlderThan: 3 * time.Hour})
	want := memory.ClearMetricsResult{Hours: 2, HoursLeft: 3, Calls: 2,
		Before: clock.UTC().Add(-3 * time.Hour)}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("older than 3 hours (-got +want): %s", d)
	}
	if rep := r.Report(10); rep.Total.Operations[0].Latency.Count != 5 ||
		rep.Window.Operations[0].Latency.Count != 3 {
		t.Errorf("%+v", rep)
	}
	got = r.Clear(memory.ClearMetricsRequest{})
	if got.Hours != 3 || got.HoursLeft != 0 || got.Calls != 5 || !got.Totals {
		t.Errorf("all: %+v", got)
	}
	rep := r.Report(10)
	if len(rep.Total.Operations)+len(rep.Window.Operations) != 0 || rep.LastVerify == nil ||
		!rep.Total.Since.Equal(clock.Time) {
		t.Errorf("%+v", rep)
	}
}

func TestConcurrently(t *testing.T) {
	r := New(time.Now)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				r.Operation("get", 1, memory.Errorf(memory.CodeBusy, "x"))
				r.Waited(1, true)
				r.Synced(3, 10, 1)
				r.Report(1)
			}
		})
	}
	all.Wait()
	c := r.Report(1).Total
	if c.Operations[0].Failed() != 8000 || c.Queue.FailedAcquisitions != 8000 ||
		c.Syncs.Records != 24000 || c.Syncs.Bytes != 80000 || c.Syncs.MaxBatch != 3 ||
		c.Syncs.AverageBatch != 3 {
		t.Errorf("%+v", c)
	}
}

func BenchmarkOperation(b *testing.B) {
	r := New(time.Now)
	for b.Loop() {
		r.Operation("store", time.Millisecond, nil)
	}
}
