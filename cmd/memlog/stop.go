package main

import (
	"context"

	"memlog/cmd/memlog/internal/daemon"
)

// stopResult is the report of memlog stop.
type stopResult struct {
	Stopped bool `json:"stopped"` // false: there was no owner
	PID     int  `json:"pid,omitempty"`
}

func stopCommand() *command {
	return &command{
		name: "stop", group: "Processes",
		summary: "Have the owner of the store leave, after the calls under way",
		about: `
Nothing is lost by it: who uses the store next starts an owner again.`,
		exits: []int{exitBusy},
		run:   runStop,
	}
}

func runStop(ctx context.Context, c *call) error {
	o := ownerOptions(c.settings, c.log, false)
	st, err := daemon.Status(ctx, o)
	if err == nil && st.Running {
		err = daemon.Stop(ctx, o)
	}
	if err != nil {
		return err
	}
	res := stopResult{Stopped: st.Running, PID: st.PID}
	return c.emit(res, func(p *page) {
		if res.Stopped {
			p.line("process %d has left", res.PID)
		} else {
			p.line("the store has no owner")
		}
	})
}
