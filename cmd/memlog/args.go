package main

import (
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

// line is a command line taken apart.
type line struct {
	cmd     *command // nil: none was named
	globals []string // global flags, as --name or --name=value
	flags   []string // flags of cmd, likewise
	args    []string
	help    bool
}

// arranger takes a command line apart.
type arranger struct {
	table   []*command
	globals []cli.Flag
	line    line
	given   []givenFlag
	ended   bool // -- was seen
}

type givenFlag struct {
	flag   cli.Flag
	name   string // as written, with its dashes
	value  string
	takes  bool
	global bool
}

// arrange takes words apart with the flags of table and globals. Flags may stand before and after
// arguments, global ones also before and after the command; -- ends them, and a - alone is an
// argument. A global flag given twice counts the last time; another flag may be given twice only
// where it collects values.
func arrange(table []*command, globals []cli.Flag, words []string) (line, error) {
	a := &arranger{table: table, globals: globals}
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case !a.ended && w == "--":
			a.ended = true
		case a.ended || w == "-" || !strings.HasPrefix(w, "-"):
			if err := a.word(w); err != nil {
				return a.line, err
			}
		case w == "-h" || w == "--help":
			a.line.help = true
		case w == "--version" && a.line.cmd == nil:
			a.line.cmd = find(table, "version")
		default:
			took, err := a.flag(w, words[i+1:])
			if err != nil {
				return a.line, err
			}
			i += took
		}
	}
	return a.finish()
}

// word takes a word that is no flag: the name of a command or an argument.
func (a *arranger) word(w string) error {
	cmd := a.line.cmd
	if cmd == nil {
		if a.line.cmd = find(a.table, w); a.line.cmd == nil && w != "help" {
			return unknownCommand("", w, names(a.table))
		} else if w == "help" {
			a.line.help, a.line.cmd = true, nil
			return nil
		}
		return nil
	}
	if len(cmd.subs) > 0 && len(a.line.args) == 0 && !a.ended {
		if s := cmd.sub(w); s != nil {
			a.line.cmd = s
			return nil
		}
		return unknownCommand(cmd.path()+" ", w, names(cmd.subs))
	}
	a.line.args = append(a.line.args, w)
	return nil
}

// flag takes a flag and returns how many of the following words it used for its value.
func (a *arranger) flag(w string, rest []string) (int, error) {
	name, value, has := strings.Cut(w, "=")
	f, global := a.lookup(name)
	if f == nil {
		return 0, a.unknownFlag(name)
	}
	g := givenFlag{flag: f, name: name, value: value, takes: takesValue(f), global: global}
	used := 0
	switch {
	case g.takes && !has:
		if len(rest) == 0 {
			return 0, memory.Invalid(name, "needs a value")
		}
		if a.isFlag(rest[0]) {
			return 0, memory.Invalid(name, "needs a value before %s", rest[0]).
				WithHint("where %s is the value itself, write %s=%s", rest[0], name, rest[0])
		}
		g.value, used = rest[0], 1
	case !g.takes && has && value != "true" && value != "false":
		return 0, memory.Invalid(name, "takes no value, or true or false: %q", value)
	case !g.takes && !has:
		g.value = "true"
	}
	a.given = append(a.given, g)
	return used, nil
}

// lookup finds the flag written name: of the command, of its subcommands while none is named, or a
// global one.
func (a *arranger) lookup(name string) (f cli.Flag, global bool) {
	if a.line.cmd != nil {
		for _, c := range append([]*command{a.line.cmd}, a.line.cmd.subs...) {
			if f := findFlag(c.flags, name); f != nil {
				return f, false
			}
		}
	}
	return findFlag(a.globals, name), true
}

// isFlag tells a word that stands where a flag's value should, and is a flag of its own.
func (a *arranger) isFlag(w string) bool {
	known, _ := a.lookup(w)
	return w == "--" || (known != nil && strings.HasPrefix(w, "-"))
}

// finish checks what only the whole line shows.
func (a *arranger) finish() (line, error) {
	l := &a.line
	seen := map[string]bool{}
	for _, g := range a.given {
		name := g.flag.Names()[0]
		word := "--" + name + "=" + g.value
		if g.global {
			l.globals = append(l.globals, word)
			continue
		}
		if findFlag(l.cmd.flags, "--"+name) == nil {
			return *l, a.unknownFlag(g.name)
		}
		_, many := g.flag.(*cli.StringSliceFlag)
		switch {
		case seen[name] && !many:
			return *l, memory.Invalid(g.name, "was given twice")
		case !utf8.ValidString(g.value): // urfave/cli would replace some of it without a word
			return *l, memory.Invalid(g.name, "no UTF-8 text: %q", g.value)
		}
		seen[name] = true
		l.flags = append(l.flags, word)
	}
	if l.help || l.cmd == nil {
		return *l, nil
	}
	return *l, checkArgs(l.cmd, l.args)
}

// checkArgs refuses too few or too many arguments.
func checkArgs(c *command, args []string) error {
	hint := "usage: " + usageLine(c)
	switch {
	case c.run == nil:
		return usage("%s needs one of: %s", c.path(), strings.Join(names(c.subs), ", "))
	case len(args) < c.min:
		return usage("%s needs %s", c.path(), c.args).WithHint("%s", hint)
	case c.max != unlimited && len(args) > c.max:
		return usage("%s: unexpected argument %q", c.path(), args[c.max]).WithHint("%s", hint)
	}
	return nil
}

// words returns a line that urfave/cli reads in one way only.
func (l line) words() []string {
	out := append([]string{"memlog"}, l.globals...)
	out = append(out, strings.Fields(l.cmd.path())...)
	out = append(out, l.flags...)
	out = append(out, "--")
	return append(out, l.args...)
}

// findFlag returns the flag written name with its dashes: one for a letter, two for a word, and
// either for a letter that is all of a flag's name.
func findFlag(flags []cli.Flag, name string) cli.Flag {
	bare := strings.TrimLeft(name, "-")
	dashes := len(name) - len(bare)
	if bare == "" || dashes == 1 && len(bare) > 1 || dashes > 2 {
		return nil
	}
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == bare && (dashes == 1 || len(bare) > 1 || len(f.Names()) == 1) {
				return f
			}
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// unknownFlag explains a flag that the command does not have.
func (a *arranger) unknownFlag(name string) error {
	var known []string
	collect := func(flags []cli.Flag) {
		for _, f := range flags {
			known = append(known, f.Names()[0])
		}
	}
	where, help := "memlog", "memlog help"
	if a.line.cmd != nil {
		where, help = a.line.cmd.path(), "memlog help "+a.line.cmd.path()
		collect(a.line.cmd.flags)
	}
	collect(a.globals)
	err := usage("%s has no flag %s", where, name)
	bare := strings.TrimLeft(name, "-")
	if len(bare) > 1 && name[1] != '-' { // -n5
		if f, _ := a.lookup(name[:2]); f != nil && takesValue(f) {
			return err.WithHint("write %s %s", name[:2], bare[1:])
		}
	}
	if s := suggest(bare, known); s != "" {
		return err.WithHint("did you mean --%s?", s)
	}
	for _, k := range known {
		if k == bare {
			return err.WithHint("did you mean --%s?", k)
		}
	}
	if a.line.cmd == nil {
		return err.WithHint("flags of a command stand after its name; see %s", help)
	}
	return err.WithHint("see %s; text that begins with - stands after --", help)
}

func unknownCommand(prefix, name string, known []string) error {
	err := usage("unknown command %q", prefix+name)
	if s := suggest(name, known); s != "" {
		return err.WithHint("did you mean memlog %s%s?", prefix, s)
	}
	if prefix != "" {
		return err.WithHint("there are: %s", strings.Join(known, ", "))
	}
	return err.WithHint("memlog help lists the commands")
}
