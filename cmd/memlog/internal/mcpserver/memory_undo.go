package mcpserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

func undoTool() tool {
	return tool{
		name:  "memory_undo",
		title: "Undo changes",
		doc: "Takes changes back. Without arguments: this session's newest change that is not undone " +
			"yet; again goes further back. Give one of seq, last, since or session for others. What " +
			"changed since is left alone and listed, unless force. An undo can be undone by its seq.",
		params: with([]param{
			{name: "seq", kind: kindInt, min: 1, max: maxExact, doc: "Exactly this change."},
			{name: "last", kind: kindInt, min: 1, max: memory.MaxLimit, doc: "The newest so many."},
			{name: "since", kind: kindTime, doc: "All since this time."},
			{name: "session", kind: kindText, doc: `All of a session; "current" for this one.`},
			{name: "force", kind: kindBool, doc: "Also take back what changed since."},
			dryRunParam, maxTokensParam,
		}, originParams),
		output: object([]string{"seq", "undone", "affected", "total"}, fields{
			{"seq", described(anInt, "Of the undo itself; 0 where nothing was done.")},
			{"undone", listOf(object([]string{"seq", "time", "summary"}, fields{
				{"seq", anInt}, {"time", aTime}, {"summary", aString}, {"kinds", someStrings},
				{"group", aString},
			}))},
			{"affected", described(someStrings, "Ids, as many as fit max_tokens.")},
			{"total", described(anInt, "How many were affected.")},
			{"left", listOf(object([]string{"id", "reason"}, fields{
				{"id", aString}, {"reason", aString},
			}))},
			{"left_total", described(anInt, "How many were left alone.")},
			{"since", described(aTime, "What since was understood as.")},
			{"dry_run", described(aBool, "Nothing was done.")},
			{"repeats", described(aBool, "The answer to a request_id that was seen before.")},
		}),
		destructive: true,
		run:         runUndo,
	}
}

type undoAnswer struct {
	Seq       memory.Seq `json:"seq"`
	Undone    []rawJSON  `json:"undone"`
	Affected  []rawJSON  `json:"affected"`
	Total     int        `json:"total"`
	Left      []rawJSON  `json:"left,omitempty"`
	LeftTotal int        `json:"left_total,omitempty"`
	Since     *time.Time `json:"since,omitempty"`
	DryRun    bool       `json:"dry_run,omitempty"`
	Repeats   bool       `json:"repeats,omitempty"`
}

func runUndo(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	req, err := c.undoRequest()
	if err != nil {
		return answer{}, err
	}
	res, err := svc.Undo(ctx, req)
	if err != nil && (memory.CodeOf(err) != memory.CodeConflict || len(res.Left) == 0) {
		return answer{}, err
	}
	return c.undoAnswer(req, res)
}

func (c *call) undoRequest() (req memory.UndoRequest, err error) {
	var given []string
	for _, name := range []string{"seq", "last", "since", "session"} {
		if c.has(name) {
			given = append(given, name)
		}
	}
	if len(given) > 1 {
		return req, memory.Invalid(given[1], "given together with %s", given[0]).
			WithHint("give at most one of seq, last, since, session.")
	}
	req = memory.UndoRequest{
		Seq: memory.Seq(c.int("seq")), Last: int(c.int("last")), AllOfSession: c.text("session"),
		Force: c.bool("force"), DryRun: c.bool("dry_run"), Origin: c.origin,
	}
	if c.has("session") && req.AllOfSession == "" {
		return req, memory.Invalid("session", "is empty").
			WithHint(`name a session, or "current" for this one.`)
	}
	if req.AllOfSession == "current" {
		req.AllOfSession = c.origin.Session
	}
	req.Since, _, err = c.time("since", when.Start)
	return req, err
}

// undoAnswer gives each of the three lists its share of the budget.
func (c *call) undoAnswer(req memory.UndoRequest, res memory.UndoResult) (answer, error) {
	undone, err := fit(res.Undone, c.budget/2,
		func(u memory.UndoneCommand, _ limits) (string, any) {
			u.Summary = clip(oneLine(u.Summary), maxSummary)
			u.Kinds = append([]string{}, u.Kinds...)
			return fmt.Sprintf("- seq %d, %s: %s", u.Seq, minute(u.Time, c.now.Location()),
				u.Summary), u
		})
	if err != nil {
		return answer{}, err
	}
	left, err := fit(res.Left, c.budget/4, func(l memory.LeftAlone, _ limits) (string, any) {
		l.Reason = clip(l.Reason, maxSummary)
		return fmt.Sprintf("- %s: %s", l.ID, l.Reason), l
	})
	if err != nil {
		return answer{}, err
	}
	affected, err := fitIDs(res.Affected, c.budget/4)
	if err != nil {
		return answer{}, err
	}
	out := undoAnswer{
		Seq: res.Seq, Undone: undone.entries, Affected: affected.entries, Total: len(res.Affected),
		Left: left.entries, LeftTotal: len(res.Left), DryRun: res.DryRun, Repeats: res.Repeats,
	}
	if !req.Since.IsZero() {
		out.Since = &req.Since
	}
	return answer{
		text:       undoText(req, res, undone, left, affected),
		structured: out,
		refused:    len(res.Left) > 0,
	}, nil
}

// maxSummary bounds a line about one undone command or memory left alone, in bytes.
const maxSummary = 200

func undoText(
	req memory.UndoRequest, res memory.UndoResult, undone, left, affected page,
) string {
	var b strings.Builder
	switch n := plural(len(res.Undone), "change", "changes"); {
	case len(res.Undone) == 0 && len(res.Left) == 0:
		b.WriteString("Nothing to undo.")
	case res.Seq == 0 && !res.DryRun:
		fmt.Fprintf(&b, "Nothing was taken back of %s:", n)
	case res.DryRun:
		fmt.Fprintf(&b, "Would take back %s; nothing was done.", n)
	default:
		fmt.Fprintf(&b, "Took back %s, seq %d.%s", n, res.Seq, repeated(res.Repeats))
	}
	if !req.Since.IsZero() {
		fmt.Fprintf(&b, "\nSince %s.", stamp(req.Since))
	}
	for _, line := range undone.texts {
		b.WriteString("\n" + line)
	}
	if rest := len(res.Undone) - undone.shown; rest > 0 {
		fmt.Fprintf(&b, "\n… and %d more, not shown.", rest)
	}
	if len(res.Affected) > 0 {
		fmt.Fprintf(&b, "\nAffected %s:%s", memories(len(res.Affected)),
			idLines(affected.texts, len(res.Affected)))
	}
	if len(res.Left) > 0 {
		fmt.Fprintf(&b, "\nConflict: left alone %s that changed since:\n%s",
			memories(len(res.Left)), strings.Join(left.texts, "\n"))
		if rest := len(res.Left) - left.shown; rest > 0 {
			fmt.Fprintf(&b, "\n… and %d more, not shown.", rest)
		}
		b.WriteString("\nNext: look at them with memory_history; with force they are taken back" +
			" too.")
	}
	return b.String()
}
