package foreign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/transfer"
	"memlog/wal/event"
)

// graphFile is server-memory's knowledge graph: an entity or a relation a line. An observation is a
// memory; the first one of an entity answers to the entity's name, and its relations are links
// between those. It is read twice, since a relation may lead to what stands behind it.
type graphFile struct {
	textFile
	changed time.Time // of the file: the observations have no time of their own
}

// graphLine is a line of either kind.
type graphLine struct {
	Type         string            `json:"type"`
	Name         string            `json:"name"`
	EntityType   string            `json:"entityType"`
	Observations []json.RawMessage `json:"observations"`
	From         string            `json:"from"`
	To           string            `json:"to"`
	RelationType string            `json:"relationType"`
}

// relation is a relation to another entity, and its line.
type relation struct {
	from, to, kind string
	at             int
}

// graph is what the first reading leaves for the second.
type graph struct {
	anchors   map[string]event.ID // of each entity, the memory that answers to its name
	relations map[string][]relation
	order     []relation
	named     map[string]bool // entities whose anchor was handed out
}

func (g graphFile) entries(ctx context.Context, r *report, yield func(Entry) bool) error {
	all := &graph{anchors: map[string]event.ID{}, relations: map[string][]relation{},
		named: map[string]bool{}}
	err := g.each(ctx, func(l graphLine, at int) bool {
		all.learn(l, at)
		return true
	}, func(Entry) bool { return true })
	if err != nil {
		return err
	}
	more := true
	give := func(e Entry) bool {
		more = more && yield(e)
		return more
	}
	err = g.each(ctx, func(l graphLine, at int) bool {
		if l.Type == "entity" {
			return g.entity(all, l, at, give)
		}
		return more
	}, give)
	for _, k := range all.order {
		if err == nil && more {
			all.reject(k, give)
		}
	}
	if err == nil && !more {
		err = errStop
	}
	return err
}

// learn notes what a line means for others.
func (g *graph) learn(l graphLine, at int) {
	switch l.Type {
	case "entity":
		if _, known := g.anchors[l.Name]; !known {
			g.anchors[l.Name] = observationID(l.Name, l.first())
		}
	case "relation":
		k := relation{l.From, l.To, l.RelationType, at}
		g.relations[l.From] = append(g.relations[l.From], k)
		g.order = append(g.order, k)
	}
}

// reject names a relation that cannot be a link.
func (g *graph) reject(k relation, yield func(Entry) bool) {
	for _, name := range []string{k.from, k.to} {
		if _, known := g.anchors[name]; !known {
			yield(Entry{At: k.at, Rejected: fmt.Sprintf("relation: there is no entity %.80q", name)})
			return
		}
	}
	if k.from == k.to {
		yield(Entry{At: k.at, Rejected: fmt.Sprintf("relation: %.80q has it to itself", k.from)})
	}
}

// first is the text that the first memory of an entity has; "" where it has no observation.
func (l graphLine) first() string {
	for _, o := range l.Observations {
		if text := observation(o); text != "" {
			return text
		}
	}
	return ""
}

// observation reads an observation: a text, or whatever else somebody put there as JSON.
func observation(raw json.RawMessage) string {
	if len(raw) > 0 && raw[0] == '"' {
		return jsonText(raw)
	}
	var object struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(raw, &object) == nil && object.Content != "" {
		return object.Content
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

func observationID(entity, text string) event.ID {
	return event.DerivedID(graphNames, entity, text)
}

// entity yields the memories of an entity.
func (g graphFile) entity(all *graph, l graphLine, at int, yield func(Entry) bool) bool {
	var texts []string
	for _, o := range l.Observations {
		if text := observation(o); text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		texts = []string{""}
	}
	for _, text := range texts {
		e := Entry{At: at, Memory: g.memory(l, text)}
		if !all.named[l.Name] {
			all.named[l.Name] = true
			if name := plainLine(l.Name); name != "" && len(name) <= memory.MaxAlias {
				e.Memory.Aliases = []string{name}
			}
			e.Memory.Links = all.links(l.Name)
		}
		if !yield(e) {
			return false
		}
	}
	return true
}

func (g graphFile) memory(l graphLine, text string) transfer.Line {
	about := map[string]string{"entity": l.Name}
	if l.EntityType != "" {
		about["entityType"] = l.EntityType
	}
	metadata, err := json.Marshal(about)
	if err != nil { // texts always can be
		metadata = nil
	}
	m := transfer.Line{ID: observationID(l.Name, text), Content: text, Type: "observation",
		Metadata: metadata, AboutAt: g.changed}
	if tag := plainLine(l.Name); tag != "" && len(tag) <= memory.MaxTag {
		m.Tags = []string{tag}
	}
	if text == "" {
		m.Type, m.Content = "entity", l.Name
		if l.EntityType != "" {
			m.Content += " (" + l.EntityType + ")"
		}
	}
	return m
}

// links are the relations of an entity to others that are there, each once.
func (g *graph) links(entity string) []event.Link {
	var out []event.Link
	seen := map[event.Link]bool{}
	for _, k := range g.relations[entity] {
		to, known := g.anchors[k.to]
		link := event.Link{From: g.anchors[entity], To: to, Type: plainLine(k.kind)}
		if link.Type == "" {
			link.Type = "related"
		}
		if known && k.to != entity && !seen[link] && len(link.Type) <= memory.MaxType {
			seen[link] = true
			out = append(out, link)
		}
	}
	return out
}

// each hands every object of the file to use, also those that stand on one line, and what cannot be
// read to reject. Behind what is cut off it goes on at the next object that begins like one.
func (g graphFile) each(ctx context.Context, use func(graphLine, int) bool,
	reject func(Entry) bool) error {
	text, _, err := g.open(ctx)
	if err != nil {
		return err
	}
	lines := &lineReader{src: text}
	for {
		line, size, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", lines.n, err)
		}
		more := true
		if line == nil && size > 0 && size > transfer.MaxLine {
			more = reject(Entry{At: lines.n, Rejected: fmt.Sprintf("line of %d bytes, at most %d", size,
				transfer.MaxLine)})
		}
		for line = bytes.TrimSpace(line); len(line) > 0 && more; {
			line, more = g.object(line, lines.n, use, reject)
		}
		if !more {
			return nil
		}
	}
}

// graphStart is how every object begins as server-memory writes it.
var graphStart = []byte(`{"type":`)

// object reads the first object of a line, and returns what stands behind it.
func (g graphFile) object(line []byte, at int, use func(graphLine, int) bool,
	reject func(Entry) bool) (rest []byte, more bool) {
	fixed, _ := fixUTF8(line)
	d := json.NewDecoder(bytes.NewReader(fixed))
	var l graphLine
	err := d.Decode(&l)
	if err == nil {
		rest = bytes.TrimSpace(fixed[d.InputOffset():])
		switch {
		case l.Type == "entity" && l.Name != "", l.Type == "relation" && l.From != "" && l.To != "":
			return rest, use(l, at)
		case l.Type == "entity" || l.Type == "relation":
			return rest, reject(Entry{At: at, Rejected: l.Type + ": its name or an end is missing"})
		default:
			return rest, reject(Entry{At: at, Rejected: fmt.Sprintf("neither entity nor relation: %.60s",
				fixed)})
		}
	}
	cut := fixed
	if next := bytes.Index(fixed[1:], graphStart); next >= 0 {
		cut, rest = fixed[:next+1], fixed[next+1:]
	}
	return rest, reject(Entry{At: at, Rejected: fmt.Sprintf("not JSON, or cut off: %.60s", cut)})
}
