package doctor

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/claude"
	"memlog/cmd/memlog/internal/memory"
)

// The bounds past which something is a problem.
const (
	LowSpace = 256 << 20   // bytes free on the store's disk
	MaxLag   = 10_000      // records that reads do not see yet
	MaxSkew  = time.Minute // the log is ahead of the clock
)

// The grades of a problem, the worst last.
const (
	Warning = "warning" // works, and might be better
	Broken  = "broken"  // does not work
	Damage  = "damage"  // something is lost, or in danger
)

// Problem is something wrong, and what to do about it.
type Problem struct {
	Grade  string `json:"grade"`
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"`
	public string // Detail as strangers see it; empty: the same
	busy   bool   // broken for no other reason than that another process does not let go or answer
}

// Report is what is known. Parts that could not be had are nil or empty.
type Report struct {
	OK       bool      `json:"ok"` // nothing is broken nor damaged
	Version  string    `json:"version"`
	Platform string    `json:"platform"`
	Time     time.Time `json:"time"`
	Store    string    `json:"store"`
	Exists   bool      `json:"exists"`

	Owner      *Owner               `json:"owner,omitempty"`
	Health     *memory.HealthResult `json:"health,omitempty"`
	LastVerify *memory.LastVerify   `json:"last_verify,omitempty"` // before this one
	Verify     *memory.VerifyResult `json:"verify,omitempty"`      // of now
	Spool      Spool                `json:"spool"`
	Claude     Claude               `json:"claude_code"`

	Problems []Problem `json:"problems"`
}

// Owner is the process that has the store open.
type Owner struct {
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	Calls   int       `json:"calls"`
	Clients []Client  `json:"clients"`
}

// Client is a process that is connected to the owner.
type Client struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Session string    `json:"session,omitempty"`
	Project string    `json:"project,omitempty"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
}

// Spool counts what hooks left to be stored.
type Spool struct {
	Waiting int `json:"waiting"`
	Aside   int `json:"rejected"`
}

// Claude is how Claude Code is set up.
type Claude struct {
	Program       string          `json:"program,omitempty"` // the claude command
	Registrations []Registration  `json:"registrations"`     // the one that counts first
	Plugins       []claude.Plugin `json:"plugins"`
}

// Registration is a registration, and whether it works.
type Registration struct {
	claude.Registration
	Found string `json:"found,omitempty"` // the program that is started; empty: there is none
	Same  bool   `json:"same"`            // it is this one
}

// Add adds a problem.
func (r *Report) Add(grade, do, format string, args ...any) {
	p := Problem{Grade: grade, Detail: fmt.Sprintf(format, args...), Do: do}
	r.Problems = append(r.Problems, p)
}

// addClaude adds a problem that names what is the user's, and how it is told without.
func (r *Report) addClaude(grade, do, public, format string, args ...any) {
	r.Add(grade, do, format, args...)
	r.Problems[len(r.Problems)-1].public = public
}

// AddClaudeError adds an error of reading the files of Claude Code.
func (r *Report) AddClaudeError(err error) {
	r.addClaude(Broken, "mend the file; memlog changes none that it does not understand",
		"a file of Claude Code cannot be read", "%v", err)
}

// AddError adds an error of a part, with its hint, or with one that fits its kind. Damage is graded
// as such.
func (r *Report) AddError(err error) {
	p := Problem{Grade: Broken, Detail: err.Error(), Do: "see that the store's directory, its disk " +
		"and its files are as they were, then memlog verify"}
	switch code := memory.CodeOf(err); {
	case code == memory.CodeDamaged:
		p.Grade = Damage
		p.Do = "memlog verify names it, memlog repair mends what can be mended"
	case code == memory.CodeBusy:
		p.busy = true
		p.Do = "where it is stopped, kill -CONT has it go on, and kill ends it; nothing is lost by that"
	case errors.Is(err, fs.ErrPermission):
		p.Do = "have the store and all in it belong to you, with the right to read and write"
	}
	var e *memory.Error
	if errors.As(err, &e) && e.Hint != "" {
		p.Do = e.Hint
	}
	r.Problems = append(r.Problems, p)
}

// AddRuntimeError adds an error of the place where the store's owner is to listen.
func (r *Report) AddRuntimeError(err error) {
	r.Add(Broken, "set XDG_RUNTIME_DIR (or, where it is not set, TMPDIR) to a short directory of "+
		"yours with mode 0700: sessions and hooks share the store through a socket in it", "%v", err)
}

// Code returns what the report comes to as an error code, "" where all is well: damage before what
// is broken, and that before what only another process holds up.
func (r *Report) Code() memory.Code {
	switch r.Worst() {
	case Damage:
		return memory.CodeDamaged
	case Broken:
		for _, p := range r.Problems {
			if p.Grade == Broken && !p.busy {
				return memory.CodeFailed
			}
		}
		return memory.CodeBusy
	}
	return ""
}

// Worst returns the worst grade, "" where all is well.
func (r *Report) Worst() string {
	worst := ""
	for _, g := range []string{Warning, Broken, Damage} {
		for _, p := range r.Problems {
			if p.Grade == g {
				worst = g
			}
		}
	}
	return worst
}

// Judge adds the problems that the parts show, and decides whether all is well.
func (r *Report) Judge() {
	r.judgeStore()
	r.judgeClaude()
	r.OK = r.Worst() != Damage && r.Worst() != Broken
}

func (r *Report) judgeStore() {
	if v := r.Verify; v != nil && !v.OK {
		r.Add(Damage, "memlog verify names it, memlog repair mends what can be mended",
			"verify found %d problems", len(v.Problems))
	} else if l := r.LastVerify; v == nil && l != nil && !l.OK {
		r.Add(Damage, "memlog verify", "the last verify found %d problems", l.Problems)
	}
	if r.Spool.Waiting > 0 {
		r.Add(Warning, "the next session of Claude Code stores them; memlog hook session-end does now",
			"%d writes of hooks wait in the spool", r.Spool.Waiting)
	}
	if r.Spool.Aside > 0 {
		r.Add(Damage, "look at the files *.rejected in the directory spool of the store",
			"%d writes of hooks could not be stored", r.Spool.Aside)
	}
	h := r.Health
	if h == nil {
		return
	}
	if h.ReadOnly != "" {
		r.Add(Broken, "see that its disk has room and that you may write to it, then memlog stop: the "+
			"next call opens it anew", "the store is read-only: %s", h.ReadOnly)
	}
	if n := len(h.Problems); n > 0 && (r.Verify == nil || r.Verify.OK) {
		r.Add(Damage, "memlog verify names it", "the store reports %d problems", n)
	}
	if h.Watermark+MaxLag < h.Seq {
		r.Add(Warning, "wait; if it does not fall, memlog rebuild", "reads are %d records behind",
			h.Seq-h.Watermark)
	}
	if h.FreeBytes > 0 && h.FreeBytes < LowSpace {
		r.Add(Warning, "make room on the store's disk", "the disk has %d MiB left", h.FreeBytes>>20)
	}
	if time.Duration(h.ClockSkew*float64(time.Second)) > MaxSkew {
		r.Add(Warning, "set the clock; memlog help says what --accept-clock does",
			"the log is %.0f seconds ahead of the clock", h.ClockSkew)
	}
}

func (r *Report) judgeClaude() {
	c := r.Claude
	enabled := false
	for _, p := range c.Plugins {
		enabled = enabled || p.Enabled
	}
	for i, reg := range c.Registrations {
		switch {
		case reg.Found == "":
			r.addClaude(Broken, "memlog install claude-code --replace --scope "+string(reg.Scope),
				"Claude Code is to start a program that is not there",
				"Claude Code is to start %s (scope %s), which is not there", reg.Server.Command, reg.Scope)
		case !reg.Same:
			r.addClaude(Warning, "memlog install claude-code --replace --scope "+string(reg.Scope),
				"Claude Code starts another memlog than this",
				"Claude Code starts another memlog than this: %s (scope %s)", reg.Found, reg.Scope)
		}
		if i > 0 && !reg.Server.Starts(c.Registrations[0].Server) {
			r.Add(Warning, "", "scope %s hides that of scope %s, which differs",
				c.Registrations[0].Scope, reg.Scope)
		}
	}
	switch {
	case enabled && len(c.Registrations) > 0:
		r.Add(Warning, "memlog install claude-code --uninstall, or /plugin disable memlog",
			"both the plugin and a registration start the server: the agent sees every tool twice")
	case !enabled && len(c.Registrations) == 0:
		r.Add(Warning, "memlog install claude-code", "Claude Code does not know memlog")
	}
}

// Public returns the report without what says something about its user: see the package's comment.
// home and root are the directories that are not named.
func (r Report) Public(home, root string) (Report, error) {
	if r.Owner != nil {
		o := *r.Owner
		o.Clients = append([]Client{}, o.Clients...)
		for i := range o.Clients {
			o.Clients[i].Session, o.Clients[i].Project = "", ""
		}
		r.Owner = &o
	}
	regs := append([]Registration{}, r.Claude.Registrations...)
	for i := range regs {
		// Command lines and environments hold keys, addresses too, and paths hold names.
		regs[i].Server = claude.Server{Type: regs[i].Server.Type}
		regs[i].File, regs[i].Found = base(regs[i].File), base(regs[i].Found)
	}
	r.Claude.Registrations, r.Claude.Program = regs, base(r.Claude.Program)
	r.Claude.Plugins = append([]claude.Plugin{}, r.Claude.Plugins...)
	for i := range r.Claude.Plugins {
		p := &r.Claude.Plugins[i]
		p.ID, p.File = claude.Name, base(p.File)
	}
	r.Problems = append([]Problem{}, r.Problems...)
	for i, p := range r.Problems {
		r.Problems[i].Detail = cmp.Or(p.public, p.Detail)
	}
	b, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	text := string(b)
	for _, hide := range []struct{ path, by string }{{root, "<project>"}, {home, "~"}} {
		if len(hide.path) > len("/") {
			quoted, err := json.Marshal(hide.path)
			if err != nil {
				return r, err
			}
			text = strings.ReplaceAll(text, strings.Trim(string(quoted), `"`), hide.by)
		}
	}
	var out Report
	err = json.Unmarshal([]byte(text), &out)
	return out, err
}

// base is the last part of a path, "" of none.
func base(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Base(filepath.ToSlash(path))
}
