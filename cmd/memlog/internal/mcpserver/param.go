package mcpserver

import (
	"slices"
	"strings"
	"unicode"
)

// kind is what a parameter takes.
type kind int

const (
	kindText    kind = iota // a string
	kindInt                 // a whole number, also in quotes
	kindBool                // true or false, also in quotes
	kindList                // strings; one string is split at commas
	kindIDs                 // strings; one string is one id
	kindJSON                // any JSON, kept word for word
	kindTime                // a time expression
	kindMoment              // a time expression or a sequence number
	kindEntries             // memories to store: objects, or strings that are their content
)

// param is a parameter of a tool, under its canonical name.
type param struct {
	name     string
	kind     kind
	doc      string
	required bool
	enum     []string
	also     []string // names that agents use for it in this tool
	min, max int64    // of kindInt; min also of a sequence number
}

// aliases are the names agents use for a parameter that has another. The first of the names on
// the right that the tool has is meant. A tool's own names come before any alias.
var aliases = map[string][]string{
	"q": {"query"}, "text": {"query", "content"}, "search": {"query"}, "search_query": {"query"},
	"question": {"query"}, "keywords": {"query"}, "search_term": {"query"},
	"memory": {"content"}, "memory_content": {"content"}, "fact": {"content"}, "note": {"content"},
	"items": {"memories"}, "entries": {"memories"}, "batch": {"memories"},
	"after": {"since"}, "from": {"since"}, "start": {"since"}, "start_date": {"since"},
	"before": {"until"}, "before_date": {"until"}, "time_start": {"since"}, "time_end": {"until"},
	"to": {"until"}, "end": {"until"}, "end_date": {"until"},
	"from_date": {"since"}, "since_date": {"since"}, "to_date": {"until"}, "until_date": {"until"},
	"k": {"limit"}, "n": {"limit"}, "n_results": {"limit"}, "top_k": {"limit"},
	"num_results": {"limit"}, "size": {"limit"},
	"max_results": {"limit"}, "count": {"limit"}, "page_size": {"limit"},
	"tag": {"tags"}, "labels": {"tags"}, "tag_match": {"match"}, "match_tags": {"match"},
	"memory_type": {"type"}, "category": {"type"}, "meta": {"metadata"},
	"id": {"ids"}, "memory_id": {"id", "ids"}, "memory_ids": {"ids"}, "uuid": {"id", "ids"},
	"content_hash": {"id", "ids"}, "hash": {"id", "ids"}, "memory_hash": {"id", "ids"},
	"source": {"from"}, "source_id": {"from"}, "from_id": {"from"}, "source_hash": {"from"},
	"target": {"to"}, "target_id": {"to"}, "to_id": {"to"}, "target_hash": {"to"},
	"relation": {"type"}, "relationship": {"type"}, "relation_type": {"type"},
	"relationship_type": {"type"}, "link_type": {"type"}, "unlink": {"remove"},
	"created": {"created_at"}, "date": {"created_at"}, "timestamp": {"created_at"},
	"asof": {"as_of"}, "at": {"as_of"}, "next_cursor": {"cursor"}, "page_token": {"cursor"},
	"token_budget": {"max_tokens"}, "expected_version": {"if_version"},
	"sequence": {"seq"}, "sequence_number": {"seq"}, "session_id": {"session"},
}

// canonical finds the parameter a name means.
func canonical(params []param, name string) (param, bool) {
	name = snake(name)
	if p, ok := find(params, name); ok {
		return p, true
	}
	for _, p := range params {
		if slices.Contains(p.also, name) {
			return p, true
		}
	}
	for _, other := range aliases[name] {
		if p, ok := find(params, other); ok {
			return p, true
		}
	}
	return param{}, false
}

func find(params []param, name string) (param, bool) {
	for _, p := range params {
		if p.name == name {
			return p, true
		}
	}
	return param{}, false
}

// snake turns maxTokens and max-tokens into max_tokens.
func snake(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case r == '-' || r == ' ':
			r = '_'
		case unicode.IsUpper(r) && lower:
			b.WriteByte('_')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// names lists the canonical names, for an error.
func names(params []param) string {
	all := make([]string, len(params))
	for i, p := range params {
		all[i] = p.name
	}
	return strings.Join(all, ", ")
}
