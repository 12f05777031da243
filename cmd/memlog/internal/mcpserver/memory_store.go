package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

// entryParams are those of one memory to store.
var entryParams = []param{
	{name: "content", kind: kindText,
		doc: "What to remember: one fact, readable without this conversation."},
	{name: "tags", kind: kindList, doc: "A few lower-case tags."},
	{name: "type", kind: kindText, doc: "Such as decision, preference, fact, fix or todo."},
	{name: "project", kind: kindText,
		doc: "The project it belongs to; leave out for what holds everywhere."},
	{name: "metadata", kind: kindJSON, doc: "Any JSON, kept word for word."},
	{name: "created_at", kind: kindTime, doc: "When the fact was, if not now."},
}

func storeTool() tool {
	return tool{
		name:  "memory_store",
		title: "Store memories",
		doc: "Remembers one thing (content) or several at once (memories, all or none). Answers " +
			"when it is durable. What a memory says already is not stored twice: created is false " +
			"and the new tags are added. Beside memories, tags, type, project, metadata and " +
			"created_at are defaults for each of them.",
		params: with(entryParams, []param{{name: "memories", kind: kindEntries,
			doc: "Several memories, instead of content."}}, originParams),
		output: object([]string{"seq", "stored"}, fields{
			{"seq", described(anInt, "Of the record; memory_undo takes it back with this number.")},
			{"stored", listOf(object([]string{"id", "created", "seq"}, fields{
				{"id", aString},
				{"created", described(aBool, "False: a memory said this already.")},
				{"seq", anInt},
			}))},
			{"total", described(anInt, "Memories stored, also where the list was cut.")},
			{"repeats", described(aBool, "The answer to a request_id that was seen before.")},
		}),
		run: runStore,
	}
}

// stored is what became of one memory.
type stored struct {
	ID      memory.ID  `json:"id"`
	Created bool       `json:"created"`
	Seq     memory.Seq `json:"seq"`
}

type storeAnswer struct {
	Seq     memory.Seq `json:"seq"`
	Stored  []rawJSON  `json:"stored"`
	Total   int        `json:"total"`
	Repeats bool       `json:"repeats,omitempty"`
}

func runStore(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	req, err := c.storeRequest()
	if err != nil {
		return answer{}, err
	}
	res, err := svc.Store(ctx, req)
	if err != nil {
		return answer{}, c.nameArgument(err)
	}
	created := 0
	for _, s := range res.Stored {
		if s.Created {
			created++
		}
	}
	p, err := fit(res.Stored, c.budget, func(s memory.Stored, _ limits) (string, any) {
		text := s.ID.String()
		if !s.Created {
			text += " (was there already)"
		}
		return text, stored{ID: s.ID, Created: s.Created, Seq: res.Seq}
	})
	if err != nil {
		return answer{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Stored %s, seq %d", memories(created), res.Seq)
	if there := len(res.Stored) - created; there > 0 {
		fmt.Fprintf(&b, "; %s there already", plural(there, "was", "were"))
	}
	fmt.Fprintf(&b, ".%s\n%s", repeated(res.Repeats), strings.Join(p.texts, "\n"))
	if rest := len(res.Stored) - p.shown; rest > 0 {
		fmt.Fprintf(&b, "\n… and %d more ids, not shown; memory_list shows them.", rest)
	}
	return answer{text: b.String(), structured: storeAnswer{
		Seq: res.Seq, Stored: p.entries, Total: len(res.Stored), Repeats: res.Repeats,
	}}, nil
}

// repeated says that nothing was done anew.
func repeated(yes bool) string {
	if yes {
		return " This request_id was answered before; nothing was done again."
	}
	return ""
}

func (c *call) storeRequest() (req memory.StoreRequest, err error) {
	req.Origin = c.origin
	if c.has("content") == c.has("memories") {
		return req, memory.Invalid("content", "give either content or memories").
			WithHint(`call it as {"content": "…", "tags": ["…"]}, or as ` +
				`{"memories": [{"content": "…"}, …]}.`)
	}
	if c.has("content") {
		m, err := c.newMemory(c.args, nil, "")
		req.Memories = []memory.NewMemory{m}
		return req, err
	}
	entries, _ := c.args["memories"].([]args)
	if len(entries) == 0 {
		return req, memory.Invalid("memories", "is empty").WithHint("give at least one memory.")
	}
	for i, e := range entries {
		m, err := c.newMemory(e, c.args, fmt.Sprintf("memories[%d]", i))
		if err != nil {
			return req, err
		}
		req.Memories = append(req.Memories, m)
	}
	return req, nil
}

// newMemory makes one memory of e; what is not in e is taken from defaults. Tags add up.
func (c *call) newMemory(e, defaults args, path string) (m memory.NewMemory, err error) {
	if !e.has("content") {
		return m, memory.Invalid(join(path, "content"), "is missing: what to remember")
	}
	from := func(name string) args {
		if e.has(name) {
			return e
		}
		return defaults
	}
	m = memory.NewMemory{
		Content:  e.text("content"),
		Tags:     append(append([]string{}, defaults.list("tags")...), e.list("tags")...),
		Type:     from("type").text("type"),
		Project:  from("project").text("project"),
		Metadata: from("metadata").json("metadata"),
		Aliases:  e.list("aliases"), // set by adjustStore only
	}
	if expr := from("created_at"); expr.has("created_at") {
		name := "created_at"
		if e.has(name) {
			name = join(path, name)
		}
		m.CreatedAt, err = parseTime(name, expr.text("created_at"), c.now, when.Start)
	}
	return m, err
}

// nameArgument makes an error of the service name the argument as this call did.
func (c *call) nameArgument(err error) error {
	var e *memory.Error
	if !c.has("content") || !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Arg = strings.TrimPrefix(e.Arg, "memories[0].")
	return &named
}
