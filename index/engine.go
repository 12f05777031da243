package index

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// fuse is what a generation's troubles run into. Once blown, every call fails with its error.
type fuse struct {
	log      *slog.Logger
	onBroken func(error)
	broken   chan struct{} // closed when blown

	mu       sync.Mutex
	err      error // mu guards
	failures int   // mu guards: background errors in a row
	fatal    bool  // mu guards: pebble asked to end the process; its locks may be held for ever
}

func newFuse(o Options) *fuse {
	return &fuse{log: o.Logger, onBroken: o.OnBroken, broken: make(chan struct{})}
}

// blow makes the generation broken, for the first cause given.
func (f *fuse) blow(cause error) error {
	f.mu.Lock()
	first := f.err == nil
	if first {
		f.err = fmt.Errorf("%w: %w", ErrBroken, cause)
		close(f.broken)
	}
	err := f.err
	f.mu.Unlock()
	if first {
		f.log.Error("index generation is broken", "cause", cause)
		if f.onBroken != nil {
			f.onBroken(err)
		}
	}
	return err
}

// check passes an error of pebble on; damage blows the fuse.
func (f *fuse) check(err error) error {
	if err != nil && (pebble.IsCorruptionError(err) || errors.Is(err, errValue)) {
		return f.blow(err)
	}
	return err
}

func (f *fuse) state() (err error, fatal bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err, f.fatal
}

// background counts errors of flushes and compactions, which pebble retries without end.
func (f *fuse) background(err error) {
	if pebble.IsCorruptionError(err) {
		f.blow(err)
		return
	}
	f.mu.Lock()
	f.failures++
	n := f.failures
	f.mu.Unlock()
	if n >= MaxBackgroundErrors {
		f.blow(fmt.Errorf("background work failed %d times: %w", n, err))
	}
}

func (f *fuse) flushed() {
	f.mu.Lock()
	f.failures = 0
	f.mu.Unlock()
}

// Infof is pebble's Logger; its chatter goes to debug.
func (f *fuse) Infof(format string, args ...any) {
	f.log.Debug(fmt.Sprintf(format, args...))
}

// Errorf is pebble's Logger.
func (f *fuse) Errorf(format string, args ...any) {
	f.log.Warn(fmt.Sprintf(format, args...))
}

// Fatalf is pebble's Logger. It must not return, and must not end the process: an index can be
// made again. So the goroutine that called it stays here for ever with whatever locks it holds,
// and everybody else is told by the fuse.
func (f *fuse) Fatalf(format string, args ...any) {
	f.mu.Lock()
	f.fatal = true
	f.mu.Unlock()
	f.blow(newFatalError(format, args))
	select {}
}

// fatalError is what pebble gave up with. It keeps the errors that pebble only printed, so that a
// full disk can be told from damage.
type fatalError struct {
	text   string
	causes []error
}

func newFatalError(format string, args []any) *fatalError {
	e := &fatalError{text: fmt.Sprintf(format, args...)}
	for _, a := range args {
		if cause, ok := a.(error); ok {
			e.causes = append(e.causes, cause)
		}
	}
	return e
}

// Error is the text as pebble printed it.
func (e *fatalError) Error() string { return e.text }

// Unwrap returns the errors in it.
func (e *fatalError) Unwrap() []error { return e.causes }

// guard runs work that may end in Fatalf, and returns when it ends or the fuse blows.
func (f *fuse) guard(work func() error) error {
	if err, _ := f.state(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go f.run(work, done)
	select {
	case err := <-done:
		return f.check(err)
	case <-f.broken:
		err, _ := f.state()
		return err
	}
}

func (f *fuse) run(work func() error, done chan<- error) {
	defer func() {
		if p := recover(); p != nil {
			done <- f.blow(fmt.Errorf("panic: %v", p))
		}
	}()
	done <- work()
}

// maxMemTables: one is filled while another is written out.
const maxMemTables = 2

// pebbleOptions are the options every generation is opened with.
func pebbleOptions(o Options, f *fuse, g *gate, onFlush func()) *pebble.Options {
	// Pebble takes memtables out of its cache. With none left every lookup of what is not there reads
	// a bloom filter from the disk again. Who only reads has none.
	memTables := int64(maxMemTables * o.MemTableBytes)
	if o.ReadOnly {
		memTables = 0
	}
	p := &pebble.Options{
		FS:                          g,
		FormatMajorVersion:          pebble.FormatNewest,
		DisableWAL:                  true, // the log is the log
		ReadOnly:                    o.ReadOnly,
		CacheSize:                   o.CacheBytes + memTables,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: maxMemTables,
		L0CompactionThreshold:       8, // a command that writes once closes before most of them
		MaxOpenFiles:                256,
		Merger:                      appendMerger,
		Logger:                      f,
		EventListener: &pebble.EventListener{
			BackgroundError: f.background,
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				f.blow(fmt.Errorf("%s: %w", i.Path, i.Details))
			},
			FlushEnd: func(i pebble.FlushInfo) {
				if i.Err == nil {
					f.flushed()
					onFlush()
				}
			},
		},
	}
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		p.Levels[i].Compression = func() *sstable.CompressionProfile {
			return sstable.SnappyCompression
		}
	}
	return p
}
