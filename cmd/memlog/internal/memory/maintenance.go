package memory

import "time"

// Progress is told how far long work has come; total 0 means unknown. It may be nil, and is called
// from one goroutine at a time.
type Progress func(stage string, done, total int64)

// Problem is damage that verify found.
type Problem struct {
	Kind    string `json:"kind"`
	Segment string `json:"segment,omitempty"` // or the file, for damage outside the log
	Offset  int64  `json:"offset"`
	Seq     Seq    `json:"seq,omitempty"`
	ToSeq   Seq    `json:"to_seq,omitempty"` // last record concerned, where more than one is
	Detail  string `json:"detail"`
}

// SeqRange is a range of records, both ends included.
type SeqRange struct {
	From Seq `json:"from_seq"`
	To   Seq `json:"to_seq"`
}

// HeadInfo is the last record of a log.
type HeadInfo struct {
	Seq  Seq       `json:"seq"`
	Hash string    `json:"hash"`
	Time time.Time `json:"time,omitzero"`
}

// VerifyRequest asks for a check of everything. Deep also replays the log and compares digests
// with the index.
type VerifyRequest struct {
	Deep     bool     `json:"deep,omitempty"`
	By       string   `json:"by,omitempty"` // who asks, for LastVerify
	Progress Progress `json:"-"`
}

// VerifyResult is what verify found. OK is false where anything is damaged and not accepted.
type VerifyResult struct {
	OK       bool        `json:"ok"`
	Records  uint64      `json:"records"`
	FirstSeq Seq         `json:"first_seq"`
	LastSeq  Seq         `json:"last_seq"`
	Head     HeadInfo    `json:"head"`
	Bytes    int64       `json:"bytes"`
	Problems []Problem   `json:"problems"`
	Notes    []string    `json:"notes"`
	Accepted []SeqRange  `json:"accepted"`
	Index    VerifyIndex `json:"index"`
}

// VerifyIndex is the part of verify that is about the index.
type VerifyIndex struct {
	OK       bool   `json:"ok"`
	Digest   string `json:"digest,omitempty"`   // over all keys, as it stands
	State    string `json:"state,omitempty"`    // state digest
	Replayed string `json:"replayed,omitempty"` // what Digest should be: of a fresh replay (deep)
	Seq      Seq    `json:"seq"`                // its checkpoint
}

// RepairRequest asks to make a damaged store whole.
type RepairRequest struct {
	DryRun     bool     `json:"dry_run,omitempty"`
	AcceptLoss bool     `json:"accept_loss,omitempty"`
	Progress   Progress `json:"-"`
}

// RepairResult is what repair did.
type RepairResult struct {
	Kept       uint64     `json:"kept"`
	Healed     uint64     `json:"healed"`
	Lost       []SeqRange `json:"lost"`
	Quarantine []string   `json:"quarantine"` // paths, relative to the store, of what was set aside
	Notes      []string   `json:"notes"`
	DryRun     bool       `json:"dry_run,omitempty"`
}

// RebuildRequest asks for a fresh index from the log.
type RebuildRequest struct {
	Progress Progress `json:"-"`
}

// RebuildResult is what rebuild did.
type RebuildResult struct {
	Records uint64  `json:"records"`
	Seconds float64 `json:"seconds"`
	Digest  string  `json:"digest"` // over all keys of the new index
	State   string  `json:"state"`  // state digest
}

// ReplayRequest asks for the store as it was. Into, where set, is a directory that becomes a
// complete store of its own. Clock ClockCreated reports only.
type ReplayRequest struct {
	Until    Moment   `json:"until"`
	Clock    Clock    `json:"clock,omitempty"`
	Into     string   `json:"into,omitempty"`
	Diff     bool     `json:"diff,omitempty"`
	Progress Progress `json:"-"`
}

// ReplayResult is the store as it was, and, with Diff, how the present differs from it: what was
// added, removed and changed since.
type ReplayResult struct {
	UntilSeq Seq        `json:"until_seq"`
	Until    time.Time  `json:"until"`         // as asked, resolved
	Time     time.Time  `json:"time,omitzero"` // recorded time of UntilSeq
	Clock    Clock      `json:"clock"`
	Records  uint64     `json:"records"`
	Memories int        `json:"memories"` // live ones
	Digest   string     `json:"digest"`   // state digest
	Into     string     `json:"into,omitempty"`
	Added    []DiffItem `json:"added"`
	Removed  []DiffItem `json:"removed"`
	Changed  []DiffItem `json:"changed"`
	Notes    []string   `json:"notes,omitempty"`
}

// DiffItem is a memory that differs between two moments.
type DiffItem struct {
	ID      ID     `json:"id"`
	Content string `json:"content"`          // the first MaxDiffContent bytes of the newer side
	Before  string `json:"before,omitempty"` // of the older side, where it changed
}

// MaxDiffContent bounds the content shown in a [DiffItem], in bytes.
const MaxDiffContent = 200

// Moments lists what there is to go back to.
type Moments struct {
	Days      []Day          `json:"days"`
	Snapshots []SnapshotInfo `json:"snapshots"`
	Archives  []SegmentInfo  `json:"archives"`
}

// Day is a day of the log, in the local time zone.
type Day struct {
	Date     string `json:"date"` // 2006-01-02
	FirstSeq Seq    `json:"first_seq"`
	LastSeq  Seq    `json:"last_seq"`
	Records  int    `json:"records"`
	Stored   int    `json:"stored"`
	Updated  int    `json:"updated"`
	Deleted  int    `json:"deleted"`
}

// SnapshotInfo is a full copy of the index at a checkpoint.
type SnapshotInfo struct {
	Name  string    `json:"name"`
	Seq   Seq       `json:"seq"`
	Time  time.Time `json:"time"` // recorded time of Seq
	Made  time.Time `json:"made"`
	Bytes int64     `json:"bytes"`
	OK    bool      `json:"ok"`
}

// SegmentInfo is a file of consecutive records.
type SegmentInfo struct {
	Name      string    `json:"name"`
	State     string    `json:"state"` // active, sealed or archived
	FirstSeq  Seq       `json:"first_seq"`
	LastSeq   Seq       `json:"last_seq"`
	FirstTime time.Time `json:"first_time,omitzero"`
	LastTime  time.Time `json:"last_time,omitzero"`
	Bytes     int64     `json:"bytes"`
	Stored    int64     `json:"stored_bytes,omitempty"` // compressed
	Path      string    `json:"path,omitempty"`
}

// PruneRequest removes snapshots: all but the newest Keep.
type PruneRequest struct {
	Keep   int  `json:"keep"`
	DryRun bool `json:"dry_run,omitempty"`
}

// PruneResult lists the snapshots that were removed.
type PruneResult struct {
	Removed []string `json:"removed"`
}

// ArchiveRequest moves sealed segments, compressed, to an archive.
type ArchiveRequest struct {
	OlderThan time.Duration `json:"older_than,omitempty"` // last record older than this; 0: all sealed
	To        string        `json:"to,omitempty"`         // a directory; empty: the store's own
	Progress  Progress      `json:"-"`
}

// ArchiveResult is what archiving did, or what the archive holds.
type ArchiveResult struct {
	Segments    []SegmentInfo `json:"segments"`
	BytesBefore int64         `json:"bytes_before"`
	BytesAfter  int64         `json:"bytes_after"`
	Problems    []Problem     `json:"problems,omitempty"`
}

// StatsResult counts what a store holds.
type StatsResult struct {
	Memories     int       `json:"memories"`
	Deleted      int       `json:"deleted"`
	Versions     int       `json:"versions"`
	Tags         int       `json:"tags"`
	Types        []Count   `json:"types"`
	Projects     []Count   `json:"projects"`
	Records      uint64    `json:"records"`
	FirstSeq     Seq       `json:"first_seq"`
	LastSeq      Seq       `json:"last_seq"`
	FirstTime    time.Time `json:"first_time,omitzero"`
	LastTime     time.Time `json:"last_time,omitzero"`
	LogBytes     int64     `json:"log_bytes"`
	IndexBytes   int64     `json:"index_bytes"`
	ArchiveBytes int64     `json:"archive_bytes"`
	Digest       string    `json:"digest"` // state digest
	Store        string    `json:"store"`  // its directory
	LogID        string    `json:"log_id"`
}

// Count is a name and how many live memories have it.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// HealthResult says in short whether all is well. It is cheap enough to be asked at every look.
type HealthResult struct {
	OK        bool      `json:"ok"`
	Store     string    `json:"store"`
	Version   string    `json:"version"`
	Writable  bool      `json:"writable"`
	ReadOnly  string    `json:"read_only,omitempty"` // why writes are refused, and what to do
	Problems  []Problem `json:"problems"`
	Notes     []string  `json:"notes"`
	Seq       Seq       `json:"seq"`
	Watermark Seq       `json:"watermark"`
	Memories  int       `json:"memories"`
	LastWrite time.Time `json:"last_write,omitzero"`
	ClockSkew float64   `json:"clock_skew_seconds,omitempty"` // log ahead of the clock
	FreeBytes int64     `json:"free_bytes,omitempty"`
}
