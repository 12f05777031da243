package memory

import (
	"context"
	"io"
	"iter"
)

// Service is everything a store can do.
type Service interface {
	Reader
	Writer
	Historian
	Keeper
	Mover
	Meter
	Modeler
	// Close lets the store go. Calls under way end first.
	Close() error
}

// Reader finds and shows memories, now or as of any moment.
type Reader interface {
	// Search returns the memories that answer a query best.
	Search(context.Context, SearchRequest) (SearchResult, error)
	// List returns memories page by page.
	List(context.Context, ListRequest) (ListResult, error)
	// Get returns one memory by id or alias; CodeNotFound where there is none, or none any more.
	Get(context.Context, GetRequest) (Memory, error)
	// History returns every version of a memory, by id or alias.
	History(ctx context.Context, id string) (History, error)
	// Tags returns the tags in use.
	Tags(context.Context, TagsRequest) (TagsResult, error)
	// Stats counts what the store holds.
	Stats(context.Context) (StatsResult, error)
	// Health says whether all is well.
	Health(context.Context) (HealthResult, error)
}

// Writer changes memories. Each call is one command, one record of the log, durable on return; an
// error other than of a broken connection means that nothing was changed.
type Writer interface {
	Store(context.Context, StoreRequest) (StoreResult, error)
	Update(context.Context, UpdateRequest) (Change, error)
	Delete(context.Context, DeleteRequest) (Change, error)
	Restore(context.Context, RestoreRequest) (Change, error)
	Link(context.Context, LinkRequest) (Change, error)
	Duplicates(context.Context, DuplicatesRequest) (DuplicatesResult, error)
}

// Historian goes through the log, and back in it.
type Historian interface {
	// Undo takes commands back. It may return a result and a CodeConflict error together.
	Undo(context.Context, UndoRequest) (UndoResult, error)
	// Revert brings back the state of a moment.
	Revert(context.Context, RevertRequest) (RevertResult, error)
	// Log yields records in order. An error for a damaged stretch does not end it.
	Log(context.Context, LogRequest) iter.Seq2[LogRecord, error]
	// Replay builds the store as it was.
	Replay(context.Context, ReplayRequest) (ReplayResult, error)
	// Moments lists what there is to go back to.
	Moments(context.Context) (Moments, error)
}

// Keeper looks after a store. Verify, Repair and Rebuild also work on one that cannot be opened.
type Keeper interface {
	Verify(context.Context, VerifyRequest) (VerifyResult, error)
	Repair(context.Context, RepairRequest) (RepairResult, error)
	Rebuild(context.Context, RebuildRequest) (RebuildResult, error)
	SnapshotCreate(context.Context) (SnapshotInfo, error)
	SnapshotList(context.Context) ([]SnapshotInfo, error)
	SnapshotPrune(context.Context, PruneRequest) (PruneResult, error)
	SnapshotRestore(ctx context.Context, name string) (RebuildResult, error)
	Archive(context.Context, ArchiveRequest) (ArchiveResult, error)
	ArchiveList(context.Context) (ArchiveResult, error)
	ArchiveVerify(context.Context) (ArchiveResult, error)
	ArchiveRestore(context.Context) (ArchiveResult, error)
}

// Mover brings memories in and out.
type Mover interface {
	// Export writes memories or events to w as memlog JSONL.
	Export(ctx context.Context, w io.Writer, r ExportRequest) (ExportResult, error)
	// Import reads memlog JSONL. Lines that cannot be taken are reported, the others are stored.
	Import(ctx context.Context, src io.Reader, r ImportRequest) (ImportResult, error)
}

// Meter says how a store is doing. What it counts outlives the process that counted, but for the
// last minute of one that was killed; none of it is in the log.
type Meter interface {
	// Metrics returns what is measured.
	Metrics(context.Context, MetricsRequest) (MetricsResult, error)
	// ClearMetrics forgets counters.
	ClearMetrics(context.Context, ClearMetricsRequest) (ClearMetricsResult, error)
}

// ExportRequest says what to export.
type ExportRequest struct {
	Until    Moment   `json:"until"`
	Format   string   `json:"format,omitempty"` // jsonl (default), json or markdown
	Events   bool     `json:"events,omitempty"` // the records themselves instead of memories
	Filter   Filter   `json:"filter"`           // live memories only; not with Events
	Progress Progress `json:"-"`
}

// ExportResult counts what was exported.
type ExportResult struct {
	Memories int      `json:"memories"`
	Records  uint64   `json:"records"`
	Until    Resolved `json:"until"`
	Digest   string   `json:"digest"` // state digest as of Until; empty with a filter
	Notes    []string `json:"notes,omitempty"`
}

// ImportRequest says how to import.
type ImportRequest struct {
	Name string `json:"name"` // of the source, for the report
	// Group names what undo takes back as one; a later import of the same name belongs to it, unless
	// it was taken back by then. "": a new one.
	Group    string   `json:"group,omitempty"`
	DryRun   bool     `json:"dry_run,omitempty"`
	Origin   Origin   `json:"origin"`
	Progress Progress `json:"-"`
}

// ImportResult is the report of an import.
type ImportResult struct {
	Imported int        `json:"imported"`                // memories or records that are new
	Present  int        `json:"present"`                 // that were there already
	Changed  int        `json:"changed"`                 // that became a new version of what was there
	Repeated int        `json:"repeated"`                // of those present: said again
	Rejected []Rejected `json:"rejected"`                // at most MaxRejected
	More     int        `json:"rejected_more,omitempty"` // rejected beyond those
	Group    string     `json:"group,omitempty"`         // undo takes it back as one
	Seq      Seq        `json:"seq"`
	DryRun   bool       `json:"dry_run,omitempty"`
	Notes    []string   `json:"notes,omitempty"`
}

// Rejected is a line that was not imported, and why.
type Rejected struct {
	Source string `json:"source,omitempty"`
	Line   int    `json:"line"`           // 0: not known
	Unit   string `json:"unit,omitempty"` // what Line counts, where it is no line: row, entry
	Reason string `json:"reason"`
}

// Reject adds a rejected line to the report, or counts it where the report is full.
func (r *ImportResult) Reject(one Rejected) {
	if len(r.Rejected) >= MaxRejected {
		r.More++
		return
	}
	r.Rejected = append(r.Rejected, one)
}
