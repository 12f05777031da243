package mcpserver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// The values of metric_type.
const (
	metricSummary     = "summary"
	metricPerformance = "performance"
	metricUsage       = "usage"
	metricErrors      = "errors"
)

func performanceTool() tool {
	return tool{
		name:  "get_performance_metrics",
		title: "Performance of the store",
		doc: "Counts the calls of the store, how long they took and what failed. metric_type: summary " +
			"(default), performance (latency by operation, syncs), usage (how much is held and used), " +
			"errors (by operation and code). Times are seconds.",
		params: []param{
			{name: "metric_type", kind: kindText, doc: "What to show.",
				enum: []string{metricSummary, metricPerformance, metricUsage, metricErrors}},
			hoursParam, maxTokensParam,
		},
		output: object(append([]string{"metric_type", "since", "until"}, loadNames...),
			slices.Concat(fields{{"metric_type", aString}}, loadFields(), windowFields(),
				performanceFields())),
		readOnly: true, idempotent: true,
		run: runPerformance,
	}
}

// performanceFields are the members that depend on metric_type.
func performanceFields() fields {
	return fields{
		{"operations", described(listOf(object([]string{"name", "count", "failed"}, fields{
			{"name", aString}, {"count", anInt}, {"failed", anInt},
			{"average_latency", seconds("Mean")}, {"max_latency", seconds("Longest")},
			{"p50_latency", seconds("Median")}, {"p95_latency", seconds("95 of 100 took no longer")},
			{"p99_latency", seconds("99 of 100 took no longer")},
		})), "Of performance and usage; usage counts only.")},
		{"syncs", described(object([]string{"count", "records"}, fields{
			{"count", described(anInt, "Batches written and synced.")}, {"records", anInt},
			{"bytes", anInt}, {"average_batch", described(aNumber, "Records a sync.")},
			{"max_batch", anInt}, {"average_latency", seconds("Mean")},
			{"p99_latency", seconds("99 of 100 took no longer")}, {"max_latency", seconds("Longest")},
		}), "Of performance: writes of the log.")},
		{"usage", described(object([]string{"memories", "log_bytes"}, fields{
			{"memories", anInt}, {"log_bytes", anInt}, {"index_bytes", anInt}, {"archive_bytes", anInt},
			{"free_bytes", described(anInt, "Of the disk.")},
			{"resident_bytes", described(anInt, "Memory of the store's process.")},
			{"active_clients", anInt}, {"uptime", seconds("Of the store's process")},
		}), "Of summary and usage.")},
		{"errors", described(listOf(object([]string{"operation", "code", "count"}, fields{
			{"operation", aString}, {"code", aString}, {"count", anInt},
		})), "Of errors.")},
		{"notes", someStrings},
	}
}

type performanceAnswer struct {
	Type string `json:"metric_type"`
	load
	Since      time.Time        `json:"since"`
	Until      time.Time        `json:"until"`
	Operations []operationEntry `json:"operations,omitempty"`
	Syncs      *syncEntry       `json:"syncs,omitempty"`
	Usage      *usageEntry      `json:"usage,omitempty"`
	Errors     []errorEntry     `json:"errors,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
}

type operationEntry struct {
	Name    string   `json:"name"`
	Count   uint64   `json:"count"`
	Failed  uint64   `json:"failed"`
	Average *float64 `json:"average_latency,omitempty"`
	Max     *float64 `json:"max_latency,omitempty"`
	P50     *float64 `json:"p50_latency,omitempty"`
	P95     *float64 `json:"p95_latency,omitempty"`
	P99     *float64 `json:"p99_latency,omitempty"`
}

type syncEntry struct {
	Count        uint64  `json:"count"`
	Records      uint64  `json:"records"`
	Bytes        uint64  `json:"bytes"`
	AverageBatch float64 `json:"average_batch"`
	MaxBatch     uint64  `json:"max_batch"`
	Average      float64 `json:"average_latency"`
	P99          float64 `json:"p99_latency"`
	Max          float64 `json:"max_latency"`
}

type usageEntry struct {
	Memories int     `json:"memories"`
	Log      int64   `json:"log_bytes"`
	Index    int64   `json:"index_bytes"`
	Archive  int64   `json:"archive_bytes"`
	Free     int64   `json:"free_bytes"`
	Resident int64   `json:"resident_bytes"`
	Clients  int     `json:"active_clients"`
	Uptime   float64 `json:"uptime"`
}

type errorEntry struct {
	Operation string      `json:"operation"`
	Code      memory.Code `json:"code"`
	Count     uint64      `json:"count"`
}

func runPerformance(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	m, err := c.measure(ctx, svc)
	if err != nil {
		return answer{}, err
	}
	w := m.Window
	out := performanceAnswer{Type: c.text("metric_type"), load: loadOf(w.Operations),
		Since: w.Since, Until: w.Until, Notes: m.Notes}
	lines := []string{c.window(w) + ": " + out.text()}
	switch out.Type {
	case metricPerformance:
		lines = append(lines, out.performance(w)...)
	case metricUsage:
		lines = append(lines, out.usage(m))
		for _, op := range w.Operations {
			out.Operations = append(out.Operations, operationEntry{Name: op.Name,
				Count: op.Latency.Count, Failed: op.Failed()})
			lines = append(lines, fmt.Sprintf("- %s: %d", op.Name, op.Latency.Count))
		}
	case metricErrors:
		for _, op := range w.Operations {
			for _, e := range op.Errors {
				out.Errors = append(out.Errors, errorEntry{op.Name, e.Code, e.Count})
				lines = append(lines, fmt.Sprintf("- %s: %d %s", op.Name, e.Count, e.Code))
			}
		}
	default:
		out.Type = metricSummary
		lines = append(lines, out.usage(m))
	}
	return answer{text: noted(strings.Join(lines, "\n"), m.Notes), structured: out}, nil
}

// performance fills in how long everything took, and says it.
func (a *performanceAnswer) performance(w memory.Counters) []string {
	var lines []string
	for _, op := range w.Operations {
		l := op.Latency
		a.Operations = append(a.Operations, operationEntry{Name: op.Name, Count: l.Count,
			Failed: op.Failed(), Average: &l.Average, Max: &l.Max, P50: &l.P50, P95: &l.P95,
			P99: &l.P99})
		lines = append(lines, fmt.Sprintf("- %s: %d, average %s, p95 %s, p99 %s, longest %s",
			op.Name, l.Count, took(l.Average), took(l.P95), took(l.P99), took(l.Max)))
	}
	s := w.Syncs
	a.Syncs = &syncEntry{s.Latency.Count, s.Records, s.Bytes, s.AverageBatch, s.MaxBatch,
		s.Latency.Average, s.Latency.P99, s.Latency.Max}
	return append(lines, fmt.Sprintf("Syncs: %d of %d records, average %s, p99 %s", s.Latency.Count,
		s.Records, took(s.Latency.Average), took(s.Latency.P99)))
}

// usage fills in how much is held and used, and says it.
func (a *performanceAnswer) usage(m memory.MetricsResult) string {
	a.Usage = &usageEntry{m.Memories, m.LogBytes, m.IndexBytes, m.ArchiveBytes, m.FreeBytes,
		m.Owner.ResidentBytes, len(m.Clients), m.Owner.Uptime}
	return fmt.Sprintf("%s; log %d, index %d, archive %d bytes; process %d has %d bytes resident, %s.",
		memories(m.Memories), m.LogBytes, m.IndexBytes, m.ArchiveBytes, m.Owner.PID,
		m.Owner.ResidentBytes, plural(len(m.Clients), "client", "clients"))
}
