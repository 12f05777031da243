package mcpserver

import (
	"context"
	"fmt"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// keepMetricsDays is how many days of counters stay where a call does not say.
const keepMetricsDays = 1

func cleanupMetricsTool() tool {
	return tool{
		name:  "cleanup_metrics",
		title: "Forget old counters",
		doc: "Forgets counters of the past, by the hour, and says which; totals stay unless days is 0. " +
			"No memory is touched, and the log is not. Hours older than a week are forgotten anyway.",
		params: []param{
			{name: "days", kind: kindInt, min: 0, max: memory.MaxMetricsHours / 24, doc: fmt.Sprintf(
				"Keep so many days (default: %d). 0 forgets everything, the totals too.",
				keepMetricsDays)},
			{name: "older_than", kind: kindText, doc: `Instead of days: an age, as "36h".`},
			dryRunParam,
		},
		output: object([]string{"dropped_hours", "kept_hours", "dropped_operations", "totals_dropped",
			"before"}, fields{
			{"dropped_hours", described(anInt, "Hours whose counters are gone.")},
			{"kept_hours", anInt},
			{"dropped_operations", described(anInt, "Calls that were counted in them.")},
			{"totals_dropped", described(aBool, "The totals too: counting begins anew.")},
			{"before", described(aTime, "What ended before it was dropped.")},
			{"dry_run", described(aBool, "Nothing was done.")},
		}),
		destructive: true, idempotent: true,
		run: runCleanupMetrics,
	}
}

type cleanupAnswer struct {
	Hours  int       `json:"dropped_hours"`
	Kept   int       `json:"kept_hours"`
	Calls  uint64    `json:"dropped_operations"`
	Totals bool      `json:"totals_dropped"`
	Before time.Time `json:"before"`
	DryRun bool      `json:"dry_run,omitempty"`
}

func runCleanupMetrics(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	age, err := c.age()
	if err != nil {
		return answer{}, err
	}
	r, err := svc.ClearMetrics(ctx,
		memory.ClearMetricsRequest{OlderThan: age, DryRun: c.bool("dry_run")})
	if err != nil {
		return answer{}, err
	}
	verb := "Dropped"
	if r.DryRun {
		verb = "Would drop"
	}
	text := fmt.Sprintf("%s the counters of %s (%s), kept %d.", verb,
		plural(r.Hours, "hour", "hours"), plural(int(r.Calls), "call", "calls"), r.HoursLeft)
	if r.Totals {
		text += " The totals too."
	}
	return answer{text: text + " No memory was touched.", structured: cleanupAnswer{
		Hours: r.Hours, Kept: r.HoursLeft, Calls: r.Calls, Totals: r.Totals, Before: r.Before,
		DryRun: r.DryRun}}, nil
}

// age returns from which age on counters are forgotten; 0: all.
func (c *call) age() (time.Duration, error) {
	switch {
	case c.has("days") && c.has("older_than"):
		return 0, memory.Invalid("older_than", "does not go with days").WithHint("give one of them")
	case c.has("older_than"):
		d, err := time.ParseDuration(c.text("older_than"))
		if err != nil || d <= 0 {
			return 0, memory.Invalid("older_than", "not an age: %q", clip(c.text("older_than"), maxShown)).
				WithHint(`give hours, as "36h", or use days`)
		}
		return d, nil
	case c.has("days"):
		return time.Duration(c.int("days")) * 24 * time.Hour, nil
	}
	return keepMetricsDays * 24 * time.Hour, nil
}
