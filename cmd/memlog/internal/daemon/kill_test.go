package daemon_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

var killRounds = flag.Int("kill.rounds", 25, "how often TestKillOwner kills the owner")

const (
	killFronts   = 4
	counterAlias = "the-counter"
)

// killChild writes as fast as it can until its input ends, and says what was acknowledged: DIR NAME.
// Every other command raises a counter, which would show a double that equal contents hide.
func killChild(args []string) error {
	f := daemon.Front(spawning(args[0], "kill", testVersion))
	ended := make(chan struct{})
	go func() { _, _ = os.Stdin.Read(make([]byte, 1)); close(ended) }()
	fmt.Println("up")
	for i := 0; ; i++ {
		select {
		case <-ended:
			return f.Close()
		default:
		}
		word, err := killWrite(f, memory.Origin{
			RequestID: fmt.Sprintf("%s-%d", args[1], i), Client: "kill"}, i)
		if err != nil {
			fmt.Println("error", err)
			return err
		}
		fmt.Println(word, args[1], i)
	}
}

// killWrite gives one command: "ack", or "not" where another was faster.
func killWrite(f memory.Service, o memory.Origin, i int) (string, error) {
	ctx := context.Background()
	if i%2 == 0 {
		r := note(fmt.Sprintf("said %d", i%9))
		r.Origin = o
		_, err := f.Store(ctx, r)
		return "ack", err
	}
	m, err := f.Get(ctx, memory.GetRequest{ID: counterAlias})
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(string(m.Metadata))
	if err != nil {
		return "", err
	}
	_, err = f.Update(ctx, memory.UpdateRequest{ID: counterAlias, IfVersion: m.Version, Origin: o,
		Metadata: json.RawMessage(strconv.Itoa(n + 1))})
	if memory.CodeOf(err) == memory.CodeConflict {
		return "not", nil
	}
	return "ack", err
}

// acks collects what the children say.
type acks struct {
	mu     sync.Mutex
	acked  map[string]bool
	errors []string
	done   sync.WaitGroup
}

func (a *acks) read(c *child) {
	defer a.done.Done()
	for c.lines.Scan() {
		word, rest, _ := strings.Cut(c.lines.Text(), " ")
		a.mu.Lock()
		switch word {
		case "ack":
			a.acked[strings.ReplaceAll(rest, " ", "-")] = true
		case "error":
			a.errors = append(a.errors, rest)
		}
		a.mu.Unlock()
	}
}

func (a *acks) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.acked)
}

// TestKillOwner kills the owner again and again under four processes that write: everything
// acknowledged is in the log exactly once, and none of them sees an error.
func TestKillOwner(t *testing.T) {
	rounds := *killRounds
	if testing.Short() {
		rounds = min(rounds, 5)
	}
	w := newWorld(t)
	f := w.front(w.spawning())
	if _, err := f.Store(w.ctx, memory.StoreRequest{Memories: []memory.NewMemory{{Content: "raised",
		Metadata: json.RawMessage("0"), Aliases: []string{counterAlias}}}}); err != nil {
		t.Fatal(err)
	}
	a := &acks{acked: map[string]bool{}}
	var all []*child
	for i := range killFronts {
		c := w.child("kill", w.dir, "k"+strconv.Itoa(i))
		c.expect("up")
		a.done.Add(1)
		go a.read(c)
		all = append(all, c)
	}
	killed := w.killOwners(rounds, a)
	for _, c := range all {
		_ = c.in.Close()
	}
	a.done.Wait()
	for _, c := range all {
		c.end()
	}
	for _, e := range a.errors {
		t.Errorf("a front showed an error: %s", e)
	}
	w.once(f, a.acked)
	t.Logf("%d owners killed, %d acknowledged", killed, len(a.acked))
}

// killOwners kills owners, each after some acknowledgements more.
func (w *world) killOwners(rounds int, a *acks) (killed int) {
	w.Helper()
	last := 0
	for killed < rounds {
		more := a.count() + 1 + rand.IntN(20)
		w.until("more is acknowledged", func() bool { return a.count() >= more })
		st, err := daemon.Status(w.ctx, daemon.Options{Store: w.dir})
		if err != nil || !st.Running || st.PID == last {
			continue
		}
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) // anywhere within a write
		p, err := os.FindProcess(st.PID)
		if err == nil {
			err = p.Kill()
		}
		if err != nil {
			w.Fatalf("kill owner %d: %v", st.PID, err)
		}
		last = st.PID
		killed++
	}
	return killed
}

// TestStopUnderLoad has owners leave in order under processes and fronts that write, some of which
// own the store themselves in between: nothing is lost, doubled, or shown.
func TestStopUnderLoad(t *testing.T) {
	w := newWorld(t)
	f := w.front(w.spawning())
	if _, err := f.Store(w.ctx, memory.StoreRequest{Memories: []memory.NewMemory{{Content: "raised",
		Metadata: json.RawMessage("0"), Aliases: []string{counterAlias}}}}); err != nil {
		t.Fatal(err)
	}
	a := &acks{acked: map[string]bool{}}
	ended, end := context.WithCancel(w.ctx)
	two := []memory.Service{w.front(w.options()), w.front(w.spawning())}
	for n, s := range []memory.Service{two[0], two[1], two[0], two[1], w.front(w.options())} {
		a.done.Go(func() {
			for i := 0; ended.Err() == nil; i++ {
				id := fmt.Sprintf("s%d-%d", n, i)
				word, err := killWrite(s, memory.Origin{RequestID: id, Client: "kill"}, i)
				a.mu.Lock()
				if err != nil {
					a.errors = append(a.errors, err.Error())
				} else if word == "ack" {
					a.acked[id] = true
				}
				a.mu.Unlock()
			}
		})
	}
	for range 20 {
		more := a.count() + 20
		w.until("more is acknowledged", func() bool { return a.count() >= more })
		w.stop()
	}
	end()
	a.done.Wait()
	for _, e := range a.errors {
		t.Errorf("a front showed an error: %s", e)
	}
	w.once(f, a.acked)
	t.Logf("%d acknowledged", len(a.acked))
}

// once holds the log against what was acknowledged.
func (w *world) once(s memory.Service, acked map[string]bool) {
	w.Helper()
	seen := map[string]memory.Seq{}
	raised := 0
	for _, rec := range w.records(s) {
		if rec.Client != "kill" {
			continue
		}
		if at := seen[rec.RequestID]; at != 0 {
			w.Errorf("%s is in the log twice: records %d and %d", rec.RequestID, at, rec.Seq)
		}
		seen[rec.RequestID] = rec.Seq
		if rec.Events[0].Kind == "updated" {
			raised++
		}
	}
	for id := range acked {
		if seen[id] == 0 {
			w.Errorf("%s was acknowledged and is not in the log", id)
		}
	}
	m, err := s.Get(w.ctx, memory.GetRequest{ID: counterAlias})
	if err != nil || string(m.Metadata) != strconv.Itoa(raised) {
		w.Errorf("the counter is %s after %d raises in the log (%v)", m.Metadata, raised, err)
	}
	if len(acked) == 0 || raised == 0 {
		w.Errorf("%d acknowledged, %d raises: this tests nothing", len(acked), raised)
	}
}
