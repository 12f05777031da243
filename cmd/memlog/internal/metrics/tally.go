package metrics

import (
	"maps"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// tally is everything that is counted of one stretch of time.
type tally struct {
	ops      map[string]*operation
	wait     histogram
	busy     uint64 // of the waits, those that came to nothing
	sync     histogram
	records  uint64
	bytes    uint64
	maxBatch uint64
}

// operation is what is counted of one method.
type operation struct {
	took   histogram
	errors map[memory.Code]uint64
}

func newTally() tally { return tally{ops: map[string]*operation{}} }

// operation returns the counters of a method.
func (t *tally) operation(name string) *operation {
	op, ok := t.ops[name]
	if !ok {
		op = &operation{errors: map[memory.Code]uint64{}}
		t.ops[name] = op
	}
	return op
}

// merge adds what another tally counted.
func (t *tally) merge(o *tally) {
	for name, from := range o.ops {
		to := t.operation(name)
		to.took.merge(&from.took)
		for code, n := range from.errors {
			to.errors[code] += n
		}
	}
	t.wait.merge(&o.wait)
	t.busy += o.busy
	t.sync.merge(&o.sync)
	t.records += o.records
	t.bytes += o.bytes
	t.maxBatch = max(t.maxBatch, o.maxBatch)
}

// calls counts the calls of all methods.
func (t *tally) calls() uint64 {
	var n uint64
	for _, op := range t.ops {
		n += op.took.count
	}
	return n
}

// counters is the tally as callers see it, but for its times.
func (t *tally) counters() memory.Counters {
	wait, took := t.wait.latency(), t.sync.latency()
	out := memory.Counters{
		Queue: memory.QueueCounters{
			TotalAcquisitions: wait.Count, FailedAcquisitions: t.busy,
			AverageWait: wait.Average, MaxWait: wait.Max, Wait: wait,
		},
		Syncs: memory.SyncCounters{
			Latency: took, Records: t.records, Bytes: t.bytes, MaxBatch: t.maxBatch,
		},
		Operations: []memory.OperationCounters{},
	}
	if took.Count > 0 {
		out.Syncs.AverageBatch = float64(t.records) / float64(took.Count)
	}
	for _, name := range slices.SortedFunc(maps.Keys(t.ops), strings.Compare) {
		op := t.ops[name]
		c := memory.OperationCounters{Name: name, Latency: op.took.latency(),
			Errors: []memory.ErrorCount{}}
		for _, code := range slices.Sorted(maps.Keys(op.errors)) {
			c.Errors = append(c.Errors, memory.ErrorCount{Code: code, Count: op.errors[code]})
		}
		out.Operations = append(out.Operations, c)
	}
	return out
}
