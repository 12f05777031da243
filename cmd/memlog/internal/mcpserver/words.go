package mcpserver

import (
	"regexp"
	"strings"
	"sync"
)

// toolFor has, for what hints say to people at a command line, what an agent does instead. The
// first that fits counts.
var toolFor = strings.NewReplacer(
	", or wait longer with --timeout", "",
	"memlog undo SEQ", "memory_undo with a seq",
	"memlog undo", "memory_undo",
	"memlog log", "memory_history of a memory",
	"memlog list", "memory_list",
	"memlog search", "memory_search",
	"memlog get", "memory_get",
	"memlog history", "memory_history",
	"memlog update", "memory_update",
	"memlog delete", "memory_delete",
	"memlog add", "memory_store",
	", or with memlog import", "",
	"memlog import takes any number", "send them in several calls",
	"--as-of", "as_of", "--until", "until", "--since", "since", "--tag", "tags", "--limit", "limit",
)

// restoring is what undo does here; the record of the deletion stands in the message.
var restoring = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bmemlog restore( [0-9a-f-]{36})?`)
})

// forPeople finds what no tool does.
var forPeople = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bmemlog (verify|repair|rebuild|snapshot|archive|replay|revert|` +
		`export|import|duplicates|stats|serve|status|stop|link|tags|try|model)\b|--[a-z]`)
})

// inTools words a hint, which names commands, for an agent, which has tools. What only a person can
// do, the agent is to pass on.
func inTools(hint string) string {
	hint = restoring().ReplaceAllString(toolFor.Replace(hint), "memory_undo of the deletion")
	if forPeople().MatchString(hint) {
		return "tell the user, who has the command line: " + hint
	}
	return hint
}
