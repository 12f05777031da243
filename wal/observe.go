package wal

import (
	"errors"
	"time"
)

// Events are told of the writing, for those who count. Each may be nil. They must return quickly
// and must not use the log: Synced runs on the writer's goroutine, Waited on that of the caller of
// Append, several at the same time.
type Events struct {
	// Waited is told how long an append stood in the writer's queue until its turn came. With busy
	// it never came: the queue was full, or the caller's time was up.
	Waited func(wait time.Duration, busy bool)
	// Synced is told of each batch that became durable: its records, the bytes of their frames, and
	// how long writing and syncing them took.
	Synced func(records, bytes int, took time.Duration)
}

// waited reports the end of a wait. A log that is closed or takes no writes has no queue.
func (e *Events) waited(d time.Duration, err error) {
	if busy := errors.Is(err, ErrBusy); e.Waited != nil && (err == nil || busy) {
		e.Waited(d, busy)
	}
}

func (e *Events) synced(records, bytes int, took time.Duration) {
	if e.Synced != nil {
		e.Synced(records, bytes, took)
	}
}
