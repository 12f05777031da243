package httpserver

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"memlog/cmd/memlog/internal/memory"
)

// counters are what /metrics shows of the server itself.
type counters struct {
	requests *prometheus.CounterVec
	sessions prometheus.GaugeFunc
}

func newCounters(sessions func() int) *counters {
	return &counters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "memlog_http_requests_total", Help: "Requests answered, by status.",
		}, []string{"code"}),
		sessions: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "memlog_http_sessions", Help: "MCP sessions open over HTTP.",
		}, func() float64 { return float64(sessions()) }),
	}
}

// request counts a request that was answered with a status; 0: nothing was written, which is 200.
func (c *counters) request(status int) {
	c.requests.WithLabelValues(strconv.Itoa(max(status, http.StatusOK))).Inc()
}

// handler writes what is counted here and, where m is not nil, in the store.
func (c *counters) handler(m *memory.MetricsResult) http.Handler {
	up := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "memlog_up", Help: "Whether the store answered (1) or not (0).",
	})
	reg := prometheus.NewRegistry()
	reg.MustRegister(c.requests, c.sessions, up)
	if m != nil {
		up.Set(1)
		reg.MustRegister(storeMetrics{m})
	}
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}

// storeMetrics are the metrics of a store at one moment. Nothing in them tells what is remembered.
type storeMetrics struct{ m *memory.MetricsResult }

// Describe implements [prometheus.Collector]: what there is, Collect says.
func (storeMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (s storeMetrics) Collect(ch chan<- prometheus.Metric) {
	m := s.m
	gauge := func(name, help string, value float64) {
		ch <- prometheus.MustNewConstMetric(describe(name, help), prometheus.GaugeValue, value)
	}
	ch <- prometheus.MustNewConstMetric(describe("owner_info", "The process that has the store open.",
		"version"), prometheus.GaugeValue, 1, m.Owner.Version)
	gauge("owner_start_time_seconds", "When the owner opened the store, since 1970.",
		float64(m.Owner.Since.UnixMilli())/1000)
	gauge("owner_resident_memory_bytes", "Resident memory of the owner.",
		float64(m.Owner.ResidentBytes))
	gauge("clients", "Processes connected to the owner.", float64(len(m.Clients)))
	gauge("calls_in_flight", "Calls of clients under way.", float64(m.Calls))
	gauge("memories", "Live memories.", float64(m.Memories))
	gauge("log_last_seq", "Sequence number of the last record.", float64(m.Seq))
	gauge("watermark_lag_records", "Records that reads do not see yet.", float64(m.Lag))
	gauge("log_size_bytes", "Size of the log.", float64(m.LogBytes))
	gauge("index_size_bytes", "Size of the index.", float64(m.IndexBytes))
	gauge("archive_size_bytes", "Size of the archive.", float64(m.ArchiveBytes))
	gauge("disk_free_bytes", "Free space on the disk of the store.", float64(m.FreeBytes))
	if v := m.LastVerify; v != nil {
		gauge("last_verify_timestamp_seconds", "When the newest verify ended, since 1970.",
			float64(v.Time.UnixMilli())/1000)
		gauge("last_verify_problems", "What the newest verify found.", float64(v.Problems))
	}
	gauge("writer_queue_length", "Commands that wait for the log's writer.", float64(m.Waiting))
	s.collectTotals(ch)
}

// collectTotals sends what was counted since counting began, by earlier owners as well.
func (s storeMetrics) collectTotals(ch chan<- prometheus.Metric) {
	count := func(name, help string, value uint64) {
		ch <- prometheus.MustNewConstMetric(describe(name, help), prometheus.CounterValue,
			float64(value))
	}
	t := s.m.Total
	count("writer_acquisitions_total", "Commands that wanted to write.", t.Queue.TotalAcquisitions)
	count("writer_acquisitions_failed_total", "Commands that found the queue full or waited too long.",
		t.Queue.FailedAcquisitions)
	ch <- s.histogram(describe("writer_wait_seconds", "How long commands waited for the writer."),
		t.Queue.Wait)
	ch <- s.histogram(describe("sync_duration_seconds", "Writes to the log, until they were durable."),
		t.Syncs.Latency)
	count("sync_records_total", "Records made durable.", t.Syncs.Records)
	count("sync_bytes_total", "Bytes made durable.", t.Syncs.Bytes)
	took := describe("operation_duration_seconds", "How long operations took.", "operation")
	failed := describe("operation_errors_total", "Operations that failed, by code.", "operation",
		"code")
	for _, o := range t.Operations {
		ch <- s.histogram(took, o.Latency, o.Name)
		for _, e := range o.Errors {
			ch <- prometheus.MustNewConstMetric(failed, prometheus.CounterValue, float64(e.Count), o.Name,
				string(e.Code))
		}
	}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("memlog_"+name, help, labels, nil)
}

// histogram turns buckets into Prometheus', which count all that is below a bound.
func (s storeMetrics) histogram(
	d *prometheus.Desc, l memory.Latency, labels ...string,
) prometheus.Metric {
	below, buckets := uint64(0), map[float64]uint64{}
	for i, bound := range s.m.Bounds {
		if i < len(l.Buckets) {
			below += l.Buckets[i]
		}
		buckets[bound] = below
	}
	return prometheus.MustNewConstHistogram(d, l.Count, l.Total, buckets, labels...)
}
