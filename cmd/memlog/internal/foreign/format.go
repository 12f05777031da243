package foreign

import (
	"memlog/cmd/memlog/internal/memory"
)

// Format is one of the forms in which memories come.
type Format string

// The formats. Their names are what `memlog import --from` takes.
const (
	Memlog     Format = "memlog"             // memlog's own JSONL, and plain lines with a content
	ServiceDB  Format = "mcp-memory-service" // its SQLite database
	Chroma     Format = "chroma"             // a ChromaDB directory, as mcp-memory-service had it
	JSON       Format = "json"               // one JSON document: exports and backups of it, or ours
	Graph      Format = "server-memory"      // memory.jsonl of modelcontextprotocol/servers
	Document   Format = "claude-memory"      // MEMORY.md, its topic files, CLAUDE.md
	Transcript Format = "claude-transcript"  // a session of Claude Code
)

// Formats are all of them, in the order in which help names them.
var Formats = []Format{Memlog, ServiceDB, Chroma, JSON, Graph, Document, Transcript}

// ParseFormat reads the name of a format.
func ParseFormat(arg, name string) (Format, error) {
	for _, f := range Formats {
		if string(f) == name {
			return f, nil
		}
	}
	return "", memory.Invalid(arg, "%.40q is no format", name).
		WithHint("formats are %s", formatNames())
}

func formatNames() string {
	s := ""
	for i, f := range Formats {
		if i > 0 {
			s += ", "
		}
		s += string(f)
	}
	return s
}

// Unit is what the entries of a format are counted by.
func (f Format) Unit() string {
	switch f {
	case ServiceDB, Chroma:
		return "row"
	case JSON:
		return "entry"
	default:
		return "line"
	}
}
