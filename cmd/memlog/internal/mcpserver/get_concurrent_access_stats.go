package mcpserver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// queueFields are the members that alert rules go by.
func queueFields() fields {
	return fields{
		{"total_acquisitions", described(anInt, "Commands that asked for the writer.")},
		{"failed_acquisitions", described(anInt,
			"Of those, the ones refused as busy: the queue was full, or the wait too long.")},
		{"average_wait_time", seconds("Mean wait for the writer, failed ones included")},
		{"max_wait_time", seconds("Longest wait for the writer")},
	}
}

var queueNames = []string{"total_acquisitions", "failed_acquisitions", "average_wait_time",
	"max_wait_time"}

func accessTool() tool {
	return tool{
		name:  "get_concurrent_access_stats",
		title: "Concurrent access",
		doc: "Says how long writes wait for their turn, how many were refused as busy, and who is " +
			"connected to the store. Times are seconds.",
		params: []param{hoursParam, maxTokensParam},
		output: object(append([]string{"since", "until", "waiting", "calls_under_way",
			"active_clients", "clients", "totals"}, queueNames...),
			slices.Concat(queueFields(), windowFields(), fields{
				{"p95_wait_time", seconds("95 of 100 waits were no longer")},
				{"p99_wait_time", seconds("99 of 100 waits were no longer")},
				{"waiting", described(anInt, "Commands in the writer's queue now.")},
				{"calls_under_way", described(anInt, "Calls of clients that are not answered yet.")},
				{"active_clients", described(anInt, "All that are connected, also those not shown.")},
				{"clients", listOf(object([]string{"name", "pid", "since"}, fields{
					{"name", aString}, {"version", aString}, {"session", aString},
					{"project", aString}, {"pid", anInt}, {"since", aTime},
				}))},
				{"owner_pid", described(anInt, "The process that has the store open.")},
				{"totals", described(object(append([]string{"since"}, queueNames...),
					append(queueFields(), field{"since", aTime})),
					"The same since counting began, over all owners of the store.")},
				{"notes", someStrings},
			})),
		readOnly: true, idempotent: true,
		run: runAccess,
	}
}

// queue is the writer's queue as alert rules see it.
type queue struct {
	Total   uint64    `json:"total_acquisitions"`
	Failed  uint64    `json:"failed_acquisitions"`
	Average float64   `json:"average_wait_time"`
	Max     float64   `json:"max_wait_time"`
	Since   time.Time `json:"since"`
}

func queueOf(c memory.Counters) queue {
	q := c.Queue
	return queue{q.TotalAcquisitions, q.FailedAcquisitions, q.AverageWait, q.MaxWait, c.Since}
}

type accessAnswer struct {
	queue
	Until   time.Time `json:"until"`
	P95     float64   `json:"p95_wait_time"`
	P99     float64   `json:"p99_wait_time"`
	Waiting int       `json:"waiting"`
	Calls   int       `json:"calls_under_way"`
	Active  int       `json:"active_clients"`
	Clients []rawJSON `json:"clients"`
	Owner   int       `json:"owner_pid"`
	Totals  queue     `json:"totals"`
	Notes   []string  `json:"notes,omitempty"`
}

func runAccess(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	m, err := c.measure(ctx, svc)
	if err != nil {
		return answer{}, err
	}
	clients, err := fit(m.Clients, c.budget/2, func(p memory.ClientInfo, _ limits) (string, any) {
		return fmt.Sprintf("- %s %s, process %d, since %s", p.Name, p.Version, p.PID,
			minute(p.Since, c.now.Location())), p
	})
	if err != nil {
		return answer{}, err
	}
	w := m.Window
	out := accessAnswer{
		queue: queueOf(w), Until: w.Until, P95: w.Queue.Wait.P95, P99: w.Queue.Wait.P99,
		Waiting: m.Waiting, Calls: m.Calls, Active: len(m.Clients), Clients: clients.entries,
		Owner: m.Owner.PID, Totals: queueOf(m.Total), Notes: m.Notes,
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s for the writer, %d failed; average wait %s, longest %s, %d waiting now.",
		c.window(w), plural(int(out.Total), "turn", "turns"), out.Failed, took(out.Average),
		took(out.Max), out.Waiting)
	fmt.Fprintf(&b, "\n%s connected to process %d", plural(out.Active, "client", "clients"), out.Owner)
	if len(clients.texts) > 0 {
		b.WriteString(":\n" + strings.Join(clients.texts, "\n"))
	}
	if rest := out.Active - clients.shown; rest > 0 {
		fmt.Fprintf(&b, "\n… and %d more, not shown.", rest)
	}
	return answer{text: noted(b.String(), m.Notes), structured: out}, nil
}
