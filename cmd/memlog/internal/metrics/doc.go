// Package metrics counts what a store does: calls and their errors by operation, how long they
// took, the waits in the writer's queue, the syncs of the log. A [Recorder] counts in memory; how a
// counter is shown is the contract's ([memory.MetricsResult]).
//
// # What is counted
//
// Everything is counted twice: in the totals, and in the hour of the clock that it ended in. Hours
// are at most [memory.MaxMetricsHours]; older ones are dropped, their share stays in the totals. A
// duration goes into one of a fixed row of buckets (1, 2, 5, 10, … from 10 µs to 100 s), so that
// counters of several processes add up and quantiles can be told without keeping every value.
//
// # Concurrency
//
// A Recorder may be used by any number of goroutines. It holds a mutex for some hundred nanoseconds
// an event, and for a millisecond at most while it copies itself for [Recorder.Save]; it does no
// input or output under it.
//
// # The file
//
// metrics.json in the store outlives the process. [Recorder.Load] adds what it holds to what was
// counted since; [Recorder.Save] replaces it by another, synced and renamed, so that it is whole at
// any moment. Only the holder of the store's lock writes it. It is one JSON object: version (1),
// since, total, hours (a tally each, and its start), last_verify; times in nanoseconds, histograms
// up to the last bucket that is not empty. A file that says what no recorder could have counted, of
// another version, or cut, is renamed to metrics.json.bad, and counting begins anew: no store is
// refused for its counters. A process that is killed loses what it counted since its last save, a
// minute's worth at most, and nothing else.
package metrics
