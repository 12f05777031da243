package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

// holdChild opens the store and holds it until its input ends.
func holdChild(dir, _ string, say *teller) error {
	s, err := store.Open(context.Background(), dir, store.Options{Holder: "memlog hold"})
	if err != nil {
		return err
	}
	say.say("open")
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, s.Close())
}

// TestSecondProcess waits for a store that another process holds, is told who that is, and gets in
// when it is let go.
func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	holder := start(t, "hold", dir, "")
	holder.expect("open")
	for _, wait := range []time.Duration{-1, 50 * time.Millisecond} {
		s, err := store.Open(context.Background(), dir, store.Options{LockWait: wait})
		if err == nil {
			s.Close()
			t.Fatal("two processes hold one store")
		}
		var e *memory.Error
		if !errors.As(err, &e) || e.Code != memory.CodeBusy || e.Hint == "" {
			t.Fatalf("%v (code %q)", err, memory.CodeOf(err))
		}
		for _, part := range []string{strconv.Itoa(holder.cmd.Process.Pid), "memlog hold"} {
			if !strings.Contains(err.Error(), part) {
				t.Fatalf("%q does not name %s", err, part)
			}
		}
	}
	opened := make(chan error, 1)
	go func() {
		s, err := store.Open(context.Background(), dir, store.Options{LockWait: time.Minute})
		if err == nil {
			_, err = s.Store(context.Background(),
				memory.StoreRequest{Memories: []memory.NewMemory{{Content: "waited"}}})
			err = errors.Join(err, s.Close())
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(20 * time.Millisecond): // long enough to see one that does not wait at all
	}
	if err := holder.in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	holder.rest()
}

// TestSecondProcessCanceled ends the wait with the caller's context.
func TestSecondProcessCanceled(t *testing.T) {
	dir := t.TempDir()
	start(t, "hold", dir, "").expect("open")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := store.Open(ctx, dir, store.Options{LockWait: time.Hour})
	if memory.CodeOf(err) != memory.CodeBusy {
		t.Fatal(err)
	}
}

// hammerOpens is how often a hammering process opens the store; each time it stores hammerStores.
const (
	hammerers    = 3
	hammerOpens  = 12
	hammerStores = 3
)

// hammerChild opens the store again and again, each time for a few commands.
func hammerChild(dir, name string, say *teller) error {
	for i := range hammerOpens {
		s, err := store.Open(context.Background(), dir, store.Options{LockWait: time.Minute,
			Holder: "memlog " + name})
		if err != nil {
			return err
		}
		for j := range hammerStores {
			id := fmt.Sprintf("%s-%d-%d", name, i, j)
			res, err := s.Store(context.Background(), memory.StoreRequest{
				Memories: []memory.NewMemory{{Content: "the same from everybody " + strconv.Itoa(j)}},
				Origin:   memory.Origin{RequestID: id}})
			if err != nil {
				return errors.Join(err, s.Close())
			}
			say.say("ack %s %d", id, res.Seq)
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// TestNeverTwoWriters lets processes take turns at one store as fast as they can: the log is dense,
// holds each acknowledged command once, under the number it was told, and epochs never go back.
func TestNeverTwoWriters(t *testing.T) {
	dir := t.TempDir()
	var all []*child
	for i := range hammerers {
		all = append(all, start(t, "hammer", dir, "h"+strconv.Itoa(i)))
	}
	acked := map[string]memory.Seq{}
	for _, c := range all {
		for _, line := range c.rest() {
			var id string
			var seq memory.Seq
			if _, err := fmt.Sscanf(line, "ack %s %d", &id, &seq); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			acked[id] = seq
		}
		if !c.cmd.ProcessState.Success() {
			t.Fatalf("%v: %s", c.cmd.ProcessState, c.errs.String())
		}
	}
	if want := hammerers * hammerOpens * hammerStores; len(acked) != want {
		t.Fatalf("%d acknowledged, want %d", len(acked), want)
	}
	s := openStore(t, dir, store.Options{})
	var last memory.LogRecord
	for rec, err := range s.Log(context.Background(), memory.LogRequest{}) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Seq != last.Seq+1 || rec.Epoch < last.Epoch || !rec.Time.After(last.Time) {
			t.Fatalf("%+v behind %+v", rec, last)
		}
		last = rec
		if seq, ok := acked[rec.RequestID]; ok {
			if seq != rec.Seq {
				t.Fatalf("%s was told %d and is %d", rec.RequestID, seq, rec.Seq)
			}
			delete(acked, rec.RequestID)
		}
	}
	if len(acked) != 0 {
		t.Fatalf("not in the log: %v", acked)
	}
	verified(t, s)
}

// TestVerifyBeside verifies a store beside the process that holds it and has written to it: what
// its index has in memory only is no damage.
func TestVerifyBeside(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{})
	for _, text := range []string{"one", "two", "three"} {
		add(t, s, text)
	}
	for _, deep := range []bool{false, true} {
		v, err := store.Verify(t.Context(), dir, memory.VerifyRequest{Deep: deep})
		if err != nil || !v.OK {
			t.Errorf("deep %v: %+v %v", deep, v, err)
		}
	}
}
