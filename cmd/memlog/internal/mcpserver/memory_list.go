package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

func listTool() tool {
	return tool{
		name:  "memory_list",
		title: "List memories",
		doc: "Lists memories page by page, newest first, with filters. To find something by what it " +
			"says use memory_search.",
		params: with(filterParams, []param{asOfParam, limitParam,
			{name: "cursor", kind: kindText, doc: "next_cursor of the page before."},
			{name: "include_deleted", kind: kindBool, doc: "Also list deleted memories."},
			maxTokensParam}),
		output: object([]string{"memories", "total", "seq"}, append(fields{
			{"memories", listOf(object(entryRequired, entrySchema()))},
			{"next_cursor", described(aString, "Gives the next page; absent on the last.")},
			{"total", described(anInt, "Memories that the filter selects, on all pages.")},
			{"seq", described(anInt, "The last record the answer has seen.")},
			{"truncated", described(aBool, "The page is shorter than limit, or memories are "+
				"shortened, to fit max_tokens.")},
		}, resolvedSchema()...)),
		readOnly: true, idempotent: true,
		run: runList,
	}
}

type listAnswer struct {
	Memories   []rawJSON  `json:"memories"`
	NextCursor string     `json:"next_cursor,omitempty"`
	Total      int        `json:"total"`
	Seq        memory.Seq `json:"seq"`
	Truncated  bool       `json:"truncated,omitempty"`
	resolved
}

func runList(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	req, err := c.listRequest()
	if err != nil {
		return answer{}, err
	}
	res, p, err := c.listPage(ctx, svc, req)
	if err != nil {
		return answer{}, err
	}
	return answer{text: listText(req, res, p), structured: listAnswer{
		Memories: p.entries, NextCursor: res.NextCursor, Total: res.Total, Seq: res.Seq,
		Truncated: p.cut, resolved: resolve(req.Filter, res.AsOf),
	}}, nil
}

func (c *call) listRequest() (req memory.ListRequest, err error) {
	req = memory.ListRequest{
		IncludeDeleted: c.bool("include_deleted"),
		Limit:          c.limit(),
		Cursor:         c.text("cursor"),
	}
	if c.has("cursor") && req.Cursor == "" {
		return req, memory.Invalid("cursor", "is empty").
			WithHint("leave it out for the first page.")
	}
	if req.Filter, err = c.filter(); err != nil {
		return req, err
	}
	req.AsOf, err = c.moment()
	return req, err
}

// listPage asks for a page and, where the budget holds less, for one that ends where the budget
// does: only the service can make the cursor that goes on from there. A write in between can make
// the shorter page a different one, so it is fitted anew; each turn asks for less, so it ends.
func (c *call) listPage(ctx context.Context, svc memory.Service, req memory.ListRequest) (
	memory.ListResult, page, error,
) {
	cut := false
	for {
		res, err := svc.List(ctx, req)
		if err != nil {
			return memory.ListResult{}, page{}, err
		}
		if n := len(res.Memories); n > req.Limit {
			err := fmt.Errorf("list answered %d memories where %d were asked for", n, req.Limit)
			return memory.ListResult{}, page{}, err
		}
		p, err := fit(res.Memories, c.budget, func(m memory.Memory, l limits) (string, any) {
			e := brief(m, l)
			return e.heading(c.now.Location()) + "\n" + e.body(), e
		})
		if err != nil {
			return memory.ListResult{}, page{}, err
		}
		if p.shown == len(res.Memories) {
			p.cut = p.cut || cut
			return res, p, nil
		}
		req.Limit, cut = p.shown, true
	}
}

func listText(req memory.ListRequest, res memory.ListResult, p page) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in all, newest first; %d shown here.\n%s", memories(res.Total), p.shown,
		describe(req.Filter, req.AsOf, res.AsOf))
	for _, text := range p.texts {
		b.WriteString("\n- " + text)
	}
	if p.cut {
		b.WriteString("\n\nCut to max_tokens: memory_get shows one memory whole.")
	}
	if res.NextCursor != "" {
		fmt.Fprintf(&b, "\n\nMore: call memory_list again with the same filters and cursor %q.",
			res.NextCursor)
	}
	return b.String()
}
