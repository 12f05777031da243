package wal

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
)

// TestBetweenBatches: the function waits for the command that is being decided, runs also where
// writes are refused, and does not run on a closed log.
func TestBetweenBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustOpen(t, quickDir(t), Options{disk: quickDisk()})
		ran, done := 0, make(chan error, 1)
		_, err := l.Append(context.Background(), func() (Entry, error) {
			go func() { done <- l.BetweenBatches(context.Background(), func() { ran++ }) }()
			synctest.Wait()
			if ran != 0 {
				t.Error("it ran while a command was being decided")
			}
			return entry("a")()
		})
		if err = errors.Join(err, <-done); err != nil || ran != 1 {
			t.Fatalf("ran %d times, %v", ran, err)
		}
		if err := os.Truncate(l.w.seg.file.path, l.w.seg.size+1); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(context.Background(), entry("b")); !errors.Is(err, ErrReadOnly) {
			t.Fatalf("append: got %v, want ErrReadOnly", err)
		}
		if err := l.BetweenBatches(context.Background(), func() { ran++ }); err != nil || ran != 2 {
			t.Errorf("where writes are refused: ran %d times, %v", ran, err)
		}
		l.Close()
		err = l.BetweenBatches(context.Background(), func() { ran++ })
		if !errors.Is(err, ErrClosed) || ran != 2 {
			t.Errorf("closed: ran %d times, %v", ran, err)
		}
	})
}
