package mcpserver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

func historyTool() tool {
	return tool{
		name:  "memory_history",
		title: "History of a memory",
		doc: "Shows every version of one memory, oldest first: what it said, who changed it, when " +
			"and why. Works for deleted ones too.",
		params: []param{
			{name: "id", kind: kindText, required: true, doc: "Its id, or an alias."},
			{name: "limit", kind: kindInt, min: 1, max: memory.MaxLimit,
				doc: "Only the newest versions, at most this many; default all that fit."},
			maxTokensParam,
		},
		output: object([]string{"id", "versions", "total"}, fields{
			{"id", aString},
			{"versions", listOf(object(append([]string{"event", "time"}, entryRequired...),
				append(fields{
					{"event", described(aString, "What happened: stored, updated, deleted, …")},
					{"time", described(aTime, "When the log recorded it.")},
					{"until_seq", described(anInt, "The record that ended it; absent: it holds.")},
					{"client", aString}, {"session", aString}, {"reason", aString},
				}, entrySchema()...)))},
			{"total", described(anInt, "All versions, also those not shown.")},
			{"truncated", described(aBool, "Older versions, or parts of some, are not shown.")},
		}),
		readOnly: true, idempotent: true,
		run: runHistory,
	}
}

// version is one entry of a history.
type version struct {
	Event    string     `json:"event"`
	Time     time.Time  `json:"time"`
	UntilSeq memory.Seq `json:"until_seq,omitempty"`
	Client   string     `json:"client,omitempty"`
	Session  string     `json:"session,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	entry
}

type historyAnswer struct {
	ID        memory.ID `json:"id"`
	Versions  []rawJSON `json:"versions"`
	Total     int       `json:"total"`
	Truncated bool      `json:"truncated,omitempty"`
}

func runHistory(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	h, err := svc.History(ctx, c.text("id"))
	if err != nil {
		return answer{}, err
	}
	newest := slices.Clone(h.Versions)
	slices.Reverse(newest)
	if n := int(c.int("limit")); n > 0 {
		newest = newest[:min(n, len(newest))]
	}
	p, err := fit(newest, c.budget, func(v memory.Version, l limits) (string, any) {
		return c.showVersion(v, l)
	})
	if err != nil {
		return answer{}, err
	}
	slices.Reverse(p.texts)
	slices.Reverse(p.entries)
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, oldest first; %d shown.\n",
		plural(len(h.Versions), "version", "versions"), h.ID, p.shown)
	for _, text := range p.texts {
		b.WriteString("\n- " + text)
	}
	if p.cut {
		b.WriteString("\n\nCut to max_tokens: memory_get with as_of and the seq of a version " +
			"shows it whole.")
	}
	return answer{text: b.String(), structured: historyAnswer{
		ID: h.ID, Versions: p.entries, Total: len(h.Versions),
		Truncated: p.shown < len(h.Versions) || p.cut,
	}}, nil
}

func (c *call) showVersion(v memory.Version, l limits) (string, version) {
	out := version{
		Event: v.Event, Time: v.Time, UntilSeq: v.UntilSeq,
		Client: v.Client, Session: v.Session, Reason: v.Reason,
		entry: brief(v.Memory, l),
	}
	out.entry.Seq = v.Seq
	text := fmt.Sprintf("seq %d · %s · %s", v.Seq, v.Event, minute(v.Time, c.now.Location()))
	if v.Client != "" {
		text += " · by " + v.Client
	}
	if v.Session != "" {
		text += " · session " + v.Session
	}
	if v.Reason != "" {
		text += " · reason: " + clip(oneLine(v.Reason), 2*maxShown)
	}
	return text + "\n  " + out.heading(c.now.Location()) + "\n" + out.body(), out
}
