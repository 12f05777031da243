package memorytest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// distinct returns n different labels.
func distinct(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("l%05d", i)
	}
	return out
}

// nested returns metadata of a depth.
func nested(depth int) json.RawMessage {
	return json.RawMessage(strings.Repeat("[", depth) + strings.Repeat("]", depth))
}

// sized returns metadata of a size in bytes.
func sized(n int) json.RawMessage {
	return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`)
}

// year is a moment of a year; a negative one is before the year 1.
func year(n int) time.Time { return time.Date(n, 7, 1, 0, 0, 0, 0, time.UTC) }

// testLimits takes every limit of a request exactly, and one beyond.
func testLimits(s *suite) {
	text := func(n int) string { return strings.Repeat("a", n) }
	for _, l := range []struct {
		arg   string
		limit int
		make  func(n int) memory.NewMemory
	}{
		{"content", memory.MaxContent, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: text(n)}
		}},
		{"tags", memory.MaxTags, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "tags", Tags: distinct(n)}
		}},
		{"tags", memory.MaxTag, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "tag", Tags: []string{text(n)}}
		}},
		{"type", memory.MaxType, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "type", Type: text(n)}
		}},
		{"project", memory.MaxProject, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "project", Project: text(n)}
		}},
		{"metadata", memory.MaxMetadata, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "metadata", Metadata: sized(n)}
		}},
		{"metadata", memory.MaxMetadataDepth, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "depth", Metadata: nested(n)}
		}},
		{"aliases", memory.MaxAliases, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "aliases", Aliases: distinct(n)}
		}},
		{"aliases", memory.MaxAlias, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "alias", Aliases: []string{text(n)}}
		}},
		{"created_at", memory.MaxYear, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "late", CreatedAt: year(n)}
		}},
		{"created_at", -memory.MinYear, func(n int) memory.NewMemory {
			return memory.NewMemory{Content: "early", CreatedAt: year(-n)}
		}},
	} {
		s.unmoved(l.arg, func() {
			_, err := s.svc.Store(s.ctx, memory.StoreRequest{
				Memories: []memory.NewMemory{l.make(l.limit + 1)}})
			s.refused(fmt.Sprintf("%s beyond %d", l.arg, l.limit), err, memory.CodeInvalid, l.arg)
		})
		s.store(l.make(l.limit))
	}
	s.limitsOfOrigin()
	s.limitsOfBatch()
	s.limitsOfReads()
}

func (s *suite) limitsOfOrigin() {
	text := func(n int) string { return strings.Repeat("a", n) }
	for arg, o := range map[string]func(n int) memory.Origin{
		"client":         func(n int) memory.Origin { return memory.Origin{Client: text(n)} },
		"client_version": func(n int) memory.Origin { return memory.Origin{ClientVersion: text(n)} },
		"session":        func(n int) memory.Origin { return memory.Origin{Session: text(n)} },
		"project":        func(n int) memory.Origin { return memory.Origin{Project: text(n)} },
		"user":           func(n int) memory.Origin { return memory.Origin{User: text(n)} },
		"host":           func(n int) memory.Origin { return memory.Origin{Host: text(n)} },
		"reason":         func(n int) memory.Origin { return memory.Origin{Reason: text(n)} },
		"request_id":     func(n int) memory.Origin { return memory.Origin{RequestID: text(n)} },
	} {
		limit := memory.MaxProvenance
		if arg == "request_id" {
			limit = memory.MaxRequestID
		}
		s.unmoved(arg, func() {
			_, err := s.svc.Store(s.ctx, memory.StoreRequest{Origin: o(limit + 1),
				Memories: []memory.NewMemory{{Content: "by a long name"}}})
			s.refused(arg, err, memory.CodeInvalid, arg)
		})
		must[memory.StoreResult](s)(s.svc.Store(s.ctx, memory.StoreRequest{Origin: o(limit),
			Memories: []memory.NewMemory{{Content: "by a long name"}}}))
	}
}

func (s *suite) limitsOfBatch() {
	batch := make([]memory.NewMemory, memory.MaxBatch+1)
	for i := range batch {
		batch[i].Content = fmt.Sprint("b ", i)
	}
	heavy := make([]memory.NewMemory, memory.MaxBatchBytes/memory.MaxContent+1)
	for i := range heavy {
		heavy[i].Content = fmt.Sprintf("%s%08d", strings.Repeat("h", memory.MaxContent-8), i)
	}
	s.unmoved("too much at once", func() {
		for _, ms := range [][]memory.NewMemory{batch, heavy} {
			_, err := s.svc.Store(s.ctx, memory.StoreRequest{Memories: ms})
			s.refused("too many memories", err, memory.CodeInvalid, "memories")
		}
		_, err := s.svc.Delete(s.ctx, memory.DeleteRequest{IDs: distinct(memory.MaxIDs + 1)})
		s.refused("too many ids", err, memory.CodeInvalid, "ids")
		_, err = s.svc.Restore(s.ctx, memory.RestoreRequest{IDs: distinct(memory.MaxIDs + 1)})
		s.refused("too many ids", err, memory.CodeInvalid, "ids")
	})
	res := s.store(batch[:memory.MaxBatch]...)
	ids := make([]string, len(res.Stored))
	for i, st := range res.Stored {
		ids[i] = st.ID.String()
	}
	s.del(ids...)
	s.undo(memory.UndoRequest{})
	s.store(heavy[:len(heavy)-1]...)
}

func (s *suite) limitsOfReads() {
	for _, n := range []int{-1, memory.MaxLimit + 1} {
		_, err := s.svc.List(s.ctx, memory.ListRequest{Limit: n})
		s.refused("list limit", err, memory.CodeInvalid, "limit")
		_, err = s.svc.Search(s.ctx, memory.SearchRequest{Query: "x", Limit: n})
		s.refused("search limit", err, memory.CodeInvalid, "limit")
	}
	must[memory.ListResult](s)(s.svc.List(s.ctx, memory.ListRequest{Limit: memory.MaxLimit}))
	long := strings.Repeat("word ", memory.MaxQuery/5+1)
	_, err := s.svc.Search(s.ctx, memory.SearchRequest{Query: long[:memory.MaxQuery+1]})
	s.refused("a long query", err, memory.CodeInvalid, "query")
	for _, mode := range []memory.Mode{memory.ModeHybrid, memory.ModeExact} {
		must[memory.SearchResult](s)(s.svc.Search(s.ctx,
			memory.SearchRequest{Query: long[:memory.MaxQuery], Mode: mode}))
	}
}
