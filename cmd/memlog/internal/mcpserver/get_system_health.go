package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// The values of status.
const (
	statusHealthy   = "healthy"
	statusDegraded  = "degraded"  // it works, and somebody should look
	statusUnhealthy = "unhealthy" // it is damaged, or takes no writes
)

// What is no longer healthy.
const (
	fewFreeBytes   = 100 << 20 // of the disk
	longWait       = 1.0       // seconds, the mean wait for the writer
	manyFailures   = 0.05      // of calls or turns of the writer
	fewCalls       = 20        // below so many, a share says nothing
	longLag        = 1000      // records that reads do not see yet
	maxHealthItems = 50        // problems in an answer
)

func systemHealthTool() tool {
	return tool{
		name:  "get_system_health",
		title: "Health of the system",
		doc: "Judges the store and the process that owns it: status healthy, degraded (works, but look " +
			"at it) or unhealthy (damaged, or takes no writes), and for each problem what to do.",
		params: []param{hoursParam, maxTokensParam},
		output: object([]string{"status", "problems", "writable", "error_rate", "average_wait_time",
			"failed_acquisitions", "total_acquisitions"}, fields{
			{"status", fields{{"type", "string"}, {"enum",
				[]string{statusHealthy, statusDegraded, statusUnhealthy}}}},
			{"problems", listOf(object([]string{"severity", "problem", "action"}, fields{
				{"severity", described(aString, "The status it leads to.")},
				{"problem", aString}, {"action", described(aString, "What to do.")},
			}))},
			{"problem_count", described(anInt, "All of them, also those not shown.")},
			{"writable", aBool},
			{"error_rate", described(aNumber,
				"Calls that failed through no fault of the caller, from 0 to 1.")},
			{"average_wait_time", seconds("Mean wait for the writer")},
			{"failed_acquisitions", anInt}, {"total_acquisitions", anInt},
			{"lag", described(anInt, "Records that reads do not see yet.")},
			{"free_bytes", described(anInt, "Of the disk.")},
			{"active_clients", anInt}, {"owner_pid", anInt}, {"version", aString},
			{"uptime", seconds("Of the store's process")},
			{"last_verify", described(aTime, "The last verify by an owner of the store.")},
			{"last_verify_ok", aBool},
		}),
		readOnly: true, idempotent: true,
		run: runSystemHealth,
	}
}

type healthProblem struct {
	Severity string `json:"severity"`
	Problem  string `json:"problem"`
	Action   string `json:"action"`
}

type systemHealthAnswer struct {
	Status       string          `json:"status"`
	Problems     []healthProblem `json:"problems"`
	Count        int             `json:"problem_count"`
	Writable     bool            `json:"writable"`
	ErrorRate    float64         `json:"error_rate"`
	AverageWait  float64         `json:"average_wait_time"`
	Failed       uint64          `json:"failed_acquisitions"`
	Total        uint64          `json:"total_acquisitions"`
	Lag          uint64          `json:"lag"`
	Free         int64           `json:"free_bytes"`
	Clients      int             `json:"active_clients"`
	Owner        int             `json:"owner_pid"`
	Version      string          `json:"version"`
	Uptime       float64         `json:"uptime"`
	LastVerify   string          `json:"last_verify,omitempty"`
	LastVerifyOK *bool           `json:"last_verify_ok,omitempty"`
}

func runSystemHealth(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	h, err := svc.Health(ctx)
	if err != nil {
		return answer{}, err
	}
	m, err := c.measure(ctx, svc)
	if err != nil {
		return answer{}, err
	}
	q := m.Window.Queue
	out := systemHealthAnswer{
		Writable: h.Writable, ErrorRate: faultRate(m.Window.Operations), AverageWait: q.AverageWait,
		Failed: q.FailedAcquisitions, Total: q.TotalAcquisitions, Lag: m.Lag, Free: m.FreeBytes,
		Clients: len(m.Clients), Owner: m.Owner.PID, Version: m.Owner.Version,
		Uptime: m.Owner.Uptime,
	}
	if v := m.LastVerify; v != nil {
		out.LastVerify, out.LastVerifyOK = stamp(v.Time), &v.OK
	}
	all := append(damageOf(h), strains(h, m, out.ErrorRate)...)
	out.Status, out.Count = statusHealthy, len(all)
	for _, p := range all {
		if out.Status != statusUnhealthy {
			out.Status = p.Severity
		}
	}
	out.Problems = append([]healthProblem{}, all[:min(len(all), maxHealthItems)]...)
	page, err := fit(out.Problems, c.budget/2, func(p healthProblem, _ limits) (string, any) {
		p.Problem = clip(p.Problem, maxSummary)
		return fmt.Sprintf("- %s: %s\n  Next: %s", p.Severity, p.Problem, p.Action), p
	})
	if err != nil {
		return answer{}, err
	}
	out.Problems = out.Problems[:page.shown]
	text := fmt.Sprintf("Status: %s. memlog %s, process %d, up %s, %s.", out.Status, out.Version,
		out.Owner, took(out.Uptime), plural(out.Clients, "client", "clients"))
	if len(page.texts) > 0 {
		text += "\n" + strings.Join(page.texts, "\n")
	}
	if rest := out.Count - page.shown; rest > 0 {
		text += fmt.Sprintf("\n… and %d more, not shown.", rest)
	}
	return answer{text: text, structured: out}, nil
}

// faultRate is the share of calls that failed through no fault of their callers.
func faultRate(ops []memory.OperationCounters) float64 {
	var calls, faults uint64
	for _, op := range ops {
		calls += op.Latency.Count
		for _, e := range op.Errors {
			switch e.Code {
			case memory.CodeFailed, memory.CodeBusy, memory.CodeDamaged:
				faults += e.Count
			}
		}
	}
	if calls < fewCalls {
		return 0
	}
	return float64(faults) / float64(calls)
}

// damageOf are the problems with which the store is unhealthy.
func damageOf(h memory.HealthResult) []healthProblem {
	var out []healthProblem
	if !h.Writable {
		why := h.ReadOnly
		if why == "" {
			why = "it was opened for reading only"
		}
		out = append(out, healthProblem{statusUnhealthy, "writes are refused: " + why,
			"run `memlog verify`; reads go on"})
	}
	for _, p := range h.Problems {
		out = append(out, healthProblem{statusUnhealthy, fmt.Sprintf("%s in %s at byte %d: %s", p.Kind,
			p.Segment, p.Offset, p.Detail), "run `memlog verify`, then `memlog repair`"})
	}
	return out
}

// strains are the problems with which the store is degraded.
func strains(h memory.HealthResult, m memory.MetricsResult, faults float64) []healthProblem {
	var out []healthProblem
	add := func(bad bool, action, format string, args ...any) {
		if bad {
			out = append(out, healthProblem{statusDegraded, fmt.Sprintf(format, args...), action})
		}
	}
	q := m.Window.Queue
	add(m.FreeBytes > 0 && m.FreeBytes < fewFreeBytes, "free some space, or run `memlog archive --to`",
		"the disk has %d bytes left", m.FreeBytes)
	add(q.AverageWait > longWait, "see who is writing with get_concurrent_access_stats",
		"writes wait %s on average", took(q.AverageWait))
	add(q.TotalAcquisitions >= fewCalls &&
		float64(q.FailedAcquisitions) > manyFailures*float64(q.TotalAcquisitions),
		"see who is writing with get_concurrent_access_stats",
		"%d of %d writes were refused as busy", q.FailedAcquisitions, q.TotalAcquisitions)
	add(faults > manyFailures, "see get_performance_metrics with metric_type errors, and serve.log",
		"%.0f %% of calls failed", 100*faults)
	add(m.Lag > longLag, "wait; if it does not fall, run `memlog rebuild`",
		"reads are %d records behind", m.Lag)
	add(h.ClockSkew != 0, "check the clock of this machine",
		"the log is %.0f seconds ahead of the clock", h.ClockSkew)
	add(m.LastVerify != nil && !m.LastVerify.OK, "run `memlog verify`",
		"the last verify found damage")
	for _, n := range m.Notes {
		add(true, "nothing is lost but counters; check the disk and the rights of the store", "%s", n)
	}
	return out
}
