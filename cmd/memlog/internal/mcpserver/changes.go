package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

const (
	// maxRead bounds the events that one call reads, of which an import has hundreds in a record:
	// the rest is for the next call.
	maxRead = 10_000
	// maxLooked bounds the memories that are looked up since an event does not say what they say.
	maxLooked = 50
	// maxShort bounds the beginning of a content that is shown with a change, in bytes.
	maxShort = 400
	// maxEvents bounds the events that are shown of one change.
	maxEvents = 10
)

// change is one record of the log that changed memories.
type change struct {
	seq                              memory.Seq
	time                             time.Time
	client, session, project, reason string
	undoes                           []memory.Seq
	events                           []changeEvent
	count                            int // of all its events; more than events holds for a large one
}

// changeEvent is what happened to one memory.
type changeEvent struct {
	Event   string `json:"event"`
	ID      string `json:"id,omitempty"`
	Content string `json:"content,omitempty"`
	Type    string `json:"type,omitempty"`
	To      string `json:"to,omitempty"`
	Link    string `json:"link,omitempty"`
}

// changesQuery says which records to read, and how many changes to return at most.
type changesQuery struct {
	log    memory.LogRequest
	others bool
	limit  int
}

// changesFound is what a reading of the log found. seq is the last record that was looked at.
type changesFound struct {
	changes []change
	seq     memory.Seq
	more    bool
	damaged int
}

// readChanges reads the log from one end of the query to the other, or until it has enough.
func (c *call) readChanges(
	ctx context.Context, svc memory.Service, q changesQuery,
) (found changesFound, err error) {
	found.seq = q.log.To
	if q.log.From > q.log.To {
		return found, nil
	}
	read := 0
	for rec, err := range svc.Log(ctx, q.log) {
		switch {
		case err != nil && memory.CodeOf(err) == memory.CodeDamaged:
			found.damaged++
			continue
		case err != nil:
			return found, err
		case len(found.changes) == q.limit || read >= maxRead:
			found.seq, found.more = rec.Seq-1, true
			return found, c.lookUp(ctx, svc, found.changes)
		}
		read += max(1, len(rec.Events))
		c.progress("reading the log: seq %d of %d", rec.Seq, q.log.To)
		if q.others && rec.Session == c.session {
			continue
		}
		if ch := changeOf(rec); len(ch.events) > 0 {
			found.changes = append(found.changes, ch)
		}
	}
	if err := ctx.Err(); err != nil { // an ended context ends the log without an error
		return found, err
	}
	return found, c.lookUp(ctx, svc, found.changes)
}

// changeOf takes from a record what it did to memories. The log's own bookkeeping is none of it.
func changeOf(rec memory.LogRecord) change {
	ch := change{seq: rec.Seq, time: rec.Time, client: rec.Client, session: rec.Session,
		project: rec.Project, reason: rec.Reason}
	if rec.Lost {
		ch.events, ch.count = []changeEvent{{Event: "lost"}}, 1
	}
	for _, e := range rec.Events {
		if e.Kind == "undone" {
			ch.undoes = append(ch.undoes, undoneBy(e)...)
		}
		if !slices.Contains(memoryEvents, e.Kind) && !e.Destroyed {
			continue
		}
		if ch.count++; len(ch.events) < maxEvents {
			ch.events = append(ch.events, eventOf(e))
		}
	}
	return ch
}

// memoryEvents are the kinds of events that change what memories there are or say.
var memoryEvents = []string{"stored", "updated", "reverted", "deleted", "restored", "retracted",
	"repeated", "unrepeated", "linked", "unlinked"}

// eventOf takes from an event what is shown of it. Its fields have Go's types where the store is in
// this process, and JSON's where it is in another.
func eventOf(e memory.LogEvent) changeEvent {
	field := func(name string) string {
		switch v := e.Fields[name].(type) {
		case nil:
			return ""
		case string:
			return v
		default:
			return fmt.Sprint(v)
		}
	}
	out := changeEvent{Event: e.Kind, ID: field("id"), Type: field("type"),
		Content: clip(field("content"), maxShort)}
	switch {
	case e.Destroyed:
		out.Event = "destroyed"
	case field("from") != "":
		out.ID, out.To, out.Link, out.Type = field("from"), field("to"), field("type"), ""
	}
	return out
}

// undoneBy are the records that an event says were taken back.
func undoneBy(e memory.LogEvent) (seqs []memory.Seq) {
	b, err := json.Marshal(e.Fields["seqs"])
	if err == nil {
		err = json.Unmarshal(b, &seqs)
	}
	if err != nil {
		return nil // what was taken back shows in the other events as well
	}
	return seqs
}

// lookUp finds what memories say of which only the id stands in the log.
func (c *call) lookUp(ctx context.Context, svc memory.Service, all []change) error {
	says := map[string]string{}
	for i := range all {
		for j := range all[i].events {
			e := &all[i].events[j]
			if e.Content != "" || e.ID == "" || e.Event == "retracted" {
				continue
			}
			content, known := says[e.ID]
			if !known && len(says) == maxLooked {
				return nil
			}
			if !known {
				m, err := svc.Get(ctx, memory.GetRequest{ID: e.ID, IncludeDeleted: true})
				if err != nil && memory.CodeOf(err) != memory.CodeNotFound {
					return err
				}
				content = clip(m.Content, maxShort)
				says[e.ID] = content
			}
			e.Content = content
		}
	}
	return nil
}

// shownChange is a change as the tool shows it.
type shownChange struct {
	Seq     memory.Seq    `json:"seq"`
	Time    time.Time     `json:"time"`
	Client  string        `json:"client,omitempty"`
	Session string        `json:"session,omitempty"`
	Own     bool          `json:"own,omitempty"`
	Project string        `json:"project,omitempty"`
	Reason  string        `json:"reason,omitempty"`
	Undoes  []memory.Seq  `json:"undoes,omitempty"`
	Events  []changeEvent `json:"events"`
	Count   int           `json:"event_count"`
}

// who says who did it, in which session and where.
func (c *call) who(ch change) string {
	parts := []string{"unknown client"}
	if ch.client != "" {
		parts[0] = ch.client
	}
	switch {
	case ch.session == c.session && ch.session != "":
		parts = append(parts, "this session")
	case ch.session != "":
		parts = append(parts, "session "+ch.session)
	}
	if ch.project != "" {
		parts = append(parts, "in "+ch.project)
	}
	return clip(oneLine(strings.Join(parts, " · ")), 3*maxShown) + ":"
}

// showChange shows a change within limits. The text begins with who did it, on a line of its own.
func (c *call) showChange(ch change, l limits) (string, shownChange) {
	out := shownChange{
		Seq: ch.seq, Time: ch.time, Own: ch.session == c.session && ch.session != "",
		Client: clip(ch.client, maxShown), Session: clip(ch.session, maxShown),
		Project: clip(ch.project, 2*maxShown), Reason: clip(ch.reason, 2*maxShown),
		Undoes: ch.undoes[:min(len(ch.undoes), maxEvents)], Count: ch.count,
		Events: []changeEvent{},
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n- seq %d · %s", c.who(ch), ch.seq, minute(ch.time, c.now.Location()))
	if len(out.Undoes) > 0 {
		b.WriteString(" · took back seq " + numbers(out.Undoes))
	}
	if out.Reason != "" {
		b.WriteString(" · reason: " + oneLine(out.Reason))
	}
	for _, e := range ch.events[:min(len(ch.events), max(l.lists, 2))] {
		e.Content = clip(e.Content, min(maxShort, l.content/4))
		e.Type = clip(e.Type, maxShown)
		out.Events = append(out.Events, e)
		b.WriteString("\n" + e.line())
	}
	if rest := ch.count - len(out.Events); rest > 0 {
		fmt.Fprintf(&b, "\n   … and %d more", rest)
	}
	return b.String(), out
}

// line is an event in the text.
func (e changeEvent) line() string {
	text := "   " + e.Event
	if e.ID != "" {
		text += " " + e.ID
	}
	if e.To != "" {
		text += fmt.Sprintf(" -%s-> %s", e.Link, e.To)
	}
	if e.Type != "" {
		text += " · type " + e.Type
	}
	if e.Content != "" {
		text += ": " + e.Content
	}
	return oneLine(text)
}

func numbers(seqs []memory.Seq) string {
	parts := make([]string, len(seqs))
	for i, n := range seqs {
		parts[i] = fmt.Sprint(n)
	}
	return strings.Join(parts, ", ")
}
