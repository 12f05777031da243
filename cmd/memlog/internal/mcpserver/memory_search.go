package mcpserver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

func searchTool() tool {
	return tool{
		name:  "memory_search",
		title: "Search memories",
		doc: "Finds the memories that answer a query best, best first. Use plain words. Filters are " +
			"applied inside the search. as_of searches the store as it was at a moment.",
		params: with([]param{{name: "query", kind: kindText, required: true,
			doc: "What to look for, in plain words."}},
			filterParams, []param{asOfParam,
				{name: "mode", kind: kindText, enum: []string{"hybrid", "vector", "lexical", "exact"},
					doc: "hybrid (default); lexical: by words; vector: by meaning; " +
						"exact: this piece of text, letter by letter."},
				limitParam,
				{name: "context", kind: kindInt, min: 0, max: memory.MaxContext, doc: "Also show this many " +
					"memories of the same session before and after each hit; default 0."},
				{name: "explain", kind: kindBool, doc: "Also show what each score is made of."},
				maxTokensParam}),
		output: object([]string{"hits", "found", "seq"}, append(fields{
			{"hits", listOf(object(entryRequired, append(entrySchema(), contextSchema()...)))},
			{"weak", described(aBool, "No hit answers the query well: it has words that none has.")},
			{"notes", described(listOf(aString), "Where the answer was found otherwise than was asked.")},
			{"found", described(anInt, "Hits within limit, also where the list was cut.")},
			{"seq", described(anInt, "The last record the answer has seen.")},
			{"truncated", described(aBool, "Hits or parts of them do not fit max_tokens.")},
			{"next", described(aString, "How to see what was cut.")},
		}, resolvedSchema()...)),
		readOnly: true, idempotent: true,
		run: runSearch,
	}
}

type searchAnswer struct {
	Hits      []rawJSON  `json:"hits"`
	Weak      bool       `json:"weak,omitempty"`
	Notes     []string   `json:"notes,omitempty"`
	Found     int        `json:"found"`
	Seq       memory.Seq `json:"seq"`
	Truncated bool       `json:"truncated,omitempty"`
	Next      string     `json:"next,omitempty"`
	resolved
}

func runSearch(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	req, err := c.searchRequest()
	if err != nil {
		return answer{}, err
	}
	res, err := svc.Search(ctx, req)
	if err != nil {
		return answer{}, err
	}
	p, err := fit(res.Hits, c.budget, func(h memory.Hit, l limits) (string, any) {
		e := brief(h.Memory, l)
		e.Score, e.Explain = h.Score, h.Explain
		e.Before = cutList(&e, "before", neighbours(h.Before, l), l.lists)
		e.After = cutList(&e, "after", neighbours(h.After, l), l.lists)
		return fmt.Sprintf("%s · score %.3g%s\n%s", e.heading(c.now.Location()), h.Score,
			explained(h.Explain), e.among()), e
	})
	if err != nil {
		return answer{}, err
	}
	out := searchAnswer{Hits: p.entries, Found: len(res.Hits), Weak: res.Weak, Seq: res.Seq,
		Notes: res.Notes, Truncated: p.cut, resolved: resolve(req.Filter, res.AsOf)}
	if p.cut {
		out.Next = fmt.Sprintf("%d of %d hits shown, long ones shortened: memory_get shows one "+
			"whole; a smaller limit or a larger max_tokens shows more.", p.shown, len(res.Hits))
	}
	return answer{text: searchText(req, res, p, out.Next), structured: out}, nil
}

func (c *call) searchRequest() (req memory.SearchRequest, err error) {
	req = memory.SearchRequest{
		Query:   c.text("query"),
		Mode:    memory.Mode(c.text("mode")),
		Limit:   c.limit(),
		Explain: c.bool("explain"),
		Context: int(c.int("context")),
		Near:    c.project,
	}
	if strings.TrimSpace(req.Query) == "" {
		return req, memory.Invalid("query", "is empty").
			WithHint("say what to look for, or browse with memory_list.")
	}
	if req.Filter, err = c.filter(); err != nil {
		return req, err
	}
	req.AsOf, err = c.moment()
	return req, err
}

// limit is how many entries to ask for: never more than could be shown.
func (c *call) limit() int {
	n := memory.DefaultLimit
	if c.has("limit") {
		n = int(c.int("limit"))
	}
	return min(n, c.budget/minEntryBytes)
}

func searchText(
	req memory.SearchRequest, res memory.SearchResult, p page, next string,
) string {
	var b strings.Builder
	query := clip(oneLine(req.Query), maxShown)
	if len(res.Hits) == 0 {
		fmt.Fprintf(&b, "Nothing found for %q.\n%s", query, describe(req.Filter, req.AsOf, res.AsOf))
		b.WriteString("Try other or fewer words, drop filters, or browse with memory_list.")
		return b.String()
	}
	fmt.Fprintf(&b, "%s found for %q, best first.\n%s", memories(len(res.Hits)), query,
		describe(req.Filter, req.AsOf, res.AsOf))
	for _, n := range res.Notes {
		b.WriteString("Note: " + oneLine(n) + ".\n")
	}
	if res.Weak {
		b.WriteString("None has most of what was asked for: these may be about something else.\n")
	}
	for i, text := range p.texts {
		fmt.Fprintf(&b, "\n%d. %s", i+1, text)
	}
	if next != "" {
		b.WriteString("\n\nCut to max_tokens: " + next)
	}
	return b.String()
}

// explained lists what a score is made of, in the order of the names.
func explained(signals map[string]float64) string {
	if len(signals) == 0 {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(signals)) {
		parts = append(parts, fmt.Sprintf("%s %.3g", name, signals[name]))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
