package mcpserver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

// oldLimit is how many results mcp-memory-service returns where none is asked for.
const oldLimit = 5

var (
	oldScores = []param{
		{name: "similarity_threshold", kind: kindJSON, also: []string{"min_similarity", "min_score"},
			doc: "0, or left out."},
		{name: "quality_weight", kind: kindJSON, doc: "0, or left out."},
	}
	oldTagParams = []param{
		{name: "match_all", kind: kindBool, doc: "All of the tags."},
		{name: "operation", kind: kindText, enum: []string{"and", "or"}, doc: "and: all of the tags."},
	}
	oldTimeParams = []param{{name: "query", kind: kindText,
		also: []string{"time_expr", "timeframe", "time_expression"}, doc: "A stretch of time."}}
	oldPageParams = []param{
		{name: "page", kind: kindInt, min: 1, max: maxPage, doc: "The page, from 1."},
		{name: "stale_days", kind: kindJSON, doc: "Not kept here."},
	}
	oldExactParams = []param{
		{name: "query", kind: kindText, also: []string{"content"}, required: true,
			doc: "The text to find, letter by letter."},
	}
	oldSearchParams = []param{
		{name: "query", kind: kindText, doc: "What to look for; without it memories are listed."},
		{name: "mode", kind: kindText, enum: []string{"semantic", "ranked", "hybrid", "vector",
			"lexical", "exact"}, doc: "How."},
		{name: "time_expr", kind: kindText, doc: "A stretch of time."},
		{name: "quality_boost", kind: kindJSON, doc: "0, or left out."},
		{name: "ranking_weights", kind: kindJSON, doc: "Left out."},
		{name: "entity", kind: kindJSON, doc: "Left out."},
		{name: "max_response_chars", kind: kindInt, min: 1, max: maxExact, doc: "As max_tokens."},
		{name: "include_debug", kind: kindBool, doc: "As explain."},
		{name: "include_superseded", kind: kindBool, doc: "They are marked."},
		{name: "fallback", kind: kindBool, doc: "It is always done."},
	}
)

// maxPage bounds the number of a page, since the pages before it have to be walked through.
const maxPage = 1000

func (c *call) orLimit(n int) {
	if !c.has("limit") {
		c.args["limit"] = int64(n)
	}
}

func adjustRetrieve(_ context.Context, _ memory.Service, c *call) error {
	c.orLimit(oldLimit)
	return c.noScore("similarity_threshold", "quality_weight")
}

func adjustDebug(ctx context.Context, svc memory.Service, c *call) error {
	c.args["explain"] = true
	return adjustRetrieve(ctx, svc, c)
}

func adjustExact(_ context.Context, _ memory.Service, c *call) error {
	c.args["mode"] = string(memory.ModeExact)
	return nil
}

func adjustSearch(_ context.Context, _ memory.Service, c *call) error {
	if mode := c.text("mode"); mode == "semantic" || mode == "ranked" {
		delete(c.args, "mode")
	}
	if c.has("entity") || c.has("ranking_weights") {
		return memory.Invalid("entity", "memlog knows neither entities nor weights of a ranking").
			WithHint("leave entity and ranking_weights out; filter with tags, type or project.")
	}
	if err := c.noScore("quality_boost"); err != nil {
		return err
	}
	if n := c.int("max_response_chars"); n > 0 {
		c.budget = int(min(max(n/bytesPerToken, MinMaxTokens), MaxMaxTokens)) * bytesPerToken
	}
	if c.bool("include_debug") {
		c.args["explain"] = true
	}
	return c.span("time_expr")
}

func adjustByTag(_ context.Context, _ memory.Service, c *call) error {
	if c.bool("match_all") || c.text("operation") == "and" {
		c.args["match"] = string(memory.MatchAll)
	}
	if !c.has("tags") {
		return memory.Invalid("tags", "is missing").WithHint("name at least one tag.")
	}
	c.orLimit(memory.MaxLimit)
	return nil
}

func adjustByTime(_ context.Context, _ memory.Service, c *call) error {
	c.orLimit(oldLimit)
	if !c.has("query") && !c.has("since") && !c.has("until") {
		return memory.Invalid("start_date", "is missing").
			WithHint("give start_date, end_date or both, or a query such as \"last week\".")
	}
	return c.span("query")
}

// span turns an expression for a stretch of time into since and until.
func (c *call) span(name string) error {
	if !c.has(name) {
		return nil
	}
	if c.has("since") || c.has("until") {
		return memory.Invalid(name, "given together with since or until").
			WithHint("give one of the two.")
	}
	from, to, err := when.Span(c.text(name), c.now)
	if err != nil {
		return memory.Invalid(name, "%v", err)
	}
	c.between(from, to)
	return nil
}

func (c *call) between(from, to time.Time) {
	if !from.IsZero() {
		c.args["since"] = stamp(from)
	}
	if !to.IsZero() {
		c.args["until"] = stamp(to)
	}
}

// adjustPage walks to a page by its number.
func adjustPage(ctx context.Context, svc memory.Service, c *call) error {
	if c.has("stale_days") {
		return memory.Invalid("stale_days", "memlog does not note when a memory was read").
			WithHint("use until to list what is older than some time.")
	}
	c.orLimit(4 * oldLimit)
	if c.has("page") && !c.has("max_tokens") {
		c.budget = MaxMaxTokens * bytesPerToken // a page by its number is to be whole
	}
	pages := int(c.int("page"))
	if pages <= 1 {
		return nil
	}
	if c.has("cursor") {
		return memory.Invalid("page", "given together with cursor").WithHint("give one of the two.")
	}
	req, err := c.listRequest()
	if err != nil {
		return err
	}
	for n := 1; n < pages; n++ {
		res, err := svc.List(ctx, req)
		if err != nil {
			return err
		}
		if req.Cursor = res.NextCursor; req.Cursor == "" {
			return memory.Invalid("page", "there is no page %d: %s, %d a page", pages,
				memories(res.Total), req.Limit).WithHint("the last page is %d.", n)
		}
		c.progress("walking to page %d of %d", n+1, pages)
	}
	c.args["cursor"] = req.Cursor
	return nil
}

// runRecallMemory searches for a query in which a stretch of time is named in words, as "what we
// said about databases last week". Where only the time is left of it, it lists.
func runRecallMemory(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	c.orLimit(oldLimit)
	if c.has("since") || c.has("until") {
		return runSearch(ctx, svc, c)
	}
	rest, from, to := splitTime(c.text("query"), c.now)
	c.between(from, to)
	if c.args["query"] = rest; rest == "" {
		return listHits(ctx, svc, c)
	}
	return runSearch(ctx, svc, c)
}

// listHits lists, newest first, where there is nothing to search for, and answers as a search does.
func listHits(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	a, err := runList(ctx, svc, c)
	if err != nil {
		return answer{}, err
	}
	l := a.structured.(listAnswer)
	out := searchAnswer{Hits: l.Memories, Found: min(l.Total, c.limit()), Seq: l.Seq,
		Truncated: l.Truncated, resolved: l.resolved}
	if l.NextCursor != "" {
		out.Next = fmt.Sprintf("memory_list with the same filters and cursor %q goes on.", l.NextCursor)
	}
	a.structured = out
	return a, nil
}

const (
	// maxTimeWords is how many words an expression of time may have within a query.
	maxTimeWords = 8
	// filler are words that say that something is recalled, and not what.
	filler = " recall remember retrieve find search show get list give tell me us my our all any " +
		"everything anything something stuff things information info notes memories memory facts what " +
		"that which i we you did do have has had was were is are stored saved said added about from " +
		"the a an of in on at during for to with "
)

// splitTime takes a stretch of time out of a query: the longest one at its end, else at its
// beginning. Times are zero where there is none; rest is empty where nothing else is said.
func splitTime(query string, now time.Time) (rest string, from, to time.Time) {
	words := strings.Fields(strings.Trim(query, " ?!.\"'"))
	for i := max(0, len(words)-maxTimeWords); i < len(words); i++ {
		if f, t, ok := isTime(words[i:], now); ok {
			return subject(words[:i]), f, t
		}
	}
	for i := min(len(words), maxTimeWords); i > 0; i-- {
		if f, t, ok := isTime(words[:i], now); ok {
			return subject(words[i:]), f, t
		}
	}
	return query, time.Time{}, time.Time{}
}

// isTime reads words as a stretch of time. A bare number is none here, nor is "from" a beginning
// where no end follows.
func isTime(words []string, now time.Time) (from, to time.Time, ok bool) {
	text := strings.ToLower(strings.Join(words, " "))
	if strings.Trim(text, "0123456789") == "" ||
		words[0] == "from" && !slices.Contains(words, "to") {
		return from, to, false
	}
	from, to, err := when.Span(text, now)
	return from, to, err == nil
}

// subject is what words say beside that something is recalled.
func subject(words []string) string {
	for len(words) > 0 && isFiller(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	for len(words) > 0 && isFiller(words[0]) {
		words = words[1:]
	}
	return strings.Join(words, " ")
}

func isFiller(word string) bool {
	return strings.Contains(filler, " "+strings.ToLower(strings.Trim(word, ",.:;'"))+" ")
}
