package daemon

import (
	"context"
	"log/slog"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// The defaults of [Options].
const (
	DefaultIdle          = 10 * time.Minute // an owner nobody is connected to leaves after this
	DefaultDeadline      = 30 * time.Second // how long a call waits for an owner
	DefaultDrain         = 10 * time.Second // how long an owner that leaves waits for its calls
	DefaultHandoverEvery = time.Minute      // an owner younger than this hands over to nobody
)

// minAnswer is how long an owner that is there may take to answer, however short the deadline.
const minAnswer = 500 * time.Millisecond

// ReadingFor is how long a store that was opened for reading is used before it is tried again to
// own it.
const ReadingFor = time.Minute

// SpawnWait is how long a starting process is waited for before this one tries to own the store.
const SpawnWait = 2 * time.Second

// Options say how processes of one store find each other. Store and Open are needed; all else may
// be zero.
type Options struct {
	// Store is the directory of the store. It need not exist.
	Store string
	// Open opens the store and takes its kernel lock. It must not wait for the lock: where another
	// process has it, Open fails with CodeBusy, naming that process, and is called again later.
	Open func(context.Context) (memory.Service, error)
	// OpenReading opens a store that may not be written, for reading, without its lock. It is used
	// where Open fails for want of permission or on a read-only disk; the store is served to nobody
	// else then, and given up after ReadingFor, in case it can be written by then. Nil: the error of
	// Open stands.
	OpenReading func(context.Context) (memory.Service, error)
	// Spawn starts a process that calls [Own] on the same store, and returns nil when that listens,
	// has left because there is an owner, or has not said anything for SpawnWait; see [Detached]. It
	// returns an error where no process can be started or it failed. Nil, and an error: the store is
	// owned by this process.
	Spawn func() error

	Client  rpc.ClientOptions // who calls, for the owner's list
	Version string            // of this program; a newer one takes over from an older owner
	Format  int               // of stores this program writes, for others to see

	Idle          time.Duration // 0: DefaultIdle
	Deadline      time.Duration // 0: DefaultDeadline; negative: try once
	Drain         time.Duration // 0: DefaultDrain
	HandoverEvery time.Duration // 0: DefaultHandoverEvery
	Logger        *slog.Logger  // nil: discard
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		at  *time.Duration
		def time.Duration
	}{
		{&o.Idle, DefaultIdle}, {&o.Deadline, DefaultDeadline}, {&o.Drain, DefaultDrain},
		{&o.HandoverEvery, DefaultHandoverEvery},
	} {
		if *d.at == 0 {
			*d.at = d.def
		}
	}
	o.Deadline = max(o.Deadline, 0)
	return o
}
