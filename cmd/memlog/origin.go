package main

import (
	"os"
	"os/user"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

// clientName is what the log says about commands given here.
const clientName = "memlog cli"

// originFlags go with every command that changes something.
func originFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "request-id", Usage: "`ID` of this attempt: giving it again returns " +
			"the first result"},
		&cli.StringFlag{Name: "reason", Usage: "why, as `TEXT` for the log"},
	}
}

// origin says who gives the command.
func (c *call) origin() memory.Origin {
	o := memory.Origin{
		RequestID: c.str("request-id"), Reason: c.str("reason"),
		Client: clientName, ClientVersion: version(),
		Session: clip(session(c.env)), Project: c.project(),
	}
	o.User, o.Host = caller()
	return o
}

// project returns the directory of the project this process works in.
func (c *call) project() string {
	if dir := c.env(envProject); dir != "" {
		return clip(dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return clip(dir)
}

// caller returns the names of the user and the machine, as far as they are known.
func caller() (name, host string) {
	if u, err := user.Current(); err == nil {
		name = clip(u.Username)
	}
	if h, err := os.Hostname(); err == nil {
		host = clip(h)
	}
	return name, host
}

// session returns the session this process belongs to.
func session(env func(string) string) string {
	if s := env(envSession); s != "" {
		return s
	}
	return env(envClaude)
}

// clip makes s, which the environment gave and nobody chose for us, fit for the log.
func clip(s string) string {
	if len(s) > memory.MaxProvenance {
		s = s[:memory.MaxProvenance]
	}
	return strings.ToValidUTF8(s, "")
}
