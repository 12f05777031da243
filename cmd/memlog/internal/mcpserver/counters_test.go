package mcpserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/memory"
)

// anHour is a store that was used for an hour.
func anHour() memory.MetricsResult {
	lat := func(n uint64, average float64) memory.Latency {
		return memory.Latency{Count: n, Total: average * float64(n), Average: average,
			Max: 4 * average, P50: average / 2, P95: 2 * average, P99: 3 * average}
	}
	window := memory.Counters{
		Since: noon.Add(-time.Hour), Until: noon,
		Queue: memory.QueueCounters{TotalAcquisitions: 40, FailedAcquisitions: 1, AverageWait: 0.25,
			MaxWait: 1.5, Wait: lat(40, 0.25)},
		Syncs: memory.SyncCounters{Latency: lat(20, 0.002), Records: 39, Bytes: 9000,
			AverageBatch: 1.95, MaxBatch: 4},
		Operations: []memory.OperationCounters{
			{Name: "search", Latency: lat(60, 0.001)},
			{Name: "store", Latency: lat(40, 0.01), Errors: []memory.ErrorCount{
				{Code: memory.CodeBusy, Count: 1}, {Code: memory.CodeInvalid, Count: 3}}},
		},
	}
	total := window
	total.Since = noon.Add(-100 * time.Hour)
	total.Queue.TotalAcquisitions, total.Queue.FailedAcquisitions = 4000, 2
	return memory.MetricsResult{
		Store: "/s", Waiting: 2, Calls: 3, Seq: 9, Watermark: 9, Memories: 7, LogBytes: 9000,
		IndexBytes: 8000, FreeBytes: 1 << 40, Window: window, Total: total,
		Owner: memory.OwnerInfo{PID: 42, Version: "1.2.3", Since: noon, Uptime: 90,
			ResidentBytes: 1 << 25},
		Clients: []memory.ClientInfo{{Name: "memlog mcp", Version: "1.2.3", Session: "s", PID: 77,
			Since: noon.Add(-time.Minute)}},
		LastVerify: &memory.LastVerify{Time: noon.Add(-time.Hour), OK: true, By: "memlog verify"},
	}
}

func TestCounterAnswers(t *testing.T) {
	f := &fake{metrics: anHour(), health: memory.HealthResult{OK: true, Writable: true, Store: "/s"},
		cleared: memory.ClearMetricsResult{Hours: 3, HoursLeft: 5, Calls: 200, Before: noon}}
	c := session(t, f, Options{})
	var b bytes.Buffer
	for _, call := range []struct{ tool, args string }{
		{"get_concurrent_access_stats", `{}`},
		{"get_performance_metrics", `{}`},
		{"get_performance_metrics", `{"metric_type": "performance"}`},
		{"get_performance_metrics", `{"metric_type": "usage"}`},
		{"get_performance_metrics", `{"metric_type": "errors"}`},
		{"get_system_health", `{}`},
		{"cleanup_metrics", `{}`},
	} {
		res := callTool(t, c, call.tool, call.args)
		fmt.Fprintf(&b, "%s %s\n----\n%s\n----\n%s\n\n", call.tool, call.args, res.Text,
			res.Structured)
	}
	golden(t, "counters.txt", b.Bytes())
}

// TestAlertRules reads the fields that alert rules go by, as they do.
func TestAlertRules(t *testing.T) {
	c := session(t, &fake{metrics: anHour()}, Options{})
	res := callTool(t, c, "get_concurrent_access_stats", `{}`)
	var s map[string]any
	if err := json.Unmarshal(res.Structured, &s); err != nil {
		t.Fatal(err)
	}
	total, failed := s["total_acquisitions"].(float64), s["failed_acquisitions"].(float64)
	if failed/total != 1.0/40 || s["average_wait_time"] != 0.25 || s["max_wait_time"] != 1.5 {
		t.Errorf("%s", res.Structured)
	}
	for _, kind := range []string{"summary", "performance", "usage", "errors"} {
		res := callTool(t, c, "get_performance_metrics", `{"metric_type": "`+kind+`"}`)
		var p struct {
			Rate float64 `json:"error_rate"`
			Avg  float64 `json:"average_latency"`
		}
		if err := json.Unmarshal(res.Structured, &p); err != nil || p.Rate != 0.04 ||
			math.Abs(p.Avg-0.0046) > 1e-9 {
			t.Errorf("%s: %+v, %v", kind, p, err)
		}
	}
}

func TestCounterRequests(t *testing.T) {
	f := &fake{metrics: anHour()}
	c := session(t, f, Options{})
	day := 24 * time.Hour
	for _, x := range []struct {
		tool, args string
		want       any
	}{
		{"get_concurrent_access_stats", `{}`, memory.MetricsRequest{}},
		{"get_concurrent_access_stats", `{"hours": "24"}`, memory.MetricsRequest{Hours: 24}},
		{"get_performance_metrics", `{"hours": 168}`, memory.MetricsRequest{Hours: 168}},
		{"get_system_health", `{"hours": 2}`, memory.MetricsRequest{Hours: 2}},
		{"cleanup_metrics", `{}`, memory.ClearMetricsRequest{OlderThan: day}},
		{"cleanup_metrics", `{"days": 0}`, memory.ClearMetricsRequest{}},
		{"cleanup_metrics", `{"days": 3, "dry_run": true}`,
			memory.ClearMetricsRequest{OlderThan: 3 * day, DryRun: true}},
		{"cleanup_metrics", `{"older_than": "36h"}`,
			memory.ClearMetricsRequest{OlderThan: 36 * time.Hour}},
	} {
		if res := callTool(t, c, x.tool, x.args); res.IsError {
			t.Errorf("%s %s: %s", x.tool, x.args, res.Text)
		}
		if d := cmp.Diff(f.last(t), x.want); d != "" {
			t.Errorf("%s %s (-got +want): %s", x.tool, x.args, d)
		}
	}
	before := f.count()
	for _, x := range []struct{ tool, args, says string }{
		{"get_performance_metrics", `{"metric_type": "all"}`, "metric_type"},
		{"get_concurrent_access_stats", `{"hours": 0}`, "hours"},
		{"cleanup_metrics", `{"days": 1, "older_than": "1h"}`, "older_than"},
		{"cleanup_metrics", `{"older_than": "0h"}`, "older_than"},
		{"cleanup_metrics", `{"older_than": "a week"}`, "36h"},
		{"cleanup_metrics", `{"days": -1}`, "days"},
		{"cleanup_metrics", `{"all": true}`, "all"},
	} {
		if res := callTool(t, c, x.tool, x.args); !res.IsError || !strings.Contains(res.Text, x.says) {
			t.Errorf("%s %s: %s", x.tool, x.args, res.Text)
		}
	}
	if f.count() != before {
		t.Error("the service was asked for what was refused")
	}
}

// TestJudgement changes one thing at a time of a healthy store.
func TestJudgement(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*memory.HealthResult, *memory.MetricsResult)
		status string
	}{
		"nothing": {func(*memory.HealthResult, *memory.MetricsResult) {}, statusHealthy},
		"damage": {func(h *memory.HealthResult, _ *memory.MetricsResult) {
			h.Problems = []memory.Problem{{Kind: "checksum"}}
		}, statusUnhealthy},
		"read-only": {func(h *memory.HealthResult, m *memory.MetricsResult) {
			h.Writable, h.ReadOnly, m.FreeBytes = false, "the tail is in doubt", 1
		}, statusUnhealthy},
		"full": {func(_ *memory.HealthResult, m *memory.MetricsResult) {
			m.FreeBytes = fewFreeBytes - 1
		}, statusDegraded},
		"waits": {func(_ *memory.HealthResult, m *memory.MetricsResult) {
			m.Window.Queue.AverageWait = 1.1
		}, statusDegraded},
		"refusals": {func(_ *memory.HealthResult, m *memory.MetricsResult) {
			m.Window.Queue.FailedAcquisitions = 3
		}, statusDegraded},
		"few refusals of few": {func(_ *memory.HealthResult, m *memory.MetricsResult) {
			m.Window.Queue.TotalAcquisitions, m.Window.Queue.FailedAcquisitions = 3, 1
		}, statusHealthy},
		"faults": {func(_ *memory.HealthResult, m *memory.MetricsResult) {
			m.Window.Operations[0].Errors = []memory.ErrorCount{{Code: memory.CodeFailed, Count: 5}}
		}, statusDegraded},
		"mistakes of callers": {func(_ *memory.HealthResult, m *memory.MetricsResult) {
			m.Window.Operations[0].Errors = []memory.ErrorCount{{Code: memory.CodeInvalid, Count: 50}}
		}, statusHealthy},
		"lag":   {func(_ *memory.HealthResult, m *memory.MetricsResult) { m.Lag = 2000 }, statusDegraded},
		"clock": {func(h *memory.HealthResult, _ *memory.MetricsResult) { h.ClockSkew = 9 }, statusDegraded},
		"verify": {func(_ *memory.HealthResult, m *memory.MetricsResult) {
			m.LastVerify = &memory.LastVerify{}
		}, statusDegraded},
		"counters": {func(_ *memory.HealthResult, m *memory.MetricsResult) {
			m.Notes = []string{"garbage"}
		}, statusDegraded},
	} {
		f := &fake{metrics: anHour(), health: memory.HealthResult{OK: true, Writable: true}}
		x.change(&f.health, &f.metrics)
		res := callTool(t, session(t, f, Options{}), "get_system_health", `{}`)
		var got systemHealthAnswer
		if err := json.Unmarshal(res.Structured, &got); err != nil {
			t.Fatal(err)
		}
		if got.Status != x.status || (got.Count == 0) != (x.status == statusHealthy) ||
			len(got.Problems) != got.Count {
			t.Errorf("%s: %s", name, res.Structured)
		}
		for _, p := range got.Problems {
			if p.Action == "" || !strings.Contains(res.Text, p.Action) {
				t.Errorf("%s: problem without an action: %s", name, res.Text)
			}
		}
	}
}
