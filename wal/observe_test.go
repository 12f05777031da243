package wal

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// TestEvents has one append hold the writer while others wait, give up and are turned away.
func TestEvents(t *testing.T) {
	var mu sync.Mutex
	var waits []time.Duration
	busy, synced := 0, 0
	l, err := Open(t.Context(), t.TempDir(), Options{Events: Events{
		Waited: func(wait time.Duration, b bool) {
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, wait)
			if b {
				busy++
			}
		},
		Synced: func(records, bytes int, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if bytes <= 0 || took <= 0 {
				t.Errorf("synced %d records, %d bytes in %v", records, bytes, took)
			}
			synced += records
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	entry := func() (Entry, error) { return Entry{Events: [][]byte{{1}}}, nil }
	held, free := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := l.Append(t.Context(), func() (Entry, error) {
			close(held)
			<-free
			return entry()
		}); err != nil {
			t.Error(err)
		}
	})
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := l.Append(ctx, entry); !errors.Is(err, ErrBusy) {
		t.Errorf("gave up with %v", err)
	}
	all.Go(func() {
		if _, err := l.Append(t.Context(), entry); err != nil {
			t.Error(err)
		}
	})
	for l.Waiting() < 2 { // the one that gave up stands there too, until its turn
		time.Sleep(time.Millisecond)
	}
	close(free)
	all.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), entry); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed log: %v", err)
	}
	long := 0
	for _, w := range waits {
		if w >= 30*time.Millisecond {
			long++
		}
	}
	// Created is a mark of the log's own, for which nobody waits.
	if len(waits) != 3 || busy != 1 || long < 1 || synced < 2 {
		t.Errorf("waits %v, %d busy; %d records synced", waits, busy, synced)
	}
}
