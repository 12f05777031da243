package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// How long a hook takes at most. The rest up to 200 ms is for the start and the end of its process.
const (
	Deadline  = 150 * time.Millisecond // of all; user-prompt waits as long for its prompt
	inputWait = 30 * time.Millisecond  // of the others for standard input: they can do without
)

// Names lists the hooks.
var Names = []string{sessionStart, userPrompt, "session-end"}

// The hooks that do something of their own.
const (
	sessionStart = "session-start"
	userPrompt   = "user-prompt"
)

// events are what Claude Code calls the hooks.
var events = map[string]string{sessionStart: "SessionStart", userPrompt: "UserPromptSubmit",
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
	Session loose   `json:"session_id"`
	CWD     loose   `json:"cwd"`
	Prompt  *string `json:"prompt"`
}

// loose is a string that a hook can do without: of another kind it is empty, and no error.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*l = loose(s)
	}
	return nil
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
	out := r.answer.output(events[name])
	if out.Message != "" {
		o.Note("hook %s: %s", name, out.Message)
	}
	return out.encode()
}

// unread is what the user is told where the prompt was not read.
const unread = "if it asked to remember something, that is not stored: send it again"

// Failed is what belongs on standard output where a hook could not even be run.
func Failed(name string, err error) []byte {
	var out output
	if name == userPrompt {
		out.Message = fmt.Sprintf("memlog: the prompt was not looked at: %v; %s", err, unread)
	}
	return out.encode()
}

// output is what the answer comes to.
func (a *answer) output(event string) output {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := output{Message: a.message}
	if a.context != nil {
		if text := a.context(); text != "" {
			out.Specific = &specific{Event: event, Context: text}
		}
	}
	return out
}

// encode writes the output as Claude Code reads it, nothing where there is nothing to say.
func (o output) encode() []byte {
	if o == (output{}) {
		return nil
	}
	b, err := json.Marshal(o)
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
	waits  bool // the owner has just not answered
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
	wait := inputWait
	if name == userPrompt {
		wait = Deadline
		r.answer.warn("memlog: the prompt did not come whole within %v; %s", wait, unread)
	}
	err := r.read(stdin, wait)
	switch name {
	case sessionStart:
		r.sessionStart()
	case userPrompt:
		r.userPrompt(err)
	}
	if err != nil && name != userPrompt { // which says so itself
		r.o.Note("hook %s: input: %v", name, err)
	}
	if !r.waits {
		r.drain()
	}
}

// read waits for what Claude Code says.
func (r *run) read(stdin io.Reader, wait time.Duration) error {
	read := make(chan reading, 1)
	go readInput(stdin, read)
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case got := <-read:
		r.in = got.in
		return got.err
	case <-late.C:
		return fmt.Errorf("it did not come whole within %v", wait)
	}
}

// maxInput is how much of standard input is looked at, in bytes. A prompt is the largest part, and
// may take six bytes for one.
const maxInput = 8 << 20

// reading is what came of standard input.
type reading struct {
	in  input
	err error
}

// readInput reads what Claude Code says. It does not wait for the end of its input, but takes the
// rest away, so that who writes it is not held up.
func readInput(stdin io.Reader, read chan<- reading) {
	bounded := &io.LimitedReader{R: stdin, N: maxInput}
	var got reading
	err := json.NewDecoder(bounded).Decode(&got.in)
	switch {
	case err == nil:
	case bounded.N == 0 && errors.Is(err, io.ErrUnexpectedEOF):
		got.err = fmt.Errorf("it is longer than %d bytes", maxInput)
	case errors.Is(err, io.EOF):
		got.err = errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		got.err = errors.New("it ends in the middle")
	default:
		got.err = fmt.Errorf("it is not as Claude Code writes it: %w", err)
	}
	read <- got
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
