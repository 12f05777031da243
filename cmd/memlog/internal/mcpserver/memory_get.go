package mcpserver

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/memory"
)

func getTool() tool {
	return tool{
		name:  "memory_get",
		title: "Get a memory",
		doc: "Shows one memory with all it has, deleted ones included, now or as of a moment. A long " +
			"content comes in parts: call again with offset.",
		params: []param{
			{name: "id", kind: kindText, required: true, doc: "Its id, or an alias."},
			asOfParam,
			{name: "offset", kind: kindInt, min: 0, max: math.MaxInt32,
				doc: "Byte of the content to start at: next_offset of the part before."},
			maxTokensParam,
		},
		output: object(entryRequired, append(entrySchema(),
			field{"offset", described(anInt, "Where this part of the content begins.")},
			field{"next_offset", described(anInt, "Where the next part begins; absent at the end.")},
			field{"as_of", described(fields{{"type", "object"}, {"properties",
				fields{{"seq", anInt}, {"time", aTime}}}}, "What as_of was understood as.")})),
		readOnly: true, idempotent: true,
		run: runGet,
	}
}

type getAnswer struct {
	entry
	Offset     int            `json:"offset,omitempty"`
	NextOffset int            `json:"next_offset,omitempty"`
	AsOf       *memory.Moment `json:"as_of,omitempty"` // as it was understood
}

func runGet(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	m, err := c.moment()
	if err != nil {
		return answer{}, err
	}
	found, err := svc.Get(ctx, memory.GetRequest{
		ID: c.text("id"), AsOf: m, IncludeDeleted: true})
	if err != nil {
		return answer{}, err
	}
	offset := int(c.int("offset"))
	if n := len(found.Content); offset > n || offset < n && !utf8.RuneStart(found.Content[offset]) {
		return answer{}, memory.Invalid("offset", "%d is not the start of a part", offset).
			WithHint("use next_offset of the part before; the content has %d bytes.", n)
	}
	out, err := c.getAnswer(found, offset)
	if err != nil {
		return answer{}, err
	}
	if !m.IsNow() {
		out.AsOf = &m
	}
	return answer{text: c.getText(m, out), structured: out}, nil
}

// getAnswer gives all but the content of a memory at most half the budget, and the content what
// remains.
func (c *call) getAnswer(m memory.Memory, offset int) (getAnswer, error) {
	bare := m
	bare.Content = ""
	var out getAnswer
	used := 0
	for _, l := range levels {
		out = getAnswer{entry: show(bare, l), Offset: offset}
		b, err := marshal(out)
		if err != nil {
			return out, fmt.Errorf("encode memory %s: %w", m.ID, err)
		}
		if used = len(b); used <= c.budget/2 {
			break
		}
	}
	part, next := window(m.Content, offset, max(c.budget-headingBytes-used, minContentBytes))
	out.Content = part
	if next < len(m.Content) {
		out.NextOffset = next
	}
	if len(part) < len(m.Content) {
		out.Cut, out.Bytes = append(out.Cut, "content"), len(m.Content)
	}
	return out, nil
}

// minContentBytes is how much of a content memory_get shows at least.
const minContentBytes = 400

func (c *call) getText(m memory.Moment, e getAnswer) string {
	loc := c.now.Location()
	var b strings.Builder
	if !m.IsNow() {
		b.WriteString("As of " + asked(m) + ":\n")
	}
	fmt.Fprintf(&b, "%s · updated %s · seq %d\n", e.heading(loc), minute(e.UpdatedAt, loc), e.Seq)
	if e.Offset > 0 || e.NextOffset > 0 {
		fmt.Fprintf(&b, "Bytes %d to %d of %d:\n", e.Offset, e.Offset+len(e.Content), e.Bytes)
	}
	b.WriteString(e.Content)
	if len(e.Metadata) > 0 {
		b.WriteString("\n\nmetadata: " + string(e.Metadata))
	}
	if len(e.Aliases) > 0 {
		b.WriteString("\naliases: " + strings.Join(e.Aliases, ", "))
	}
	for _, l := range e.Links {
		fmt.Fprintf(&b, "\nlink: %s -%s-> %s", l.From, l.Type, l.To)
	}
	for _, o := range e.Occurrences {
		fmt.Fprintf(&b, "\nalso said: %s", minute(o.CreatedAt, loc))
	}
	if e.NextOffset > 0 {
		fmt.Fprintf(&b, "\n\nCut to max_tokens: call memory_get again with offset %d for the rest.",
			e.NextOffset)
	}
	return b.String()
}

// asked is a moment as it was understood.
func asked(m memory.Moment) string {
	if m.Seq > 0 {
		return fmt.Sprintf("seq %d", m.Seq)
	}
	return stamp(m.Time)
}
