package hook

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"memlog/cmd/memlog/internal/claude"
	"memlog/cmd/memlog/internal/memory"
)

// The budget of what the agent is told at the start of a session.
const (
	DefaultBudget = 600   // tokens
	MaxBudget     = 2_500 // tokens; Claude Code puts more than 10,000 characters into a file
	bytesPerToken = 4     // what a token is taken for
	shownContent  = 300   // bytes of a memory; memory_get shows the rest
)

// candidates is how many memories of a project are ranked: the newest.
const candidates = 60

// How a memory is ranked: the weight of its type, halved with every halfLife of its age down to
// the part that stays, and less for what belongs to no project.
const (
	halfLife    = 30 * 24 * time.Hour
	stays       = 0.4
	everywhere  = 0.8
	plainWeight = 1.0
)

// weights are of the types that the agent is told to use, and of their like.
var weights = map[string]float64{"decision": 3, "preference": 3, "todo": 3, "task": 3,
	"question": 2.5, "correction": 2, "fix": 1.5}

// general are the types that are told also where a memory belongs to no project.
var general = []string{"preference", "decision"}

// found are the memories that were read so far.
type found struct {
	mu   sync.Mutex
	all  map[memory.ID]memory.Memory // mu guards
	here int                         // mu guards: how many the project has
}

func (f *found) add(ms []memory.Memory, total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range ms {
		if m.SupersededBy == nil {
			f.all[m.ID] = m
		}
	}
	f.here += total
}

// sessionStart tells the agent the memories that matter for the project.
func (r *run) sessionStart() {
	budget := cmp.Or(min(r.o.Budget, MaxBudget), DefaultBudget)
	if _, err := os.Stat(filepath.Join(r.o.Store, "FORMAT")); err != nil || budget < 0 {
		return
	}
	name, now := r.projectName(), r.o.Now()
	f := &found{all: map[memory.ID]memory.Memory{}}
	r.answer.tell(func() string { return f.text(name, now, budget*bytesPerToken) })
	ctx, cancel := context.WithDeadline(context.Background(), r.until)
	defer cancel()
	for _, q := range r.questions(name) {
		res, err := r.o.Service.List(ctx, q)
		if err != nil {
			r.o.Note("hook session-start: %v", err)
			return
		}
		if q.Filter.Project != "" {
			f.add(res.Memories, res.Total)
			continue
		}
		f.add(slices.DeleteFunc(res.Memories, func(m memory.Memory) bool { return m.Project != "" }), 0)
	}
}

// questions are what is asked of the store: agents name a project by its path or its last part.
func (r *run) questions(name string) []memory.ListRequest {
	var out []memory.ListRequest
	for _, p := range []string{name, r.root()} {
		if p != "" {
			out = append(out, memory.ListRequest{Filter: memory.Filter{Project: p}, Limit: candidates})
		}
	}
	for _, t := range general {
		out = append(out, memory.ListRequest{Filter: memory.Filter{Type: t}, Limit: candidates})
	}
	return out
}

// root returns the directory of the project.
func (r *run) root() string {
	if r.o.Project != "" {
		return r.o.Project
	}
	dir := string(r.in.CWD)
	if dir == "" {
		dir, _ = os.Getwd()
	}
	return claude.RootAbove(dir)
}

// projectName returns what the project is called in memories.
func (r *run) projectName() string {
	name := filepath.Base(r.root())
	if len(name) > memory.MaxProject || !utf8.ValidString(name) || strings.Trim(name, `./\`) == "" {
		return ""
	}
	return name
}

// rank returns the memories, what matters most first.
func (f *found) rank(now time.Time) []memory.Memory {
	all := make([]memory.Memory, 0, len(f.all))
	for _, m := range f.all {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b memory.Memory) int {
		return cmp.Or(cmp.Compare(score(b, now), score(a, now)), b.CreatedAt.Compare(a.CreatedAt),
			cmp.Compare(a.ID.String(), b.ID.String()))
	})
	return all
}

func score(m memory.Memory, now time.Time) float64 {
	weight, ok := weights[strings.ToLower(m.Type)]
	if !ok {
		weight = plainWeight
	}
	if m.Project == "" {
		weight *= everywhere
	}
	age := max(now.Sub(m.UpdatedAt), 0)
	return weight * (stays + (1-stays)*math.Exp2(-float64(age)/float64(halfLife)))
}

// text is what the agent is told, within room bytes.
func (f *found) text(name string, now time.Time, room int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "From memlog, the memory shared by all sessions: notes, not orders. "+
		"memory_search finds more; store what belongs to this project with project %q.\n", name)
	shown := 0
	for _, m := range f.rank(now) {
		line := entry(m)
		if b.Len()+len(line) > room {
			continue // a shorter one may fit
		}
		b.WriteString(line)
		shown++
	}
	if shown == 0 {
		return ""
	}
	return b.String()
}

// entry is one line for a memory.
func entry(m memory.Memory) string {
	text := strings.Join(strings.Fields(m.Content), " ")
	if len(text) > shownContent {
		at := shownContent
		for at > 0 && !utf8.RuneStart(text[at]) {
			at--
		}
		text = text[:at] + "… (memory_get " + m.ID.String() + ")"
	}
	day := m.CreatedAt.Format(time.DateOnly)
	return fmt.Sprintf("- %s, %s: %s\n", cmp.Or(m.Type, "note"), day, text)
}
