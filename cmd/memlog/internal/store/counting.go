package store

import (
	"fmt"
	"os"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/metrics"
	"memlog/wal"
)

// saveEvery is how often the counters are written down: what a process that is killed may lose.
const saveEvery = time.Minute

// minFreeForMetrics is the space below which counters are not written: the rest of the disk is the
// log's, for repair and shutdown.
const minFreeForMetrics = wal.MinFree + 1<<20

// counting counts for a store and writes the counters down. Nothing that goes wrong with them is a
// reason to refuse anything else.
type counting struct {
	*metrics.Recorder
	dir  *os.Root // of the store, also where it is moved; nil: the counters are not kept
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	notes []string // mu guards: about the file of earlier processes
	fault string   // mu guards: why the last writing failed; empty: it did not
}

// newCounting counts by a store's clock, and keeps nothing.
func newCounting(o Options) *counting {
	return &counting{Recorder: metrics.New(o.Now), stop: make(chan struct{})}
}

// events are what the log tells; of a counting that is nil, nothing.
func (c *counting) events() wal.Events {
	if c == nil {
		return wal.Events{}
	}
	return wal.Events{Waited: c.Waited, Synced: c.Synced}
}

// keepCounting adds what earlier processes counted, and writes all of it down from time to time.
func (s *Store) keepCounting() {
	c := s.metrics
	dir, err := os.OpenRoot(s.dir)
	if err == nil {
		c.dir = dir
		err = c.Load(dir)
	}
	if err != nil {
		s.o.Logger.Warn("counters", "dir", s.dir, "err", err)
		c.notes = append(c.notes, err.Error())
	}
	if c.dir != nil {
		c.done.Add(1)
		go s.saveNowAndThen()
	}
}

func (s *Store) saveNowAndThen() {
	defer s.metrics.done.Done()
	tick := time.NewTicker(s.o.saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.metrics.stop:
			return
		case <-tick.C:
			_ = s.saveCounters() // it is noted, and tried again
		}
	}
}

// saveCounters writes the counters down.
func (s *Store) saveCounters() error {
	c := s.metrics
	if c.dir == nil {
		return nil
	}
	err := s.roomForCounters()
	if err == nil {
		err = c.Save(c.dir)
	}
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if fault != "" && c.fault == "" { // once, and not every minute
		s.o.Logger.Warn("counters", "dir", s.dir, "err", err)
	}
	c.fault = fault
	return err
}

// roomForCounters fails where the disk has no space to spare.
func (s *Store) roomForCounters() error {
	e, done, err := s.hold()
	if err != nil {
		return err
	}
	defer done()
	if err := e.Log.Writable(); err != nil {
		return fmt.Errorf("write counters: %w", err)
	}
	if free := e.Log.Health().FreeBytes; free != 0 && free < minFreeForMetrics {
		return fmt.Errorf("write counters: the disk has %d bytes left", free)
	}
	return nil
}

// endCounting writes the counters down for the last time, while the store's lock is still held.
func (s *Store) endCounting() {
	c := s.metrics
	if c.dir == nil {
		return
	}
	close(c.stop)
	c.done.Wait()
	_ = s.saveCounters() // noted
	_ = c.dir.Close()    // nothing was written through it
}

// oddities says what went wrong with the counters.
func (c *counting) oddities() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := append([]string{}, c.notes...)
	if c.fault != "" {
		out = append(out, c.fault)
	}
	return out
}

// clearCounters forgets counters, here and in the file.
func (s *Store) clearCounters(r memory.ClearMetricsRequest) (
	memory.ClearMetricsResult, error) {
	out := s.metrics.Clear(r)
	if r.DryRun {
		return out, nil
	}
	if err := s.saveCounters(); err != nil {
		return out, memory.Errorf(memory.CodeFailed,
			"counters are forgotten here, but not in the store: %w", err).
			WithHint("free some space or check the rights of the directory, and try again")
	}
	return out, nil
}
