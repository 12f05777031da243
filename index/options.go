package index

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Defaults and limits.
const (
	// DefaultCacheBytes is pebble's block cache, at least: of an index that is written to, it may
	// also use what memtables do not.
	DefaultCacheBytes = 8 << 20
	// DefaultListBytes bounds the postings that are kept in memory for the next search, or, where
	// that is more, ListBytesPerRow for each row: about half of what the row table takes.
	DefaultListBytes = 32 << 20
	ListBytesPerRow  = 64
	// DefaultFlushBytes committed are written out, which bounds what a crash leaves to be replayed.
	DefaultFlushBytes = 4 << 20
	// BulkBatchBytes make a batch bulk work: the memtable may fill before it is written out, since
	// fewer and larger files are merged less often.
	BulkBatchBytes = 256 << 10
	// DefaultMemTableBytes bounds what of bulk work a crash leaves to be replayed, and memory.
	DefaultMemTableBytes = 16 << 20
	// RebuildMemTableBytes is used by NewGeneration, where nobody reads yet.
	RebuildMemTableBytes = 32 << 20
	// DefaultIdleFlush is how long after the last commit the memtable is written out.
	DefaultIdleFlush = 2 * time.Second

	// MaxLimit bounds how many documents one List or Search returns.
	MaxLimit = 10_000
	// MaxQueryTerms bounds the distinct terms of a query.
	MaxQueryTerms = 1024
	// MaxTermBytes bounds a term; longer ones are cut there, in texts and queries alike.
	MaxTermBytes = 64
	// MaxAnomalies bounds how many anomalies are kept with their details.
	MaxAnomalies = 1000
	// MaxSpaces bounds the spaces of vectors, and with them the models a store may have had.
	MaxSpaces = 64
	// MaxModel bounds a model's identity, in bytes.
	MaxModel = 256
	// MaxBackgroundErrors in a row make a generation broken: on a full disk pebble retries a
	// flush for ever and stalls writers (pebble issue 6139).
	MaxBackgroundErrors = 5
)

// Options of Open. The zero value works.
type Options struct {
	Logger        *slog.Logger // nil: discard
	FS            vfs.FS       // nil: the operating system's
	CacheBytes    int64        // 0: DefaultCacheBytes
	ListBytes     int          // 0: DefaultListBytes, or ListBytesPerRow for each row if that is more
	MemTableBytes uint64       // 0: DefaultMemTableBytes
	IdleFlush     time.Duration
	ReadOnly      bool // changes no byte; fails where another process has it open
	// Partitions: searches by vector look only into the partitions nearest to the query also
	// where there are fewer than PartitionedFrom vectors, from vector.FirstPartition on.
	Partitions bool
	// OnBroken is called once, from any goroutine, when the generation can no longer be used.
	// It must not call the DB. The log is the truth: the answer is a rebuild.
	OnBroken func(error)
	// Text takes the searchable text out of a payload, for ModeExact. Nil: no such search.
	Text func(payload []byte) string
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = realFS()
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = DefaultMemTableBytes
	}
	if o.IdleFlush == 0 {
		o.IdleFlush = DefaultIdleFlush
	}
	return o
}

// MemFS returns an empty file system in memory, for Options.FS: an index that is thrown away.
func MemFS() vfs.FS { return vfs.NewMem() }
