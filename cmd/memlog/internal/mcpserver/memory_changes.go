package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

const (
	// defaultChanges is how many changes are shown where no limit is given.
	defaultChanges = 50
	// maxChanges is the most that one answer shows.
	maxChanges = 1000
)

func changesTool() tool {
	return tool{
		name:  "memory_changes",
		title: "Changes to the memory",
		doc: "Shows what was stored, updated, deleted, linked or taken back since a change or a time, " +
			"oldest first: who did it, in which session and why. Give the seq of the answer as since " +
			"next time. Without since: the newest changes.",
		params: []param{
			{name: "since", kind: kindMoment, also: []string{"seq", "since_seq", "after_seq", "sequence"},
				doc: "Only what came after this seq, or from this time on; 0 for all."},
			{name: "session", kind: kindText, doc: `Only of this session; "current" for this one.`},
			{name: "others", kind: kindBool, doc: "Only what other sessions did."},
			{name: "limit", kind: kindInt, min: 1, max: maxChanges,
				doc: fmt.Sprintf("At most this many; default %d.", defaultChanges)},
			maxTokensParam,
		},
		output: object([]string{"changes", "seq", "head"}, fields{
			{"changes", listOf(object([]string{"seq", "time", "events", "event_count"}, fields{
				{"seq", described(anInt, "memory_undo takes the change back with this number.")},
				{"time", described(aTime, "When the log recorded it.")},
				{"client", aString}, {"session", aString},
				{"own", described(aBool, "This session did it.")},
				{"project", described(aString, "Where it was done.")},
				{"reason", aString},
				{"undoes", described(listOf(anInt), "Changes that this one took back.")},
				{"events", listOf(object([]string{"event"}, fields{
					{"event", described(aString, "What happened: stored, updated, deleted, …")},
					{"id", aString}, {"content", described(aString, "Its beginning.")},
					{"type", aString}, {"to", described(aString, "Of a link.")},
					{"link", described(aString, "The type of a link.")},
				}))},
				{"event_count", described(anInt, "All of them, also those not shown.")},
			}))},
			{"seq", described(anInt, "The last record looked at: since for the next call.")},
			{"head", described(anInt, "The last record there is.")},
			{"more", described(aBool, "There is more than this answer holds; ask again.")},
			{"since", described(aTime, "What since was understood as.")},
			{"damaged", described(anInt, "Places in the log that could not be read.")},
		}),
		readOnly: true, idempotent: true,
		run: runChanges,
	}
}

type changesAnswer struct {
	Changes []rawJSON  `json:"changes"`
	Seq     memory.Seq `json:"seq"`
	Head    memory.Seq `json:"head"`
	More    bool       `json:"more,omitempty"`
	resolved
	Damaged int `json:"damaged,omitempty"`
}

func runChanges(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	health, err := svc.Health(ctx)
	if err != nil {
		return answer{}, err
	}
	q := changesQuery{log: memory.LogRequest{To: health.Seq}, limit: defaultChanges}
	var since resolved
	if err := c.changesQuery(&q, &since); err != nil {
		return answer{}, err
	}
	found, err := c.readChanges(ctx, svc, q)
	if err != nil {
		return answer{}, err
	}
	p, err := fit(found.changes, c.budget, func(ch change, l limits) (string, any) {
		return c.showChange(ch, l)
	})
	if err != nil {
		return answer{}, err
	}
	out := changesAnswer{Changes: p.entries, Seq: found.seq, Head: health.Seq, More: found.more,
		resolved: since, Damaged: found.damaged}
	if p.shown < len(found.changes) {
		out.Seq, out.More = found.changes[p.shown-1].seq, true
	}
	return answer{text: c.changesText(out, found.changes, p), structured: out}, nil
}

func (c *call) changesQuery(q *changesQuery, since *resolved) error {
	if c.has("limit") {
		q.limit = int(c.int("limit"))
	}
	if q.others = c.bool("others"); q.others && c.has("session") {
		return memory.Invalid("others", "given together with session").
			WithHint("give one of the two.")
	}
	if q.log.Session = c.text("session"); c.has("session") && q.log.Session == "" {
		return memory.Invalid("session", "is empty").
			WithHint(`name a session, or "current" for this one.`)
	}
	if q.log.Session == "current" {
		q.log.Session = c.session
	}
	head := q.log.To
	switch seq, named := c.args["since"].(int64); {
	case !c.has("since"):
		q.log.From = head - min(head, memory.Seq(q.limit)) + 1
	case named && memory.Seq(seq) > head:
		return memory.Invalid("since", "seq %d is beyond the last change, %d", seq, head).
			WithHint("if the answer that named it came from this store, call memory_health.")
	case named:
		q.log.From = memory.Seq(seq) + 1
	default:
		t, _, err := c.time("since", when.Start)
		if err != nil {
			return err
		}
		q.log.Since, since.Since = t, &t
	}
	return nil
}

func (c *call) changesText(out changesAnswer, all []change, p page) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, oldest first.", plural(p.shown, "change", "changes"))
	if out.Since != nil {
		fmt.Fprintf(&b, " Since %s.", stamp(*out.Since))
	}
	who := ""
	for i, text := range p.texts {
		// Who did it is said once for a row of changes.
		if w := c.who(all[i]); w != who {
			who = w
			b.WriteString("\n")
		} else {
			text = strings.TrimPrefix(text, w+"\n")
		}
		b.WriteString("\n" + text)
	}
	if out.Damaged > 0 {
		fmt.Fprintf(&b, "\n\n%s of the log cannot be read: tell the user to run `memlog verify`.",
			plural(out.Damaged, "place", "places"))
	}
	if out.More {
		fmt.Fprintf(&b, "\n\nMore: call memory_changes again with since %d.", out.Seq)
	} else {
		fmt.Fprintf(&b, "\n\nThat is all, up to seq %d: give it as since next time.", out.Seq)
	}
	return b.String()
}
