package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// old makes a tool that is answered and never listed: it has the name that a tool of
// mcp-memory-service has, takes the arguments of that one and of ours, and does what ours does.
// adjust, where it is needed, words the arguments as ours has them.
func old(
	name string, to tool, extra []param, adjust func(context.Context, memory.Service, *call) error,
) tool {
	t := to
	t.name, t.params = name, with(without(to.params, extra), extra)
	t.run = func(ctx context.Context, svc memory.Service, c *call) (answer, error) {
		if adjust != nil {
			if err := adjust(ctx, svc, c); err != nil {
				return answer{}, err
			}
		}
		return to.run(ctx, svc, c)
	}
	return t
}

// without are the parameters that are not among others by name.
func without(params, others []param) []param {
	var kept []param
	for _, p := range params {
		if _, ok := find(others, p.name); !ok {
			kept = append(kept, p)
		}
	}
	return kept
}

// oldTools are the names of mcp-memory-service that are answered, over all its versions.
func oldTools() []tool {
	retrieve := old("retrieve_memory", searchTool(), oldScores, adjustRetrieve)
	recall := old("recall_memory", searchTool(), nil, nil)
	recall.run = runRecallMemory
	byTag := old("search_by_tag", listTool(), oldTagParams, adjustByTag)
	byTime := old("recall_by_timeframe", listTool(), oldTimeParams, adjustByTime)
	remove := old("delete_memory", deleteTool(), nil, needs("ids"))
	deleteByTag := old("delete_by_tag", deleteTool(), nil, needs("tags"))
	health := old("check_database_health", healthTool(), nil, nil)
	return []tool{
		old("store_memory", storeTool(), oldStoreParams, adjustStore),
		old("memory_store_session", storeTool(), oldSessionParams, adjustSession),
		retrieve, named(retrieve, "dashboard_retrieve_memory"),
		old("retrieve_with_quality_boost", searchTool(), oldScores, adjustRetrieve),
		old("debug_retrieve", searchTool(), oldScores, adjustDebug),
		old("search_memories", searchTool(), oldSearchParams, adjustSearch).elseList(),
		old("exact_match_retrieve", searchTool(), oldExactParams, adjustExact),
		recall, named(recall, "dashboard_recall_memory"),
		byTag, named(byTag, "dashboard_search_by_tag"),
		byTime, named(byTime, "search_by_time"),
		old("list_memories", listTool(), oldPageParams, adjustPage),
		named(getTool(), "get_memory"), named(getTool(), "get_memory_by_hash"),
		remove, named(remove, "dashboard_delete_memory"),
		deleteByTag, named(deleteByTag, "delete_by_tags"),
		old("delete_by_all_tags", deleteTool(), nil, adjustAllTags),
		old("delete_by_timeframe", deleteTool(), nil, needs("since")),
		old("delete_before_date", deleteTool(), nil, needs("until")),
		old("update_memory_metadata", updateTool(), oldUpdateParams, adjustUpdate),
		old("rate_memory", updateTool(), oldRateParams, adjustRate),
		cleanupTool(), named(cleanupTool(), "memory_cleanup"),
		health, named(health, "dashboard_check_health"), named(health, "dashboard_get_stats"),
		named(health, "get_stats"),
		named(health, "memory_stats"), named(health, "get_cache_stats"),
	}
}

// named is the same tool under another name.
func named(t tool, name string) tool {
	t.name = name
	return t
}

// gone has what to do instead of what memlog does not do, and the names for that in
// mcp-memory-service.
var gone = map[string][]string{
	"vectors are not shown; memory_search with explain shows how it ranks.": {
		"get_embedding", "get_raw_embedding", "check_embedding_model"},
	"there is nothing to optimise; memory_health says whether all is well.": {
		"optimize_db", "dashboard_optimize_db"},
	"the log is the backup; the user has `memlog export` and `memlog archive`.": {
		"dashboard_create_backup", "create_backup"},
	"tell the user, who has `memlog import`, or call memory_store.": {
		"ingest_document", "ingest_directory", "memory_ingest", "memory_harvest"},
	"rate_memory keeps a rating in the metadata, which memory_get shows.": {
		"memory_quality", "analyze_quality_distribution", "get_memory_quality"},
	"memory_get shows the links of a memory, memory_link makes them.": {
		"memory_graph", "find_connected_memories", "find_shortest_path", "get_memory_subgraph"},
	"memory_search finds what speaks of the same; memory_update corrects it.": {
		"memory_conflicts", "memory_resolve"},
	"use memory_store and memory_search with the type fix.": {
		"mistake_note_add", "mistake_note_search"},
	"nothing is forgotten by itself; memory_update and memory_delete keep it tidy.": {
		"memory_consolidate", "consolidate_memories", "consolidation_status",
		"consolidation_recommendations", "scheduler_status", "trigger_consolidation",
		"pause_consolidation", "resume_consolidation"},
}

// theirs are the members by which a call of a tool that both have is one of mcp-memory-service, and
// under which name it is answered.
var theirs = map[string]struct {
	as      string
	members []string
}{
	"memory_search": {"search_memories", []string{"time_expr", "quality_boost", "include_debug",
		"max_response_chars", "include_superseded", "entity", "fallback", "ranking_weights"}},
	"memory_list":   {"list_memories", []string{"page", "stale_days"}},
	"memory_update": {"update_memory_metadata", []string{"updates"}},
	"memory_store":  {"store_memory", []string{"conversation_id", "client_hostname"}},
}

// saysTheirs reports whether a call of a tool that both have is worded as theirs.
func saysTheirs(name string, arguments json.RawMessage) bool {
	both, ok := theirs[name]
	if !ok {
		return false
	}
	var given map[string]json.RawMessage
	if json.Unmarshal(arguments, &given) != nil {
		return false
	}
	for _, m := range both.members {
		if _, ok := given[m]; ok {
			return true
		}
	}
	mode := strings.ToLower(string(given["mode"]))
	return name == "memory_search" && (mode == `"semantic"` || mode == `"ranked"`)
}

// needs refuses a call that lacks an argument of ours which theirs requires.
func needs(name string) func(context.Context, memory.Service, *call) error {
	return func(_ context.Context, _ memory.Service, c *call) error {
		if !c.has(name) {
			return memory.Invalid(name, "is missing").
				WithHint("give it; nothing was done. memory_delete and memory_list take other filters.")
		}
		return nil
	}
}

// elseList makes a tool that searches list where there is no query.
func (t tool) elseList() tool {
	search := t.run
	t.run = func(ctx context.Context, svc memory.Service, c *call) (answer, error) {
		if c.has("query") {
			return search(ctx, svc, c)
		}
		if err := adjustSearch(ctx, svc, c); err != nil {
			return answer{}, err
		}
		return listHits(ctx, svc, c)
	}
	return t
}

// noScore refuses a bound on the similarity, of which there is none here, unless it lets all pass.
func (c *call) noScore(names ...string) error {
	for _, name := range names {
		raw := strings.Trim(string(c.json(name)), `"`)
		var n float64
		if !c.has(name) {
			continue
		}
		if _, err := fmt.Sscan(raw, &n); err != nil || n != 0 {
			return memory.Invalid(name, "scores here are comparable within one result only, and memlog "+
				"keeps no quality of a memory").WithHint("leave %s out, and give a limit.", name)
		}
		delete(c.args, name)
	}
	return nil
}
