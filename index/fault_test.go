package index

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A disk that takes no more writes: pebble would retry for ever and stall the writer; the
// generation says broken, once, and closes.
func TestFullDiskBreaksTheGeneration(t *testing.T) {
	mem := vfs.NewMem()
	var full atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite &&
			strings.HasSuffix(op.Path, ".sst") {
			time.Sleep(20 * time.Millisecond) // let the writer run into the stall
			return errors.New("no space left on device")
		}
		return nil
	}))
	calls := atomic.Int32{}
	d, err := Open("index", Options{
		FS: fs, MemTableBytes: 16 << 10, OnBroken: func(error) { calls.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, d, 10, 5)
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	for seq := uint64(11); ; seq++ {
		b, err := d.NewBatch()
		if err == nil {
			madeRecord(t, b, seq)
			err = b.Commit()
		}
		if errors.Is(err, ErrBroken) {
			break
		}
		if err != nil || seq > 100_000 {
			t.Fatalf("record %d on a full disk: %v, want broken", seq, err)
		}
	}
	if _, err := d.View(); !errors.Is(err, ErrBroken) {
		t.Errorf("view: %v, want broken", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("told %d times that it is broken", n)
	}
	// What was given up still tries, and must not be in the way of the next one.
	d, err = Open("index", Options{FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, d)
	if d.Checkpoint().Seq < 10 {
		t.Errorf("opened at %d, was flushed at 10", d.Checkpoint().Seq)
	}
}

// What pebble calls fatal parks the goroutine and breaks the generation, not the process.
func TestFatalIsNotTheEnd(t *testing.T) {
	d := open(t, MemFS())
	fill(t, d, 5, 5)
	var returned atomic.Bool
	go func() { // as pebble's background work does, with nobody to recover
		d.fuse.Fatalf("manifest %s", "lost")
		returned.Store(true)
	}()
	<-d.fuse.broken
	err := d.Broken()
	if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "manifest lost") {
		t.Fatalf("error %v, want broken with its cause", err)
	}
	if _, err := d.NewBatch(); !errors.Is(err, ErrBroken) {
		t.Fatalf("batch: %v, want broken", err)
	}
	if err := d.Flush(); !errors.Is(err, ErrBroken) {
		t.Fatalf("flush: %v, want broken", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if returned.Load() {
		t.Fatal("fatal returned to pebble, which does not expect it")
	}
}

func TestClosed(t *testing.T) {
	d := open(t, MemFS())
	fill(t, d, 5, 5)
	done(t, d, d)
	if _, err := d.View(); !errors.Is(err, ErrClosed) {
		t.Errorf("view: %v", err)
	}
	if _, err := d.NewBatch(); !errors.Is(err, ErrClosed) {
		t.Errorf("batch: %v", err)
	}
	if err := d.Flush(); !errors.Is(err, ErrClosed) {
		t.Errorf("flush: %v", err)
	}
}

// One record larger than the memtable goes through like any other.
func TestHugeRecord(t *testing.T) {
	fs := MemFS()
	d, err := Open("index", Options{FS: fs, MemTableBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("many words in a long text ", 40_000)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		b.PutImage(NewImage{ID: ID{1}, Seq: 1, Text: big, Payload: []byte(big)}),
		b.SetCheckpoint(madeCheckpoint(1)), b.Commit()); err != nil {
		t.Fatal(err)
	}
	want := digest(t, d)
	done(t, d)
	d = open(t, fs)
	defer done(t, d)
	if got := digest(t, d); got != want {
		t.Fatalf("digest %s, want %s", got, want)
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
}
