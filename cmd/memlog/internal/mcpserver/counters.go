package mcpserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// hoursParam is the window of the tools that show counters.
var hoursParam = param{name: "hours", kind: kindInt, min: 1, max: memory.MaxMetricsHours,
	doc: "How far back to count: from the start of an hour, that many before the present one " +
		"(default: 1, so the last one to two hours; a job that runs hourly misses nothing)."}

// windowFields are the members that say what was counted.
func windowFields() fields {
	return fields{
		{"since", described(aTime, "Counted from here,")}, {"until", described(aTime, "to here.")},
	}
}

// seconds is the schema of a time.
func seconds(doc string) fields { return described(aNumber, doc+", in seconds.") }

// measure asks for the counters of the window of a call.
func (c *call) measure(ctx context.Context, svc memory.Service) (memory.MetricsResult, error) {
	return svc.Metrics(ctx, memory.MetricsRequest{Hours: int(c.int("hours"))})
}

// load is what the calls of all operations come to.
type load struct {
	Total     uint64  `json:"total_operations"`
	Failed    uint64  `json:"failed_operations"`
	ErrorRate float64 `json:"error_rate"`
	Average   float64 `json:"average_latency"`
	Max       float64 `json:"max_latency"`
}

func loadFields() fields {
	return fields{
		{"total_operations", described(anInt, "Calls of the store.")},
		{"failed_operations", described(anInt, "Of those, the ones that ended with an error.")},
		{"error_rate", described(aNumber, "failed_operations / total_operations, from 0 to 1.")},
		{"average_latency", seconds("Of all calls")}, {"max_latency", seconds("The longest call")},
	}
}

// loadNames are those of loadFields.
var loadNames = []string{"total_operations", "failed_operations", "error_rate", "average_latency",
	"max_latency"}

// loadOf adds the operations up.
func loadOf(ops []memory.OperationCounters) load {
	var out load
	var took float64
	for _, op := range ops {
		out.Total += op.Latency.Count
		out.Failed += op.Failed()
		out.Max = max(out.Max, op.Latency.Max)
		took += op.Latency.Total
	}
	if out.Total > 0 {
		out.ErrorRate = float64(out.Failed) / float64(out.Total)
		out.Average = took / float64(out.Total)
	}
	return out
}

// text says it in a line.
func (l load) text() string {
	return fmt.Sprintf("%s, %d failed (%.2g %%); average %s, longest %s.",
		plural(int(l.Total), "call", "calls"), l.Failed, 100*l.ErrorRate, took(l.Average),
		took(l.Max))
}

// took shows seconds for reading.
func took(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}

// window says from when to when something was counted.
func (c *call) window(m memory.Counters) string {
	return minute(m.Since, c.now.Location()) + " to " + minute(m.Until, c.now.Location())
}

// noted adds what is odd about the counters.
func noted(text string, notes []string) string {
	if len(notes) == 0 {
		return text
	}
	return text + "\nNote: " + clip(strings.Join(notes, "; "), maxSummary)
}
