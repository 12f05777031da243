package hook

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// How long a hook takes at most. The rest up to 200 ms is for the start and the end of its process.
const (
	Deadline  = 100 * time.Millisecond // of all
	inputWait = 30 * time.Millisecond  // for standard input; a hook can do without
	askWait   = 50 * time.Millisecond  // for the owner of the store to take a write
)

// Names lists the hooks.
var Names = []string{"session-start", "user-prompt", "session-end"}

// events are what Claude Code calls the hooks.
var events = map[string]string{"session-start": "SessionStart", "user-prompt": "UserPromptSubmit",
	"session-end": "SessionEnd"}

// Options are what a hook works with.
type Options struct {
	Service memory.Service // a way to the owner of the store; it is not closed
	Store   string         // directory of the store
	Budget  int            // tokens of what the agent is told; 0: DefaultBudget; negative: none
	Project string         // directory of the project; empty: from standard input
	Origin  func() memory.Origin
	Now     func() time.Time
	Note    func(format string, args ...any) // says something to who looks at stderr
}

// input is what Claude Code says.
type input struct {
	Session string `json:"session_id"`
	CWD     string `json:"cwd"`
	Prompt  string `json:"prompt"`
}

// output is what Claude Code is told.
type output struct {
	Message  string    `json:"systemMessage,omitempty"` // for the user
	Specific *specific `json:"hookSpecificOutput,omitempty"`
}

type specific struct {
	Event   string `json:"hookEventName"`
	Context string `json:"additionalContext"` // for the agent
}

// answer is what a hook has to say so far.
type answer struct {
	mu      sync.Mutex
	context func() string // mu guards; nil: nothing
	message string        // mu guards
}

func (a *answer) tell(context func() string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.context = context
}

func (a *answer) warn(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.message = fmt.Sprintf(format, args...)
}

// Run runs a hook and returns what belongs on standard output: one JSON object, or nothing. It
// returns within Deadline with what it has by then.
func Run(name string, stdin io.Reader, o Options) []byte {
	late := time.NewTimer(Deadline)
	defer late.Stop()
	if o.Note == nil {
		o.Note = func(string, ...any) {}
	}
	r := &run{o: o, until: o.Now().Add(Deadline)}
	done := make(chan struct{})
	go r.work(name, stdin, done)
	select {
	case <-done:
	case <-late.C:
	}
	return r.answer.encode(events[name])
}

// encode writes the answer as Claude Code reads it.
func (a *answer) encode(event string) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := output{Message: a.message}
	if a.context != nil {
		if text := a.context(); text != "" {
			out.Specific = &specific{Event: event, Context: text}
		}
	}
	if out == (output{}) {
		return nil
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil // strings can always be encoded
	}
	return append(b, '\n')
}

// run is one run of a hook.
type run struct {
	o      Options
	in     input
	until  time.Time
	kept   bool // the owner has just not answered
	answer answer
}

// work does what the hook is for. A defect in it is no reason to stop the user: a panic would end
// the process with a code that has Claude Code refuse the prompt.
func (r *run) work(name string, stdin io.Reader, done chan<- struct{}) {
	defer close(done)
	defer func() {
		if p := recover(); p != nil {
			r.o.Note("hook %s: %v", name, p)
		}
	}()
	read := make(chan input, 1)
	go readInput(stdin, read)
	late := time.NewTimer(inputWait)
	defer late.Stop()
	select {
	case r.in = <-read:
	case <-late.C:
		r.o.Note("hook %s: no input within %v", name, inputWait)
	}
	switch name {
	case "session-start":
		r.sessionStart()
	case "user-prompt":
		r.userPrompt()
	}
	if !r.kept {
		r.drain()
	}
}

// maxInput is how much of standard input is looked at, in bytes. A prompt is the largest part.
const maxInput = 4 << 20

// readInput reads what Claude Code says. It does not wait for the end of its input, but takes the
// rest away, so that who writes it is not held up.
func readInput(stdin io.Reader, read chan<- input) {
	var in input
	if json.NewDecoder(io.LimitReader(stdin, maxInput)).Decode(&in) != nil {
		in = input{}
	}
	read <- in
	_, _ = io.Copy(io.Discard, stdin)
}

// asked is the beginning of a prompt that asks for the rest to be stored.
const asked = "remember:"

// request returns what a prompt asks to be stored, "" where it does not ask.
func request(prompt string) string {
	prompt = strings.TrimSpace(prompt)
	if len(prompt) < len(asked) || !strings.EqualFold(prompt[:len(asked)], asked) {
		return ""
	}
	return strings.TrimSpace(prompt[len(asked):])
}
