package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

type cliFlag = cli.Flag

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"memlog": main,
		// Two that are broken, so that memlog try is seen to notice.
		"memlog-undoes-nothing": func() { os.Exit(broken(undoesNothing{})) },
		"memlog-forgets":        func() { os.Exit(broken(forgets{})) },
		// And two for memlog torture.
		"memlog-sends-again": func() { os.Exit(broken(&sendsAgain{})) },
		"memlog-drops":       func() { os.Exit(brokenOwner()) },
		// And one that may not start processes.
		"memlog-alone": func() { os.Exit(alone()) },
	})
}

// broken runs memlog mcp on a service that differs from the store's, everything else as it is.
func broken(by interface {
	wrap(memory.Service) memory.Service
}) int {
	a := newApp()
	front := a.front
	a.front = func(s settings, log *slog.Logger) (memory.Service, error) {
		svc, err := front(s, log)
		return by.wrap(svc), err
	}
	return a.run(context.Background(), os.Args[1:])
}

// sendsAgain does some changes of a memory twice, the second time under another request id, as a
// client does that makes one for every attempt and loses an answer.
type sendsAgain struct {
	memory.Service
	updates atomic.Int64
}

func (*sendsAgain) wrap(s memory.Service) memory.Service { return &sendsAgain{Service: s} }
func (s *sendsAgain) Update(
	ctx context.Context, r memory.UpdateRequest,
) (memory.Change, error) {
	if res, err := s.Service.Update(ctx, r); err != nil || s.updates.Add(1)%3 != 0 {
		return res, err
	}
	r.Origin.RequestID += "-again"
	return s.Service.Update(ctx, r)
}

// brokenOwner runs a memlog whose owners drop some of what they acknowledge.
func brokenOwner() int {
	a := newApp()
	owner := a.owner
	a.owner = func(s settings, log *slog.Logger, create bool) daemon.Options {
		o := owner(s, log, create)
		open := o.Open
		o.Open = func(ctx context.Context) (memory.Service, error) {
			svc, err := open(ctx)
			return &drops{Service: svc}, err
		}
		return o
	}
	return a.run(context.Background(), os.Args[1:])
}

// drops acknowledges every fifth store, and does not do it.
type drops struct {
	memory.Service
	stores atomic.Int64
}

func (d *drops) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	if d.stores.Add(1)%5 != 0 {
		return d.Service.Store(ctx, r)
	}
	h, err := d.Service.Health(ctx)
	return memory.StoreResult{Seq: h.Seq,
		Stored: []memory.Stored{{ID: memory.ID{1}, Created: true}}}, err
}

// undoesNothing says that it undid, and did not.
type undoesNothing struct{ memory.Service }

func (undoesNothing) wrap(s memory.Service) memory.Service { return undoesNothing{s} }
func (s undoesNothing) Undo(
	ctx context.Context, r memory.UndoRequest,
) (memory.UndoResult, error) {
	r.DryRun = true
	res, err := s.Service.Undo(ctx, r)
	res.DryRun = false
	return res, err
}

// forgets acknowledges all memories and stores all but one.
type forgets struct{ memory.Service }

func (forgets) wrap(s memory.Service) memory.Service { return forgets{s} }
func (s forgets) Store(
	ctx context.Context, r memory.StoreRequest,
) (memory.StoreResult, error) {
	last := len(r.Memories) - 1
	r.Memories = r.Memories[:last]
	res, err := s.Service.Store(ctx, r)
	res.Stored = append(res.Stored, memory.Stored{Created: true})
	return res, err
}

// TestScripts runs testdata/script: the command line as its users see it, on real stores.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("MEMLOG_STORE", e.WorkDir+"/store")
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": cmdExits, "field": cmdField, "keep": cmdKeep,
			"await": cmdAwait, "flip": cmdFlip, "hold": cmdHold,
			"tear": cmdTear, "site": cmdSite,
		},
	})
}

// cmdExits runs a command and checks its exit code: exits 2 memlog list x.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", got, want, ts.ReadFile("stdout"),
			ts.ReadFile("stderr"))
	}
}

// cmdField checks a field of the JSON document on stdout: field hits.0.content 'reg.*exp'. A path
// ends in # for a length. Negated, the field must not be there.
func cmdField(ts *testscript.TestScript, neg bool, args []string) {
	if neg && len(args) == 1 {
		if got, err := lookup(ts.ReadFile("stdout"), args[0]); err == nil {
			ts.Fatalf("%s is %s", args[0], got)
		}
		return
	}
	if len(args) != 2 {
		ts.Fatalf("usage: field PATH REGEXP")
	}
	got, err := lookup(ts.ReadFile("stdout"), args[0])
	ts.Check(err)
	re, err := regexp.Compile(`(?s)^(?:` + args[1] + `)$`)
	ts.Check(err)
	if re.MatchString(got) == neg {
		ts.Fatalf("%s is %s, want %s (negated: %v)", args[0], got, args[1], neg)
	}
}

// cmdKeep keeps a field of the JSON document on stdout in a variable: keep ID id.
func cmdKeep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep VARIABLE PATH")
	}
	got, err := lookup(ts.ReadFile("stdout"), args[1])
	ts.Check(err)
	ts.Setenv(args[0], got)
}

// lookup returns the field of a JSON document at a dotted path: strings bare, others as JSON. There
// must be exactly one document.
func lookup(doc, path string) (string, error) {
	var v any
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		return "", fmt.Errorf("stdout is not one JSON document: %w: %s", err, doc)
	}
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[step]
			if !ok {
				return "", fmt.Errorf("no %s of %s in %s", step, path, doc)
			}
			v = next
		case []any:
			if step == "#" {
				return strconv.Itoa(len(at)), nil
			}
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(at) {
				return "", fmt.Errorf("no %s of %s in %s", step, path, doc)
			}
			v = at[i]
		default:
			return "", fmt.Errorf("no %s of %s in %s", step, path, doc)
		}
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// awaitFor is how long await waits before the script fails.
const awaitFor = 20 * time.Second

// cmdAwait waits until a file matches: await FILE REGEXP.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	deadline := time.Now().Add(awaitFor)
	for {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && re.Match(b) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not match %s after %v: %s", args[0], args[1], awaitFor, b)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// cmdFlip flips one bit of a text within the files of a directory: flip DIR TEXT.
func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip DIR TEXT")
	}
	files, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, f := range files {
		path := filepath.Join(ts.MkAbs(args[0]), f.Name())
		b, err := os.ReadFile(path)
		ts.Check(err)
		if at := bytes.Index(b, []byte(args[1])); at >= 0 {
			b[at] ^= 1
			ts.Check(os.WriteFile(path, b, 0o600))
			return
		}
	}
	ts.Fatalf("no %q in %s", args[1], args[0])
}

// cmdTear appends bytes to a file, as an interrupted write leaves them: tear FILE TEXT.
func cmdTear(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tear FILE TEXT")
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY|os.O_APPEND, 0)
	ts.Check(err)
	_, err = f.WriteString(args[1])
	ts.Check(errors.Join(err, f.Close()))
}

// cmdHold opens a store in this process and keeps it until the script ends: hold DIR.
func cmdHold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold DIR")
	}
	s, err := store.Open(context.Background(), ts.MkAbs(args[0]), store.Options{Holder: "the test"})
	ts.Check(err)
	ts.Defer(func() { ts.Check(s.Close()) })
}
