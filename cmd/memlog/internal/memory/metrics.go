package memory

import "time"

// The limits of counters.
const (
	// MaxMetricsHours is how many hours are counted each by itself; older ones are in the totals.
	MaxMetricsHours = 7 * 24
	// DefaultMetricsHours is the window where a request names none.
	DefaultMetricsHours = 1
)

// MetricsRequest asks how a store is doing and what it has been doing.
type MetricsRequest struct {
	// Hours is how far back the window reaches: from the start of an hour, that many hours before
	// the present one began, to now. So what runs once an hour sees all of the hour before it.
	// 0: DefaultMetricsHours; at most MaxMetricsHours.
	Hours int `json:"hours,omitempty"`
}

// MetricsResult is what is measured of a store: how it stands, and counters. Times are in seconds.
type MetricsResult struct {
	Store        string       `json:"store"`
	Owner        OwnerInfo    `json:"owner"`
	Clients      []ClientInfo `json:"clients"` // connected, the longest there first
	Calls        int          `json:"calls"`   // under way, of clients
	Waiting      int          `json:"waiting"` // commands in the writer's queue
	Seq          Seq          `json:"seq"`
	Watermark    Seq          `json:"watermark"`
	Lag          uint64       `json:"lag"` // records that reads do not see yet
	Memories     int          `json:"memories"`
	LogBytes     int64        `json:"log_bytes"`
	IndexBytes   int64        `json:"index_bytes"`
	ArchiveBytes int64        `json:"archive_bytes"`
	FreeBytes    int64        `json:"free_bytes,omitempty"` // of the disk; 0: not known
	LastVerify   *LastVerify  `json:"last_verify,omitempty"`
	// Bounds are the upper bounds, in seconds, of the buckets of every Latency; the last bucket has
	// none.
	Bounds []float64 `json:"bucket_bounds"`
	Total  Counters  `json:"total"`  // all that was counted, also by earlier owners
	Window Counters  `json:"window"` // of the hours asked for
	Notes  []string  `json:"notes"`  // what is odd about the counters
}

// OwnerInfo is the process that has the store open.
type OwnerInfo struct {
	PID           int       `json:"pid"`
	Version       string    `json:"version"`
	Since         time.Time `json:"since"` // it opened the store
	Uptime        float64   `json:"uptime_seconds"`
	ResidentBytes int64     `json:"resident_bytes,omitempty"` // of memory; 0: not known
}

// ClientInfo is a connected client as it names itself.
type ClientInfo struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Session string    `json:"session"`
	Project string    `json:"project,omitempty"`
	PID     int       `json:"pid"` // the kernel's word where it gives one, else the client's
	Since   time.Time `json:"since"`
}

// LastVerify is the newest verify: one that the store's owner carried out, or one without an owner
// that could write it down.
type LastVerify struct {
	Time     time.Time `json:"time"` // it ended
	OK       bool      `json:"ok"`
	Deep     bool      `json:"deep,omitempty"`
	Problems int       `json:"problems"`
	By       string    `json:"by,omitempty"` // who asked, as VerifyRequest says
}

// Counters are what was counted from one moment to another.
type Counters struct {
	Since      time.Time           `json:"since"`
	Until      time.Time           `json:"until"`
	Queue      QueueCounters       `json:"queue"`
	Syncs      SyncCounters        `json:"syncs"`
	Operations []OperationCounters `json:"operations"` // by name; those that were called
}

// QueueCounters are of the queue for the log's one writer.
type QueueCounters struct {
	TotalAcquisitions  uint64  `json:"total_acquisitions"`  // commands that wanted to write
	FailedAcquisitions uint64  `json:"failed_acquisitions"` // of those: full queue, or too long a wait
	AverageWait        float64 `json:"average_wait_time"`   // over all, failed ones included
	MaxWait            float64 `json:"max_wait_time"`
	Wait               Latency `json:"wait"`
}

// SyncCounters are of the writes to the log: each is one sync of a batch of records.
type SyncCounters struct {
	Latency      Latency `json:"latency"` // of write and sync
	Records      uint64  `json:"records"`
	Bytes        uint64  `json:"bytes"`
	AverageBatch float64 `json:"average_batch"` // records a sync
	MaxBatch     uint64  `json:"max_batch"`
}

// OperationCounters are of one method of the service, named as on the wire with underscores.
type OperationCounters struct {
	Name    string       `json:"name"`
	Latency Latency      `json:"latency"` // failed calls included
	Errors  []ErrorCount `json:"errors"`  // by code
}

// Failed counts the calls that ended with an error.
func (o OperationCounters) Failed() uint64 {
	var n uint64
	for _, e := range o.Errors {
		n += e.Count
	}
	return n
}

// ErrorCount is how often calls ended with a code.
type ErrorCount struct {
	Code  Code   `json:"code"`
	Count uint64 `json:"count"`
}

// Latency says how long something took. Quantiles are interpolated within a bucket, and so exact to
// the bucket.
type Latency struct {
	Count   uint64   `json:"count"`
	Total   float64  `json:"total_seconds"`
	Average float64  `json:"average_seconds"`
	Max     float64  `json:"max_seconds"`
	P50     float64  `json:"p50_seconds"`
	P95     float64  `json:"p95_seconds"`
	P99     float64  `json:"p99_seconds"`
	Buckets []uint64 `json:"buckets"` // see MetricsResult.Bounds; not cumulative
}

// ClearMetricsRequest asks to forget counters. No memory is touched.
type ClearMetricsRequest struct {
	// OlderThan forgets the hours that ended so long ago, and leaves the totals as they are. 0: all
	// of both, so that counting begins anew.
	OlderThan time.Duration `json:"older_than,omitempty"`
	DryRun    bool          `json:"dry_run,omitempty"`
}

// ClearMetricsResult says what was forgotten, or would be.
type ClearMetricsResult struct {
	Hours     int       `json:"hours"`      // forgotten
	HoursLeft int       `json:"hours_left"` // that are still there
	Calls     uint64    `json:"calls"`      // counted in those forgotten
	Totals    bool      `json:"totals"`     // the totals were forgotten too
	Before    time.Time `json:"before"`     // what ended before it was forgotten
	DryRun    bool      `json:"dry_run,omitempty"`
}
