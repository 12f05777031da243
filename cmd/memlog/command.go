package main

import (
	"context"

	"github.com/urfave/cli/v2"
)

// unlimited is the maximum of a command that takes any number of arguments.
const unlimited = -1

// command is one entry of the table that parsing, running and help are made from.
type command struct {
	name     string
	group    string   // heading it stands under in the list of commands
	args     string   // arguments as the usage line shows them
	min, max int      // how many arguments it takes
	summary  string   // one line
	about    string   // paragraphs of help, wrapped by hand
	examples []string // whole command lines
	flags    []cli.Flag
	exits    []int // exit codes besides 0, 1 and 2
	subs     []*command
	// neverFails: its exit code is always 0, and an error is on stderr alone.
	neverFails bool
	failed     func(error) []byte                 // what stdout then gets
	run        func(context.Context, *call) error // nil: only its subcommands do something
	parent     *command
}

// commands returns the table, in the order of the help.
func commands() []*command {
	table := []*command{
		addCommand(), updateCommand(), deleteCommand(), restoreCommand(), linkCommand(),
		duplicatesCommand(),
		searchCommand(), listCommand(), getCommand(), historyCommand(), tagsCommand(),
		statsCommand(),
		undoCommand(), logCommand(), replayCommand(), revertCommand(),
		doctorCommand(), verifyCommand(), repairCommand(), rebuildCommand(), snapshotCommand(),
		archiveCommand(), modelCommand(),
		exportCommand(), importCommand(),
		installCommand(), mcpCommand(), hookCommand(), callCommand(), serveCommand(),
		statusCommand(), stopCommand(),
		versionCommand(), tryCommand(), tortureCommand(), benchCommand(),
	}
	for _, c := range table {
		for _, s := range c.subs {
			s.parent = c
		}
	}
	return table
}

// path returns the words that name c, from the outermost.
func (c *command) path() string {
	if c.parent == nil {
		return c.name
	}
	return c.parent.path() + " " + c.name
}

// sub returns the subcommand called name, nil where there is none.
func (c *command) sub(name string) *command {
	return find(c.subs, name)
}

// find returns the command called name, nil where there is none.
func find(table []*command, name string) *command {
	for _, c := range table {
		if c.name == name {
			return c
		}
	}
	return nil
}

// names returns the names of a table.
func names(table []*command) []string {
	out := make([]string, 0, len(table))
	for _, c := range table {
		out = append(out, c.name)
	}
	return out
}
