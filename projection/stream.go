package projection

import (
	"encoding/json"
	"strings"

	"memlog/wal/event"
)

// streamKeys are the members of metadata that say in which conversation a memory came up, as
// clients call it.
var streamKeys = [...]string{"session_id", "session", "conversation_id", "conversation",
	"thread_id", "thread", "chat_id", "chat"}

// stream names what a memory was said in: its project, the conversation its metadata names and,
// where they name none, the session of the record.
func stream(session string, m event.Memory) string {
	parts := []string{m.Project}
	var metadata map[string]json.RawMessage
	if len(m.Metadata) > 0 && json.Unmarshal(m.Metadata, &metadata) == nil {
		for _, k := range streamKeys {
			if v, ok := metadata[k]; ok && len(v) < maxStreamName {
				parts = append(parts, string(v))
			}
		}
	}
	if len(parts) == 1 {
		parts = append(parts, session)
	}
	return strings.Join(parts, "\x00")
}

// maxStreamName is how long the name of a conversation may be, in bytes of JSON.
const maxStreamName = 1024
