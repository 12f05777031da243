package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/when"
)

func logCommand() *command {
	return &command{
		name: "log", group: "Go back",
		summary: "Show the records of the log",
		about: `
The oldest comes first. With --json, one object a line. --from and --until are bounds on the
recorded time, or sequence numbers: 118, seq:118 or #118. --follow goes on with records as they
come, until Ctrl-C.

` + timeHelp,
		examples: []string{
			`memlog log --from yesterday`,
			`memlog log --from seq:100 --until seq:120 --json`,
			`memlog log --kind deleted --follow`,
		},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "begin at `MOMENT`"},
			&cli.StringFlag{Name: "until", Usage: "end with `MOMENT`"},
			&cli.StringFlag{Name: "kind", Usage: "only records with an event of this `KIND`, such " +
				"as stored or deleted"},
			&cli.StringFlag{Name: "session", Usage: "only records of `SESSION`"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "wait for more"},
		},
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runLog,
	}
}

func runLog(ctx context.Context, c *call) error {
	req := memory.LogRequest{
		Kind: c.str("kind"), Session: c.str("session"), Follow: c.yes("follow"),
	}
	var err error
	if req.From, req.Since, err = c.logBound("from", when.Start); err != nil {
		return err
	}
	if req.To, req.Until, err = c.logBound("until", when.End); err != nil {
		return err
	}
	if req.To != 0 && req.From > req.To {
		return memory.Invalid("--until", "seq %d is before --from seq %d", req.To, req.From)
	}
	svc, err := c.reader(ctx)
	if err != nil {
		return err
	}
	return c.printLog(ctx, svc, req)
}

// logBound returns the sequence number or the time that a flag gives.
func (c *call) logBound(name string, b when.Bound) (memory.Seq, time.Time, error) {
	s := c.str(name)
	if !c.isSet(name) {
		return 0, time.Time{}, nil
	}
	if seq, ok, err := parseSeq("--"+name, s); ok || err != nil {
		return seq, time.Time{}, err
	}
	// A bare number is a record here, also where it could be a year: scripts count up.
	if n, err := strconv.ParseUint(s, 10, 64); err == nil && n > 0 {
		return memory.Seq(n), time.Time{}, nil
	}
	t, err := c.timeFlag(name, b)
	if err == nil {
		c.tell("recorded %s %s", name, exact(t))
	}
	return 0, t, err
}

// printLog prints records as they come. Damage on the way is printed and does not end it; the first
// is returned in the end.
func (c *call) printLog(ctx context.Context, svc memory.Service, req memory.LogRequest) error {
	w := bufio.NewWriter(c.stdout)
	p := &page{w: w, now: c.now(), width: c.screen.pageWidth(), color: c.screen.color}
	var first error
	for rec, err := range svc.Log(ctx, req) {
		switch {
		case req.Follow && errors.Is(err, context.Canceled):
			return errors.Join(first, w.Flush())
		case err != nil && first == nil:
			first = err
			continue
		case err != nil:
			c.note("%v", err)
			continue
		}
		if c.json {
			err = writeJSON(w, rec)
		} else {
			p.record(rec)
		}
		if err == nil && req.Follow {
			err = w.Flush()
		}
		if err != nil {
			return unprinted{fmt.Errorf("print record %d: %w", rec.Seq, err)}
		}
	}
	if err := w.Flush(); err != nil {
		return unprinted{fmt.Errorf("print log: %w", err)}
	}
	return first
}

// record writes a record for people.
func (p *page) record(r memory.LogRecord) {
	head := fmt.Sprintf("seq %-6d %s", r.Seq, r.Time.Local().Format("2006-01-02 15:04:05"))
	if r.Lost {
		p.strong(head + "  lost")
		return
	}
	for _, part := range []string{r.Client, r.Session, r.Project, r.Reason} {
		if part != "" {
			head += "  " + part
		}
	}
	p.strong(head)
	for _, e := range r.Events {
		if e.Destroyed {
			p.dim("%-11s destroyed", e.Kind)
			continue
		}
		text := fmt.Sprintf("%-11s %s", e.Kind, oneLine(fieldsText(e.Fields)))
		width := 0
		if p.width > 0 {
			width = p.width - 2
		}
		fmt.Fprintf(p.w, "  %s\n", cut(text, width))
	}
}

// fieldsText returns the fields of an event, those that say most first.
func fieldsText(fields map[string]any) string {
	rank := func(name string) string {
		for i, first := range []string{"id", "content"} {
			if name == first {
				return strconv.Itoa(i)
			}
		}
		return "9" + name
	}
	names := make([]string, 0, len(fields))
	for n := range fields {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
	var out []string
	for _, n := range names {
		switch v := fields[n].(type) {
		case map[string]any:
			out = append(out, fieldsText(v))
		case json.RawMessage:
			out = append(out, n+"="+string(v))
		case []byte:
			out = append(out, n+"="+string(v))
		case time.Time:
			out = append(out, n+"="+v.Format(time.RFC3339))
		default:
			out = append(out, fmt.Sprintf("%s=%v", n, v))
		}
	}
	return strings.Join(out, " ")
}
