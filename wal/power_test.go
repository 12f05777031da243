//go:build linux

package wal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// acks is what a workload was told.
type acks struct {
	mu  sync.Mutex
	all []string
}

func (a *acks) add(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, text)
}

func (a *acks) list() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.all...)
}

// work opens a log and appends n records by several writers, so that batches have more
// than one; it goes on after failures.
func work(s *simDisk, a *acks, tag string, n int) error {
	l, err := Open(context.Background(), s.root, Options{SegmentSize: 2500, disk: s.disk})
	if err != nil {
		return err
	}
	defer l.Close()
	for i := 0; i < n; i += 3 {
		var wg sync.WaitGroup
		for j := range 3 {
			text := fmt.Sprintf("%s-%d-%s", tag, i+j, strings.Repeat("x", 60+37*j))
			wg.Go(func() {
				if _, err := l.Append(context.Background(), entry(text)); err == nil {
					a.add(text)
				}
			})
		}
		wg.Wait()
	}
	// One fault costs at most one append: then the handle has mended itself.
	for range 2 {
		if _, err = l.Append(context.Background(), entry(tag+"-end")); err == nil {
			a.add(tag + "-end")
			return nil
		}
	}
	return fmt.Errorf("the log does not mend itself: %w", err)
}

// image is a store as a power cut may leave it, and what was acknowledged by then.
type image struct {
	dir   string
	acked []string
	at    int
}

func (im image) check(t *testing.T) {
	t.Helper()
	if isFresh(im.dir) && len(im.acked) == 0 {
		return
	}
	rep := mustVerify(t, im.dir)
	l, err := Open(context.Background(), im.dir, Options{})
	if err != nil {
		t.Fatalf("cut at operation %d: open: %v", im.at, err)
	}
	defer l.Close()
	seen := map[string]int{}
	for r, err := range l.Records(1, 0) {
		if err != nil {
			t.Fatalf("cut at operation %d: %v", im.at, err)
		}
		if len(r.Events) > 0 {
			seen[string(r.Events[0])]++
		}
	}
	for _, text := range im.acked {
		if seen[text] != 1 {
			t.Errorf("cut at operation %d: %.12s is there %d times", im.at, text, seen[text])
		}
	}
	if h := l.Health(); h.ReadOnly != "" || len(h.Damage) > 0 || !rep.OK() {
		t.Errorf("cut at operation %d: health %+v, verify %+v", im.at, h, rep.Problems)
	}
	mustAppend(t, l, "after the cut")
}

func TestPowerLoss(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, a := newSim(t, quickDir(t)), &acks{}
		var images []image
		s.before = func(n int) { images = append(images, image{s.powerCut(r), a.list(), n}) }
		if err := work(s, a, "a", 30); err != nil {
			t.Fatal(err)
		}
		if len(a.all) != 31 || len(images) < 30 {
			t.Fatalf("got %d acknowledged, %d images", len(a.all), len(images))
		}
		for _, im := range images {
			im.check(t)
		}
	}
}

// TestFaultThenPowerLoss lets one operation fail, or kills the process there, goes on or
// opens the log again, appends, and cuts the power.
func TestFaultThenPowerLoss(t *testing.T) {
	for _, kind := range []string{"fail", "fail and kill", "kill"} {
		t.Run(kind, func(t *testing.T) {
			for n := 0; ; n++ {
				if !testFault(t, kind, n) {
					break
				}
			}
		})
	}
}

func testFault(t *testing.T, kind string, n int) (more bool) {
	r := rand.New(rand.NewPCG(uint64(n), 2))
	s, a := newSim(t, quickDir(t)), &acks{}
	s.fail = func(at int) bool { return at == n && kind != "kill" }
	s.before = func(at int) {
		s.dead = kind == "kill" && at == n || kind == "fail and kill" && at == n+1
	}
	err := work(s, a, "a", 18)
	if err != nil && kind == "fail" && strings.Contains(err.Error(), "mend") {
		t.Errorf("operation %d failed once: %v", n, err)
	}
	if s.n <= n {
		return false
	}
	s.dead, s.fail = false, nil
	var images []image
	s.before = func(n int) {
		if n%5 == 0 {
			images = append(images, image{s.powerCut(r), a.list(), n})
		}
	}
	if err := work(s, a, "b", 6); err != nil {
		t.Fatalf("%s at operation %d: open again: %v", kind, n, err)
	}
	if got := a.list(); len(got) < 6 || !strings.HasPrefix(got[len(got)-1], "b-") {
		t.Fatalf("%s at operation %d: acknowledged %d", kind, n, len(got))
	}
	images = append(images, image{s.powerCut(r), a.list(), s.n})
	for _, im := range images {
		im.check(t)
	}
	image{s.root, a.list(), s.n}.check(t)
	return true
}
