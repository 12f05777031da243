package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// fake is a store as a hook meets it.
type fake struct {
	memory.Service
	mu    sync.Mutex
	seen  map[string]int // stores by request id
	reqs  []memory.StoreRequest
	list  []memory.Memory
	err   error
	stuck chan struct{} // not nil: nothing is answered before it is closed
	panic bool
}

func (f *fake) Store(_ context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	if f.stuck != nil {
		<-f.stuck
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panic {
		panic("a defect")
	}
	if f.err != nil {
		return memory.StoreResult{}, f.err
	}
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	f.seen[r.Origin.RequestID]++
	if f.seen[r.Origin.RequestID] == 1 {
		f.reqs = append(f.reqs, r)
	}
	return memory.StoreResult{Stored: []memory.Stored{{ID: event.NewID(), Created: true}}}, nil
}

func (f *fake) List(_ context.Context, r memory.ListRequest) (memory.ListResult, error) {
	if f.stuck != nil {
		<-f.stuck
	}
	if f.panic {
		panic("a defect")
	}
	var out []memory.Memory
	for _, m := range f.list {
		if (r.Filter.Project == "" || r.Filter.Project == m.Project) &&
			(r.Filter.Type == "" || r.Filter.Type == m.Type) {
			out = append(out, m)
		}
	}
	return memory.ListResult{Memories: out, Total: len(out)}, f.err
}

// open is a standard input that says something and never ends.
type open struct {
	text  io.Reader
	ended chan struct{}
}

func (o *open) Read(b []byte) (int, error) {
	if n, _ := o.text.Read(b); n > 0 {
		return n, nil
	}
	<-o.ended
	return 0, io.EOF
}

func storeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func options(f *fake, dir string) Options {
	return Options{Service: f, Store: dir, Project: "/home/u/proj", Now: time.Now,
		Origin: func() memory.Origin { return memory.Origin{User: "u"} }}
}

func decode(t *testing.T, b []byte) output {
	t.Helper()
	var out output
	if len(b) > 0 {
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatalf("stdout is %q: %v", b, err)
		}
	}
	return out
}

func (o output) context() string {
	if o.Specific == nil {
		return ""
	}
	return o.Specific.Context
}

// Whatever hangs, a hook is back at its deadline, with JSON or nothing.
func TestDeadline(t *testing.T) {
	prompt := `{"session_id":"s","prompt":"remember: x"}`
	for _, name := range Names {
		for _, text := range []string{prompt, "", "garbage", "{", `{"prompt":7}`, `[]`,
			strings.Repeat(" ", 8<<20) + prompt} {
			dir := storeDir(t)
			synctest.Test(t, func(t *testing.T) {
				stuck := make(chan struct{})
				f := &fake{stuck: stuck}
				if err := (Spool{dir}).Put(asking("waits"), time.Now()); err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				decode(t, Run(name, &open{strings.NewReader(text), stuck}, options(f, dir)))
				if took := time.Since(begun); took > Deadline {
					t.Errorf("%s with %.20q took %v", name, text, took)
				}
				close(stuck)
			})
		}
	}
}

// A defect of ours does not reach Claude Code.
func TestPanic(t *testing.T) {
	for _, name := range Names {
		noted := ""
		o := options(&fake{panic: true}, storeDir(t))
		o.Note = func(f string, args ...any) { noted = fmt.Sprintf(f, args...) }
		if err := (Spool{o.Store}).Put(asking("x"), time.Now()); err != nil {
			t.Fatal(err)
		}
		decode(t, Run(name, strings.NewReader(`{"prompt":"remember: x"}`), o))
		if !strings.Contains(noted, "a defect") {
			t.Errorf("%s noted %q", name, noted)
		}
	}
}

// Only a prompt that asks is stored, and what looks like a key is not.
func TestAsked(t *testing.T) {
	for prompt, want := range map[string]string{
		"remember: we use tabs":                 "we use tabs",
		"  Remember:  two\nlines  ":             "two\nlines",
		"please remember: not this":             "",
		"remember":                              "",
		"remember:":                             "",
		"fix the build":                         "",
		"remember: the password is hunter2hun":  "",
		"remember: ghp_abcdefghijklmnopqrstuvw": "",
		"remember: tokens are counted by four":  "tokens are counted by four",
	} {
		f := &fake{}
		in, _ := json.Marshal(map[string]string{"session_id": "s9", "prompt": prompt})
		out := decode(t, Run("user-prompt", strings.NewReader(string(in)), options(f, storeDir(t))))
		if want == "" {
			if len(f.reqs) > 0 || out.context() != "" {
				t.Errorf("%q was stored", prompt)
			}
			continue
		}
		if len(f.reqs) != 1 {
			t.Errorf("%q: %d requests", prompt, len(f.reqs))
			continue
		}
		r := f.reqs[0]
		if m := r.Memories[0]; m.Content != want || m.Project != "proj" || m.CreatedAt.IsZero() {
			t.Errorf("%q: stored %+v", prompt, m)
		}
		if o := r.Origin; o.Client != "memlog hook user-prompt" || o.Session != "s9" ||
			o.Project != "/home/u/proj" || o.RequestID == "" || o.Reason == "" {
			t.Errorf("origin is %+v", o)
		}
		if !strings.Contains(out.context(), "memlog stored") {
			t.Errorf("told %q", out.context())
		}
	}
}

// slow is a standard input that begins late and then takes its time, as through a pipe.
type slow struct {
	text  io.Reader
	first time.Duration // before the first byte
	piece time.Duration // for 64 KiB
	begun bool
}

func (s *slow) Read(b []byte) (int, error) {
	if !s.begun {
		time.Sleep(s.first)
		s.begun = true
	}
	n, err := s.text.Read(b)
	time.Sleep(s.piece * time.Duration(n) / (64 << 10))
	return n, err
}

func promptOf(text string) string {
	in, _ := json.Marshal(map[string]string{"prompt": text})
	return string(in)
}

// A prompt that asks is stored, however large and as late as there is time for.
func TestLateInput(t *testing.T) {
	for name, tt := range map[string]struct {
		size         int
		first, piece time.Duration
	}{
		"200,000 characters": {200_000, 0, 20 * time.Millisecond},
		"the largest":        {memory.MaxContent, 0, 5 * time.Millisecond},
		"late":               {10, 50 * time.Millisecond, 0},
		"just in time":       {10, Deadline - time.Millisecond, 0},
	} {
		f, dir := &fake{}, storeDir(t)
		synctest.Test(t, func(t *testing.T) {
			in := &slow{text: strings.NewReader(promptOf("remember: " + strings.Repeat("a", tt.size))),
				first: tt.first, piece: tt.piece}
			out := decode(t, Run("user-prompt", in, options(f, dir)))
			time.Sleep(time.Second) // the input ends
			if len(f.reqs) != 1 || len(f.reqs[0].Memories[0].Content) != tt.size ||
				!strings.Contains(out.context(), "memlog stored") || out.Message != "" {
				t.Errorf("%s: %d stored, told %+v", name, len(f.reqs), out)
			}
			for id, n := range f.seen { // what was acknowledged is not handed over again
				if n != 1 {
					t.Errorf("%s: %s was handed over %d times", name, id, n)
				}
			}
		})
		if n, _, err := (Spool{dir}).Count(); n != 0 || err != nil {
			t.Errorf("%s: %d wait after it was acknowledged, %v", name, n, err)
		}
	}
}

// An owner that hangs loses nothing: the prompt is on the disk, and that is what is said.
func TestHungOwner(t *testing.T) {
	dir, in := storeDir(t), promptOf("remember: "+strings.Repeat("a", 200_000))
	f := &fake{}
	synctest.Test(t, func(t *testing.T) {
		f.stuck = make(chan struct{})
		out := decode(t, Run("user-prompt", strings.NewReader(in), options(f, dir)))
		if !strings.Contains(out.context(), "memlog keeps") || out.Message != "" {
			t.Errorf("told %+v", out)
		}
		if n, _, _ := (Spool{dir}).Count(); n != 1 {
			t.Errorf("%d wait", n)
		}
		// The owner that took long had the request, and another has it from the spool.
		if _, err := (Spool{dir}).Drain(t.Context(), &fake{}); err != nil {
			t.Error(err)
		}
		close(f.stuck)
		synctest.Wait()
		if w, aside, err := (Spool{dir}).Count(); w+aside != 0 || err != nil || len(f.reqs) != 1 {
			t.Errorf("%d wait, %d aside, %v, %d stored", w, aside, err, len(f.reqs))
		}
	})
}

// What a prompt asked for cannot be told from an input that is late, cut or unreadable, which is
// said on both outputs; another hook says it on stderr.
func TestUnreadInput(t *testing.T) {
	whole := promptOf("remember: x")
	for name, tt := range map[string]struct {
		in   io.Reader
		want string
	}{
		"never": {&slow{text: strings.NewReader(whole), first: time.Second}, "did not come whole"},
		"slow": {&slow{text: strings.NewReader(whole), piece: 10 * time.Minute},
			"did not come whole"},
		"empty":     {strings.NewReader(""), "is empty"},
		"cut":       {strings.NewReader(whole[:20]), "ends in the middle"},
		"garbage":   {strings.NewReader("garbage"), "not as Claude Code writes it"},
		"zeros":     {strings.NewReader(strings.Repeat("\x00", 60<<20)), "not as Claude Code"},
		"a list":    {strings.NewReader("[]"), "not as Claude Code writes it"},
		"a number":  {strings.NewReader(`{"prompt":5}`), "not as Claude Code writes it"},
		"no prompt": {strings.NewReader(`{"session_id":"s"}`), "holds none"},
		"too long":  {strings.NewReader(promptOf(strings.Repeat("x", maxInput))), "is longer than"},
	} {
		f, dir := &fake{}, storeDir(t)
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			noted := ""
			o := options(f, dir)
			o.Note = func(f string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				noted += fmt.Sprintf(f, args...)
			}
			out := decode(t, Run("user-prompt", tt.in, o))
			time.Sleep(time.Second) // the input ends
			mu.Lock()
			defer mu.Unlock()
			for _, said := range []string{out.Message, noted} {
				if !strings.Contains(said, tt.want) || !strings.Contains(said, "not stored") {
					t.Errorf("%s: said %q", name, said)
				}
			}
			if out.context() != "" {
				t.Errorf("%s: told %q", name, out.context())
			}
		})
	}
	for _, other := range []string{"session-start", "session-end"} {
		noted := ""
		o := options(&fake{}, storeDir(t))
		o.Note = func(f string, args ...any) { noted += fmt.Sprintf(f, args...) }
		if out := Run(other, strings.NewReader("garbage"), o); len(out) > 0 || noted == "" {
			t.Errorf("%s: stdout %q, stderr %q", other, out, noted)
		}
	}
}

// A field that nobody needs may become another kind without a prompt being lost.
func TestOtherFields(t *testing.T) {
	f := &fake{}
	in := `{"session_id":{"a":1},"cwd":7,"more":[],"prompt":"remember: x"} and more`
	Run("user-prompt", strings.NewReader(in), options(f, storeDir(t)))
	if len(f.reqs) != 1 {
		t.Errorf("%d stored", len(f.reqs))
	}
}

// What is more than a memory holds is refused in words, and is not kept.
func TestTooLarge(t *testing.T) {
	f, dir := &fake{}, storeDir(t)
	in := promptOf("remember: " + strings.Repeat("a", memory.MaxContent+1))
	out := decode(t, Run("user-prompt", strings.NewReader(in), options(f, dir)))
	n, _, _ := (Spool{dir}).Count()
	if n != 0 || len(f.reqs) != 0 || !strings.Contains(out.Message, "not stored: 1048577 bytes") {
		t.Errorf("%d wait, told %+v", n, out)
	}
}

// What cannot be stored nor kept is said to be lost; what is refused is not kept.
func TestTold(t *testing.T) {
	in := `{"prompt":"remember: x"}`
	f := &fake{err: errors.New("no owner")}
	dir := storeDir(t)
	if err := os.WriteFile(filepath.Join(dir, "spool"), nil, 0o600); err != nil { // no directory
		t.Fatal(err)
	}
	out := decode(t, Run("user-prompt", strings.NewReader(in), options(f, dir)))
	if !strings.Contains(out.Message, "not stored: no owner; and it cannot be kept") ||
		out.context() != "" {
		t.Errorf("told %+v", out)
	}
	f.err = memory.Invalid("content", "too long")
	dir = storeDir(t)
	out = decode(t, Run("user-prompt", strings.NewReader(in), options(f, dir)))
	if n, _, _ := (Spool{dir}).Count(); n != 0 || !strings.Contains(out.Message, "too long") {
		t.Errorf("%d wait; told %+v", n, out)
	}
}

func asking(content string) memory.StoreRequest {
	return memory.StoreRequest{Memories: []memory.NewMemory{{Content: content}},
		Origin: memory.Origin{RequestID: event.NewID().String(), Client: "memlog hook user-prompt"}}
}

// Many drain at once while more comes: each request arrives once, as it was kept.
func TestSpool(t *testing.T) {
	s, f := Spool{t.TempDir()}, &fake{}
	var all sync.WaitGroup
	const n = 40
	for i := range n {
		all.Go(func() {
			if err := s.Put(asking(fmt.Sprint(i)), time.Now()); err != nil {
				t.Error(err)
			}
			if _, err := s.Drain(context.Background(), f); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if w, aside, err := s.Count(); w+aside != 0 || err != nil || len(f.reqs) != n {
		t.Errorf("%d wait, %d aside, %d of %d stored, %v", w, aside, len(f.reqs), n, err)
	}
}

// A store that does not take a request leaves it where it is; one that refuses it for good, and a
// damaged file, are set aside and hold up nothing.
func TestSpoolRefused(t *testing.T) {
	s := Spool{t.TempDir()}
	for i := range 3 {
		if err := s.Put(asking(fmt.Sprint(i)), time.Unix(int64(i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	f := &fake{err: memory.Errorf(memory.CodeBusy, "busy")}
	if n, err := s.Drain(context.Background(), f); n != 0 || err == nil {
		t.Errorf("drained %d, %v", n, err)
	}
	files, _ := filepath.Glob(filepath.Join(s.dir(), "*.json"))
	b, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	b = []byte(strings.Replace(string(b), `"content":"1"`, `"content":"7"`, 1))
	if err := os.WriteFile(files[1], b, 0o600); err != nil {
		t.Fatal(err)
	}
	f.err = nil
	if n, err := s.Drain(context.Background(), f); n != 2 || err != nil || len(f.reqs) != 2 ||
		f.reqs[0].Memories[0].Content != "0" {
		t.Errorf("drained %d, %v: %+v", n, err, f.reqs)
	}
	if w, aside, _ := s.Count(); w != 0 || aside != 1 {
		t.Errorf("%d wait, %d aside", w, aside)
	}
	f.err = memory.Invalid("content", "no")
	if err := s.Put(asking("bad"), time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Drain(context.Background(), f); n != 0 || err != nil {
		t.Errorf("refused: %d, %v", n, err)
	}
	if w, aside, _ := s.Count(); w != 0 || aside != 2 {
		t.Errorf("%d wait, %d aside", w, aside)
	}
}

// What a hook was ended in the middle of is removed when it is old, and not before.
func TestSpoolTidy(t *testing.T) {
	s := Spool{t.TempDir()}
	if err := s.Put(asking("x"), time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"old": 2 * tooOld, "new": tooOld / 2} {
		path := filepath.Join(s.dir(), name+unfinished)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Drain(t.Context(), &fake{}); n != 1 || err != nil {
		t.Errorf("drained %d, %v", n, err)
	}
	left, err := os.ReadDir(s.dir())
	if err != nil || len(left) != 1 || left[0].Name() != "new"+unfinished {
		t.Errorf("left %v, %v", left, err)
	}
}

// A full spool says so and takes nothing more.
func TestSpoolFull(t *testing.T) {
	s := Spool{t.TempDir()}
	if err := os.Mkdir(s.dir(), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range MaxSpooled {
		if err := os.WriteFile(filepath.Join(s.dir(), fmt.Sprint(i, waits)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put(asking("x"), time.Now()); err == nil {
		t.Error("it was taken")
	}
}

// What matters comes first, within the budget, and only what belongs here.
func TestSessionStart(t *testing.T) {
	now := time.Now()
	mem := func(content, typ, project string, age time.Duration) memory.Memory {
		return memory.Memory{ID: event.NewID(), Content: content, Type: typ, Project: project,
			CreatedAt: now.Add(-age), UpdatedAt: now.Add(-age)}
	}
	const day = 24 * time.Hour
	gone := mem("superseded", "decision", "proj", 0)
	gone.SupersededBy = &gone.ID
	f := &fake{list: []memory.Memory{
		mem("old note", "", "proj", 300*day), mem("a note", "", "proj", day),
		mem("new decision", "decision", "proj", day), mem("old decision", "decision", "/home/u/proj", 90*day),
		mem("likes short answers", "preference", "", day), mem("other project", "decision", "other", 0),
		mem("open end", "todo", "proj", 2*day), mem("general note", "", "", 0), gone,
	}}
	o := options(f, storeDir(t))
	got := decode(t, Run("session-start", strings.NewReader("{}"), o)).context()
	at := -1
	for _, want := range []string{"new decision", "open end", "likes short answers", "old decision",
		"a note", "old note"} {
		i := strings.Index(got, want)
		if i <= at {
			t.Errorf("%q is at %d, behind %d, in\n%s", want, i, at, got)
		}
		at = i
	}
	for _, never := range []string{"other project", "superseded", "general note"} {
		if strings.Contains(got, never) {
			t.Errorf("%q is in\n%s", never, got)
		}
	}
	for range 100 {
		f.list = append(f.list, mem(strings.Repeat("é long ", 100), "decision", "proj", 0))
	}
	for _, budget := range []int{0, 100, 300, 100_000} {
		o.Budget = budget
		got = decode(t, Run("session-start", strings.NewReader("{}"), o)).context()
		limit := min(budget, MaxBudget) * bytesPerToken
		if budget == 0 {
			limit = DefaultBudget * bytesPerToken
		}
		if len(got) > limit || got == "" && budget != 100 {
			t.Errorf("budget %d: %d bytes", budget, len(got))
		}
	}
	o.Budget = -1
	if b := Run("session-start", strings.NewReader("{}"), o); len(b) > 0 {
		t.Errorf("no budget: %s", b)
	}
	o.Budget, o.Store = 0, t.TempDir()
	if b := Run("session-start", strings.NewReader("{}"), o); len(b) > 0 {
		t.Errorf("no store: %s", b)
	}
}
