package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/claude"
	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/doctor"
	"memlog/cmd/memlog/internal/hook"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// How long doctor waits for an owner that may be stopped, and for a verify.
const (
	doctorWait   = 3 * time.Second
	doctorVerify = 15 * time.Second
)

func doctorCommand() *command {
	return &command{
		name: "doctor", group: "Look after",
		summary: "Say on one screen how all is, and what to do about what is wrong",
		about: `
The owner and its clients, the log and a verify of it, the disk, the clock, what hooks left, and how
Claude Code is set up. It changes nothing, and works where there is no store, on one that cannot be
opened, and beside an owner that does not answer. The exit code is 3 where there is damage, else 1
where something is broken, and 6 where nothing is but a process that holds the store up.

--report writes the same as one file fit for an issue. It never holds anything of a memory, a tag, a
project, a session or a command line, and the home directory is written ~.`,
		examples: []string{`memlog doctor`, `memlog doctor --report memlog-report.md`},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "report", Usage: "also write `FILE`, which must not be there yet"},
		},
		exits: []int{exitDamaged, exitBusy},
		run:   runDoctor,
	}
}

func runDoctor(ctx context.Context, c *call) error {
	c.settings.timeout = min(c.settings.timeout, doctorWait)
	r := c.examine(ctx)
	places, err := claude.Locate(c.env)
	if err != nil {
		r.AddClaudeError(err)
	} else {
		c.examineClaude(&r, places)
	}
	r.Judge()
	if file := c.str("report"); file != "" {
		if err := c.writeReport(r, places, file); err != nil {
			return err
		}
	}
	if err := c.emit(r, func(p *page) { p.doctor(r) }); err != nil || r.OK {
		return err
	}
	return reported{memory.Errorf(r.Code(), "found %s", plural(len(r.Problems), "problem"))}
}

// examine looks at the store and its owner. Each part that fails is a problem of the report.
func (c *call) examine(ctx context.Context) doctor.Report {
	v := buildVersion()
	r := doctor.Report{Version: v.Version, Platform: v.Go + " " + v.Platform, Time: c.now(),
		Store: c.store}
	var err error
	if r.Spool.Waiting, r.Spool.Aside, err = (hook.Spool{Store: c.store}).Count(); err != nil {
		r.AddError(err)
	}
	c.examineSocket(&r)
	if _, err := os.Stat(c.store); errors.Is(err, fs.ErrNotExist) {
		return r
	}
	r.Exists = true
	st, err := daemon.Status(ctx, ownerOptions(c.settings, c.log, false))
	if err != nil {
		r.AddError(err) // it names the process
	} else {
		c.examineStore(ctx, &r)
	}
	r.Owner = owner(st)
	verifying, cancel := context.WithTimeout(ctx, doctorVerify)
	defer cancel()
	res, err := c.keeper().Verify(verifying, memory.VerifyRequest{By: c.holder,
		Progress: c.bar.progress()})
	switch {
	case verifying.Err() != nil && ctx.Err() == nil:
		r.Add(doctor.Warning, "memlog verify", "checking the whole log takes more than %v", doctorVerify)
	case err != nil:
		r.AddError(err)
	default:
		r.Verify = &res
	}
	return r
}

// envRuntime is where the platform has sockets put.
const envRuntime = "XDG_RUNTIME_DIR"

// examineSocket looks whether there is a place for the socket of the store's owner.
func (c *call) examineSocket(r *doctor.Report) {
	path, err := rpc.SocketPath(c.store)
	run := c.env(envRuntime)
	switch {
	case err != nil:
		r.AddRuntimeError(err)
	case filepath.IsAbs(run) && filepath.Dir(filepath.Dir(path)) != filepath.Clean(run):
		r.Add(doctor.Warning, "set "+envRuntime+" to a short directory that is there, or unset it",
			"%s is missing or too long, so the socket is put into %s: %s", envRuntime,
			filepath.Dir(path), run)
	}
}

// owner is the process that has the store open, nil where there is none that is known.
func owner(st daemon.StatusInfo) *doctor.Owner {
	if st.PID == 0 {
		return nil
	}
	o := &doctor.Owner{PID: st.PID, Version: st.Version, Since: st.Since, Calls: st.Calls,
		Clients: []doctor.Client{}}
	for _, c := range st.Clients {
		o.Clients = append(o.Clients, doctor.Client(c))
	}
	return o
}

// examineStore asks the store how it is.
func (c *call) examineStore(ctx context.Context, r *doctor.Report) {
	svc, err := c.open(ctx, c.settings, c.log, false)
	if err != nil {
		r.AddError(err)
		return
	}
	c.svc = svc
	h, err := svc.Health(ctx)
	if err != nil {
		r.AddError(err)
		return
	}
	r.Health = &h
	m, err := svc.Metrics(ctx, memory.MetricsRequest{})
	if err != nil {
		r.AddError(err)
		return
	}
	r.LastVerify = m.LastVerify
}

// examineClaude looks how Claude Code is set up.
func (c *call) examineClaude(r *doctor.Report, places claude.Places) {
	r.Claude.Program, _ = exec.LookPath("claude")
	regs, err := places.Find()
	if err != nil {
		r.AddClaudeError(err)
	}
	self, _ := os.Executable()
	for _, reg := range regs {
		d := doctor.Registration{Registration: reg}
		if path, err := exec.LookPath(reg.Server.Command); err == nil {
			d.Found, d.Same = path, sameFile(path, self)
		}
		r.Claude.Registrations = append(r.Claude.Registrations, d)
	}
	if r.Claude.Plugins, err = places.Plugins(); err != nil {
		r.AddClaudeError(err)
	}
}

func sameFile(a, b string) bool {
	x, xerr := os.Stat(a)
	y, yerr := os.Stat(b)
	return xerr == nil && yerr == nil && os.SameFile(x, y)
}

// writeReport writes the report for strangers.
func (c *call) writeReport(r doctor.Report, places claude.Places, file string) error {
	home, _ := os.UserHomeDir()
	public, err := r.Public(home, places.Root)
	if err != nil {
		return fmt.Errorf("make the report: %w", err)
	}
	flat, err := marshal(public)
	var b bytes.Buffer
	if err == nil {
		err = json.Indent(&b, flat, "", "  ")
	}
	if err != nil {
		return fmt.Errorf("make the report: %w", err)
	}
	f, err := os.OpenFile(filepath.Clean(file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return memory.Invalid("--report", "%s is there already", file).WithHint("name another file")
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err = fmt.Fprintf(f, "# memlog doctor\n\n```json\n%s\n```\n", b.Bytes())
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (p *page) doctor(r doctor.Report) {
	p.field("memlog", r.Version+", "+r.Platform)
	p.field("store", r.Store)
	switch {
	case !r.Exists:
		p.field("", "there is none yet; the first memory makes it")
	case r.Owner != nil:
		p.owner(r.Owner.PID, r.Owner.Version, r.Owner.Since)
		for _, c := range r.Owner.Clients {
			p.client(memory.ClientInfo(c))
		}
	default:
		p.field("owner", "none that answers")
	}
	if h := r.Health; h != nil {
		p.field("log", fmt.Sprintf("seq %s, watermark %d behind", plainSeq(h.Seq), h.Seq-h.Watermark))
		p.field("memories", h.Memories)
		if h.FreeBytes > 0 {
			p.field("disk free", bytesText(h.FreeBytes))
		}
		p.field("clock", fmt.Sprintf("log ahead by %.0f s", h.ClockSkew))
	}
	p.doctorVerify(r)
	p.field("spool", fmt.Sprintf("%d waiting, %d rejected", r.Spool.Waiting, r.Spool.Aside))
	p.doctorClaude(r.Claude)
	for _, x := range r.Problems {
		p.field(x.Grade, x.Detail)
		p.field("", x.Do)
	}
	if len(r.Problems) == 0 {
		p.line("all is well")
	}
}

func (p *page) doctorVerify(r doctor.Report) {
	if v := r.Verify; v != nil {
		word := "ok"
		if !v.OK {
			word = "damaged"
		}
		p.field("verify", fmt.Sprintf("%s, %d records", word, v.Records))
		for _, x := range v.Problems {
			p.problem(x)
		}
	}
	if l := r.LastVerify; l != nil {
		p.field("last verify", fmt.Sprintf("%s, %s", p.when(l.Time), plural(l.Problems, "problem")))
	}
}

func (p *page) doctorClaude(c doctor.Claude) {
	for _, reg := range c.Registrations {
		found := reg.Found
		if found == "" {
			found = "not found"
		} else if reg.Same {
			found = "this program"
		}
		p.field("claude code", fmt.Sprintf("scope %s in %s: %s (%s)", reg.Scope, reg.File,
			shellWords(reg.Server.Words()), found))
	}
	for _, x := range c.Plugins {
		state := "enabled"
		if !x.Enabled {
			state = "disabled"
		}
		p.field("plugin", x.ID+" "+state)
	}
}
