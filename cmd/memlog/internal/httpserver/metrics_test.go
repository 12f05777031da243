package httpserver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"memlog/cmd/memlog/internal/memory"
)

func TestMetrics(t *testing.T) {
	latency := memory.Latency{Count: 6, Total: 2.5, Buckets: []uint64{1, 2, 3}}
	m := &memory.MetricsResult{
		Owner:   memory.OwnerInfo{PID: 7, Version: "1.2.3", Since: time.Unix(1000, 5e8)},
		Clients: []memory.ClientInfo{{Name: "private name", Session: "private session"}},
		Calls:   2, Waiting: 3, Seq: 40, Lag: 5, Memories: 60, LogBytes: 70, FreeBytes: 80,
		Store: "/private/path", Bounds: []float64{0.1, 1},
		LastVerify: &memory.LastVerify{Time: time.Unix(2000, 0), Problems: 1, By: "private"},
		Total: memory.Counters{
			Queue: memory.QueueCounters{TotalAcquisitions: 9, FailedAcquisitions: 1, Wait: latency},
			Syncs: memory.SyncCounters{Latency: latency, Records: 12, Bytes: 13},
			Operations: []memory.OperationCounters{{Name: "store", Latency: latency,
				Errors: []memory.ErrorCount{{Code: memory.CodeBusy, Count: 4}}}},
		},
	}
	var err error
	r := start(t, Options{Metrics: func(context.Context) (*memory.MetricsResult, error) {
		if err != nil {
			return nil, err
		}
		return m, nil
	}})
	_, body, _ := r.ask(t, "GET", "/metrics", "", nil)
	for _, want := range []string{
		"memlog_up 1", `memlog_owner_info{version="1.2.3"} 1`, "memlog_owner_start_time_seconds 1000.5",
		"memlog_clients 1", "memlog_calls_in_flight 2", "memlog_writer_queue_length 3",
		"memlog_log_last_seq 40", "memlog_watermark_lag_records 5", "memlog_memories 60",
		"memlog_log_size_bytes 70", "memlog_disk_free_bytes 80", "memlog_last_verify_problems 1",
		"memlog_last_verify_timestamp_seconds 2000", "memlog_writer_acquisitions_total 9",
		"memlog_writer_acquisitions_failed_total 1", "memlog_sync_records_total 12",
		`memlog_operation_duration_seconds_bucket{operation="store",le="0.1"} 1`,
		`memlog_operation_duration_seconds_bucket{operation="store",le="1"} 3`,
		`memlog_operation_duration_seconds_bucket{operation="store",le="+Inf"} 6`,
		`memlog_operation_duration_seconds_sum{operation="store"} 2.5`,
		`memlog_operation_errors_total{code="busy",operation="store"} 4`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, "private") {
		t.Error("something private is in the metrics")
	}
	problems, lerr := promlint.New(strings.NewReader(body)).Lint()
	if lerr != nil || len(problems) > 0 {
		t.Errorf("not as Prometheus wants it: %v %v", problems, lerr)
	}
	if t.Failed() {
		t.Log(body)
	}
	err = errors.New("it has gone")
	status, body, _ := r.ask(t, "GET", "/metrics", "", nil)
	if status != 200 || !strings.Contains(body, "memlog_up 0\n") || strings.Contains(body, "memlog_memories") ||
		!strings.Contains(body, "memlog_http_requests_total") {
		t.Errorf("without a store: %d\n%s", status, body)
	}
}
