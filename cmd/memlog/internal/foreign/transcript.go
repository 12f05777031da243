package foreign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"memlog/cmd/memlog/internal/transfer"
	"memlog/wal/event"
)

// transcript is a session of Claude Code: each message that says something is a memory. What tools
// were asked and answered, and what the program notes for itself, is passed over and counted.
type transcript struct{ textFile }

// message is a line of a transcript.
type message struct {
	Type      string          `json:"type"`
	UUID      string          `json:"uuid"`
	SessionID string          `json:"sessionId"`
	Timestamp string          `json:"timestamp"`
	Cwd       string          `json:"cwd"`
	Meta      bool            `json:"isMeta"`
	Message   json.RawMessage `json:"message"`
}

// said is what a message says.
type said struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

func (t transcript) entries(ctx context.Context, r *report, yield func(Entry) bool) error {
	text, _, err := t.open(ctx)
	if err != nil {
		return err
	}
	lines := &lineReader{src: text}
	passed := 0
	for {
		line, size, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", lines.n, err)
		}
		if size > transfer.MaxLine {
			if !yield(Entry{At: lines.n, Rejected: fmt.Sprintf("line of %d bytes, at most %d", size,
				transfer.MaxLine)}) {
				return errStop
			}
			continue
		}
		if strings.TrimSpace(string(line)) == "" {
			continue
		}
		fixed, _ := fixUTF8(line)
		e, ok := messageEntry(fixed, lines.n, r)
		if !ok {
			passed++
			continue
		}
		if !yield(e) {
			return errStop
		}
	}
	if passed > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d lines are no message of a person or of Claude, and "+
			"were passed over", passed))
	}
	return nil
}

// messageEntry makes the memory of a line; ok is false where it is none.
func messageEntry(line []byte, at int, r *report) (e Entry, ok bool) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return Entry{At: at, Rejected: "not JSON: " + err.Error()}, true
	}
	if m.Type != "user" && m.Type != "assistant" || m.Meta {
		return Entry{}, false
	}
	var what said
	if json.Unmarshal(m.Message, &what) != nil {
		return Entry{At: at, Rejected: "a message that says nothing"}, true
	}
	text := spoken(what.Content)
	if strings.TrimSpace(text) == "" {
		return Entry{}, false
	}
	metadata, err := json.Marshal(map[string]string{"session": m.SessionID, "role": what.Role})
	if err != nil { // texts always can be
		metadata = nil
	}
	l := transfer.Line{Content: text, Type: "message", Project: plainLine(m.Cwd), Metadata: metadata}
	if what.Role != "" {
		l.Tags = []string{plainLine(what.Role)}
	}
	if m.UUID != "" {
		l.ID = event.DerivedID(transcriptNames, m.UUID)
		l.Aliases = []string{plainLine(m.UUID)}
	} else {
		l.ID = event.DerivedID(transcriptNames, m.SessionID, m.Timestamp, text)
	}
	if l.CreatedAt, err = parseTime(m.Timestamp); err != nil {
		r.count(at, "timestamp: %v", err)
	}
	return Entry{At: at, Memory: l}, true
}

// spoken joins the texts of a message.
func spoken(content json.RawMessage) string {
	if s := jsonText(content); s != "" {
		return s
	}
	var blocks []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(content, &blocks) != nil {
		return ""
	}
	var texts []string
	for _, b := range blocks {
		if b.Type == "text" && strings.TrimSpace(b.Text) != "" {
			texts = append(texts, b.Text)
		}
	}
	return strings.Join(texts, "\n\n")
}
