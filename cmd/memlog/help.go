package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// groups are the headings of the list of commands, in order.
var groups = [...]string{"Write", "Read", "Go back", "Look after", "Move", "Processes", "Prove"}

// overview returns the help of memlog as a whole.
func overview(table []*command, globals []cli.Flag) string {
	var b strings.Builder
	b.WriteString("memlog is a memory for coding agents that never loses what it was told.\n\n" +
		"Usage: memlog COMMAND [FLAGS] [ARGUMENTS]\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s\n", g)
		for _, c := range table {
			if c.group == g {
				fmt.Fprintf(&b, "  %-11s %s\n", c.name, c.summary)
			}
		}
	}
	b.WriteString("\nGlobal flags\n")
	writeFlags(&b, globals)
	b.WriteString("\n" + exitText([]int{exitDamaged, exitNotFound, exitConflict, exitBusy}))
	b.WriteString("\nFlags may stand before and after arguments; -- ends them.\n" +
		"memlog help COMMAND explains a command; memlog try shows everything at work.\n")
	return b.String()
}

// commandHelp returns the help of one command.
func commandHelp(c *command, globals []cli.Flag) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage: %s\n", c.summary, usageLine(c))
	if c.about != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.about))
	}
	if len(c.subs) > 0 {
		b.WriteString("\nCommands\n")
		for _, s := range c.subs {
			fmt.Fprintf(&b, "  %-13s %s\n", s.name, s.summary)
		}
	}
	if len(c.flags) > 0 {
		b.WriteString("\nFlags\n")
		writeFlags(&b, c.flags)
	}
	fmt.Fprintf(&b, "\nGlobal flags, see memlog help: %s\n", globalNames(globals))
	if len(c.examples) > 0 {
		b.WriteString("\nExamples\n")
		for _, e := range c.examples {
			fmt.Fprintf(&b, "  %s\n", e)
		}
	}
	if c.neverFails {
		fmt.Fprintf(&b, "\nExit codes\n  0  always\n")
	} else {
		b.WriteString("\n" + exitText(c.exits))
	}
	return b.String()
}

func globalNames(globals []cli.Flag) string {
	var out []string
	for _, f := range globals {
		out = append(out, flagName(f.Names()))
	}
	return strings.Join(out, ", ")
}

// usageLine shows how a command is written.
func usageLine(c *command) string {
	words := []string{"memlog", c.path()}
	if c.run == nil || len(c.subs) > 0 {
		word := strings.Join(names(c.subs), "|")
		if c.run != nil {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	if len(c.flags) > 0 {
		words = append(words, "[FLAGS]")
	}
	if c.args != "" {
		words = append(words, c.args)
	}
	return strings.Join(words, " ")
}

// flagColumn is where the explanations of flags begin.
const flagColumn = 24

// writeFlags lists flags with what they mean. Explanations are wrapped to the usual width.
func writeFlags(b *strings.Builder, flags []cli.Flag) {
	for _, f := range flags {
		doc, ok := f.(cli.DocGenerationFlag)
		if v, can := f.(cli.VisibleFlag); !ok || can && !v.IsVisible() {
			continue
		}
		use, word := placeholder(doc.GetUsage())
		name := flagName(f.Names())
		if doc.TakesValue() {
			name += " " + word
		}
		lines := wrap(use, usualWidth+10-flagColumn)
		if columns(name) > flagColumn-4 {
			fmt.Fprintf(b, "  %s\n", name)
			name = ""
		}
		for _, l := range lines {
			fmt.Fprintf(b, "  %-*s%s\n", flagColumn-2, name, l)
			name = ""
		}
	}
}

func flagName(names []string) string {
	var out []string
	for _, n := range names {
		if len(n) == 1 {
			out = append(out, "-"+n)
		} else {
			out = append([]string{"--" + n}, out...)
		}
	}
	return strings.Join(out, ", ")
}

// placeholder returns a usage text without its backquotes, and the word they hold.
func placeholder(use string) (text, word string) {
	before, rest, ok := strings.Cut(use, "`")
	if !ok {
		return use, "VALUE"
	}
	word, after, _ := strings.Cut(rest, "`")
	return before + word + after, strings.ToUpper(word)
}

// exitText lists the exit codes 0, 1, 2 and more.
func exitText(more []int) string {
	codes := append([]int{exitDone, exitFailed, exitUsage}, more...)
	slices.Sort(codes)
	var b strings.Builder
	b.WriteString("Exit codes\n")
	for _, c := range codes {
		fmt.Fprintf(&b, "  %d  %s\n", c, exitMeaning[c])
	}
	return b.String()
}
