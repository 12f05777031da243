package mcpserver

import (
	"fmt"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

// The parameters that several tools share.
var (
	filterParams = []param{
		{name: "tags", kind: kindList, doc: "Only memories with these tags; see match."},
		{name: "match", kind: kindText, enum: []string{"any", "all"},
			doc: "With several tags: any (default) or all of them."},
		{name: "type", kind: kindText, doc: "Only memories of this type."},
		{name: "project", kind: kindText, doc: "Only memories of this project."},
		{name: "session", kind: kindText, doc: "Only memories stored, changed or said again in this " +
			"session; current is your own."},
		{name: "since", kind: kindTime, doc: "Only from this time on, such as 2025-01-25, " +
			"\"2 days ago\" or an RFC 3339 time."},
		{name: "until", kind: kindTime, doc: "Only up to this time; a bare date means its end."},
		{name: "clock", kind: kindText, enum: []string{"created", "recorded"},
			doc: "What since and until compare: when the fact was (created, default), " +
				"or when it was stored (recorded)."},
	}
	asOfParam = param{name: "as_of", kind: kindMoment, min: 1,
		doc: "Answer as the store stood then: a time (a bare date means its end) or a seq."}
	maxTokensParam = param{name: "max_tokens", kind: kindInt, min: MinMaxTokens, max: MaxMaxTokens,
		doc: fmt.Sprintf("About how long the answer may be; default %d.", DefaultMaxTokens)}
	limitParam = param{name: "limit", kind: kindInt, min: 1, max: memory.MaxLimit,
		doc: fmt.Sprintf("At most this many; default %d.", memory.DefaultLimit)}
	originParams = []param{
		{name: "reason", kind: kindText, doc: "Why, in a few words; kept with the change."},
		{name: "request_id", kind: kindText, doc: "Only to repeat a call whose outcome is not " +
			"known: the id its error named. The same id never takes effect twice."},
	}
)

// with joins groups of parameters.
func with(groups ...[]param) []param {
	var all []param
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// time reads a time expression; ok is false where there is none.
func (c *call) time(name string, b when.Bound) (t time.Time, ok bool, err error) {
	if !c.has(name) {
		return time.Time{}, false, nil
	}
	if end, ok := c.args[name].(before); ok {
		t, err = parseTime(name, string(end), c.now, when.Start)
		return t.Add(-time.Microsecond), err == nil, err
	}
	t, err = parseTime(name, c.text(name), c.now, b)
	return t, err == nil, err
}

func parseTime(name, expr string, now time.Time, b when.Bound) (time.Time, error) {
	t, err := when.At(expr, now, b)
	if err != nil {
		return time.Time{}, memory.Invalid(name, "%v", err).
			WithHint("write the time in one of these forms, or leave %s out.", name)
	}
	return t, nil
}

// filter reads the shared filters. An empty one is refused: it would select everything where the
// caller meant something.
func (c *call) filter() (f memory.Filter, err error) {
	if name := c.emptyFilter(); name != "" {
		return f, memory.Invalid(name, "is empty").WithHint("leave it out for any %s.", name)
	}
	f = memory.Filter{
		Tags:    c.list("tags"),
		Match:   memory.Match(c.text("match")),
		Type:    c.text("type"),
		Project: c.text("project"),
		Session: c.text("session"),
		Clock:   memory.Clock(c.text("clock")),
	}
	if f.Session == memory.SessionCurrent {
		if f.Session = c.session; f.Session == "" {
			return f, memory.Invalid("session", "this client named none").
				WithHint("name a session, or leave it out for any.")
		}
	}
	if f.Since, _, err = c.time("since", when.Start); err != nil {
		return f, err
	}
	if f.Until, _, err = c.time("until", when.End); err != nil {
		return f, err
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && f.Until.Before(f.Since) {
		return f, memory.Invalid("until", "%s is before since, %s", stamp(f.Until), stamp(f.Since))
	}
	return f, nil
}

// emptyFilter returns the name of a filter that is given and selects by nothing, "" of none.
func (c *call) emptyFilter() string {
	for _, name := range []string{"type", "project", "session"} {
		if c.has(name) && c.text(name) == "" {
			return name
		}
	}
	if c.has("tags") && len(c.list("tags")) == 0 {
		return "tags"
	}
	return ""
}

// moment reads as_of.
func (c *call) moment() (m memory.Moment, err error) {
	if n := c.int("as_of"); n > 0 {
		return memory.Moment{Seq: memory.Seq(n)}, nil
	}
	m.Time, _, err = c.time("as_of", when.End)
	return m, err
}

// resolved is what the time expressions of a call came to mean. It is part of every answer that
// used one.
type resolved struct {
	Since *time.Time       `json:"since,omitempty"`
	Until *time.Time       `json:"until,omitempty"`
	Clock memory.Clock     `json:"clock,omitempty"`
	AsOf  *memory.Resolved `json:"as_of,omitempty"`
}

// resolvedSchema are its members in an output schema.
func resolvedSchema() fields {
	return fields{
		{"since", described(aTime, "What since was understood as.")},
		{"until", described(aTime, "What until was understood as.")},
		{"clock", described(aString, "What since and until compared.")},
		{"as_of", described(object([]string{"seq", "time"}, fields{{"seq", anInt}, {"time", aTime}}),
			"The last record the answer knows, and when it was recorded.")},
	}
}

func resolve(f memory.Filter, asOf *memory.Resolved) resolved {
	r := resolved{AsOf: asOf}
	if !f.Since.IsZero() {
		r.Since = &f.Since
	}
	if !f.Until.IsZero() {
		r.Until = &f.Until
	}
	if r.Since != nil || r.Until != nil {
		r.Clock = f.Clock
		if r.Clock == "" {
			r.Clock = memory.ClockCreated
		}
	}
	return r
}

// describe says in the text what was filtered and when it was, so that a misunderstood time
// shows. It returns whole lines.
func describe(f memory.Filter, m memory.Moment, asOf *memory.Resolved) string {
	var parts []string
	r := resolve(f, asOf)
	if r.Since != nil {
		parts = append(parts, fmt.Sprintf("%s since %s", r.Clock, stamp(f.Since)))
	}
	if r.Until != nil {
		parts = append(parts, fmt.Sprintf("%s until %s", r.Clock, stamp(f.Until)))
	}
	if len(f.Tags) > 0 {
		match := f.Match
		if match == "" {
			match = memory.MatchAny
		}
		tags := clip(strings.Join(f.Tags, ", "), maxShown)
		parts = append(parts, fmt.Sprintf("%s of tags %s", match, tags))
	}
	if f.Type != "" {
		parts = append(parts, "type "+clip(f.Type, maxShown))
	}
	if f.Project != "" {
		parts = append(parts, "project "+clip(f.Project, maxShown))
	}
	if f.Session != "" {
		parts = append(parts, "session "+clip(f.Session, maxShown))
	}
	text := ""
	if len(parts) > 0 {
		text = "Filter: " + strings.Join(parts, "; ") + ".\n"
	}
	return text + describeMoment(m, asOf)
}

func describeMoment(m memory.Moment, asOf *memory.Resolved) string {
	switch {
	case asOf == nil:
		return ""
	case m.Time.IsZero():
		return fmt.Sprintf("As of seq %d, recorded %s.\n", asOf.Seq, stamp(asOf.Time))
	}
	return fmt.Sprintf("As of %s: seq %d, recorded %s.\n",
		stamp(m.Time), asOf.Seq, stamp(asOf.Time))
}

// stamp is an exact time.
func stamp(t time.Time) string { return t.Format(time.RFC3339Nano) }
