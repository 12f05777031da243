package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

func healthTool() tool {
	return tool{
		name:  "memory_health",
		title: "Health of the memory",
		doc: "Says whether the store is whole and takes writes, how much it holds, and what to do " +
			"where something is wrong. Cheap; ask when a call fails.",
		params: []param{maxTokensParam},
		output: object([]string{"ok", "store", "writable", "problems", "notes", "seq", "memories"},
			fields{
				{"ok", aBool},
				{"store", described(aString, "Its directory.")},
				{"version", described(aString, "Of memlog.")},
				{"writable", aBool},
				{"read_only", described(aString, "Why writes are refused, and what to do.")},
				{"problems", listOf(object([]string{"kind", "detail", "offset"}, fields{
					{"kind", aString}, {"segment", aString}, {"offset", anInt}, {"seq", anInt},
					{"to_seq", anInt}, {"detail", aString},
				}))},
				{"problem_count", described(anInt, "All of them, also those not shown.")},
				{"notes", someStrings},
				{"seq", described(anInt, "The last record.")},
				{"watermark", described(anInt, "The last record that reads see.")},
				{"memories", described(anInt, "Live ones.")},
				{"last_write", aTime},
				{"clock_skew_seconds", described(aNumber, "How far the log is ahead of the clock.")},
				{"free_bytes", described(anInt, "Free space on the disk.")},
			}),
		readOnly: true, idempotent: true,
		run: runHealth,
	}
}

// healthAnswer is a health result whose lists fit the budget.
type healthAnswer struct {
	memory.HealthResult
	Problems     []rawJSON `json:"problems"`
	Notes        []rawJSON `json:"notes"`
	ProblemCount int       `json:"problem_count,omitempty"`
}

func runHealth(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	h, err := svc.Health(ctx)
	if err != nil {
		return answer{}, err
	}
	problems, err := fit(h.Problems, c.budget/2, func(p memory.Problem, _ limits) (string, any) {
		p.Detail = clip(p.Detail, maxSummary)
		text := "- " + p.Kind
		if p.Segment != "" {
			text += fmt.Sprintf(" in %s at byte %d", p.Segment, p.Offset)
		}
		if p.Seq > 0 {
			text += fmt.Sprintf(", seq %d", p.Seq)
		}
		return text + ": " + p.Detail, p
	})
	if err != nil {
		return answer{}, err
	}
	notes, err := fit(h.Notes, c.budget/4, func(n string, _ limits) (string, any) {
		n = clip(n, maxSummary)
		return "- " + n, n
	})
	if err != nil {
		return answer{}, err
	}
	return answer{text: c.healthText(h, problems, notes), structured: healthAnswer{
		HealthResult: h, Problems: problems.entries, Notes: notes.entries,
		ProblemCount: len(h.Problems),
	}}, nil
}

func (c *call) healthText(h memory.HealthResult, problems, notes page) string {
	var b strings.Builder
	if h.OK {
		b.WriteString("All is well.")
	} else {
		b.WriteString("NOT WELL: tell the user.")
	}
	fmt.Fprintf(&b, " %s live, seq %d", memories(h.Memories), h.Seq)
	if !h.LastWrite.IsZero() {
		b.WriteString(", last write " + minute(h.LastWrite, c.now.Location()))
	}
	fmt.Fprintf(&b, ". Store %s, memlog %s.", h.Store, h.Version)
	if !h.Writable {
		b.WriteString("\nWrites are refused: " + clip(h.ReadOnly, maxErrorText))
	}
	if behind := int64(h.Seq) - int64(h.Watermark); behind > 0 {
		fmt.Fprintf(&b, "\nReads are %s behind.", plural(int(behind), "record", "records"))
	}
	if h.ClockSkew > 0 {
		fmt.Fprintf(&b, "\nThe log is %.0f seconds ahead of the clock.", h.ClockSkew)
	}
	if len(h.Problems) > 0 {
		fmt.Fprintf(&b, "\nProblems (`memlog verify` lists them, `memlog repair` mends):\n%s",
			strings.Join(problems.texts, "\n"))
	}
	if rest := len(h.Problems) - problems.shown; rest > 0 {
		fmt.Fprintf(&b, "\n… and %d more, not shown.", rest)
	}
	if len(h.Notes) > 0 {
		b.WriteString("\nNotes:\n" + strings.Join(notes.texts, "\n"))
	}
	return b.String()
}
