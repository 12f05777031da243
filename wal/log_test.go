package wal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errInjectedSync = errors.New("injected sync failure")

// projection is a follower that keeps what it was told.
type projection struct {
	staged, shown []string
	refuse        string
	commits       int
}

func (p *projection) Stage(r Record) error {
	if len(r.Events) > 0 && string(r.Events[0]) == p.refuse {
		return errors.New("refused")
	}
	text := "mark"
	if len(r.Events) > 0 {
		text = string(r.Events[0])
	}
	p.staged = append(p.staged, text)
	return nil
}

func (p *projection) Commit() error {
	p.shown, p.staged = append(p.shown, p.staged...), nil
	p.commits++
	return nil
}

func (p *projection) Abort() { p.staged = nil }

// together appends the texts so that they share one batch: the first build waits until
// all the others are queued.
func together(t *testing.T, l *Log, texts ...string) map[string]error {
	t.Helper()
	var mu sync.Mutex
	got := map[string]error{}
	inside, release := make(chan bool), make(chan bool)
	go l.Append(context.Background(), func() (Entry, error) {
		close(inside)
		<-release
		return Entry{}, nil
	})
	<-inside
	var wg sync.WaitGroup
	for i, text := range texts {
		wg.Go(func() {
			_, err := l.Append(context.Background(), entry(text))
			mu.Lock()
			defer mu.Unlock()
			got[text] = err
		})
		for len(l.queue) <= i {
			time.Sleep(time.Millisecond)
		}
	}
	close(release)
	wg.Wait()
	return got
}

func TestFollowerSeesWhatIsDurable(t *testing.T) {
	p := &projection{refuse: "b"}
	l := mustOpen(t, quickDir(t), Options{Follower: p})
	got := together(t, l, "a", "b", "c")
	if got["a"] != nil || got["b"] == nil || got["c"] != nil {
		t.Errorf("append: got %v, want only b refused", got)
	}
	l.Close()
	if diff := cmp.Diff(p.shown, []string{"a", "c"}); diff != "" || p.commits != 1 {
		t.Errorf("shown (got, want), %d commits:\n%s", p.commits, diff)
	}
}

func TestFollowerAbortsOnFailedSync(t *testing.T) {
	d := realDisk()
	fail := false
	d.sync = func(f *os.File) error {
		if fail && filepath.Base(filepath.Dir(f.Name())) == logDir {
			fail = false
			return errInjectedSync
		}
		return syncFile(f)
	}
	p := &projection{}
	l := mustOpen(t, quickDir(t), Options{Follower: p, disk: d})
	mustAppend(t, l, "a")
	fail = true
	_, err := l.Append(context.Background(), entry("b"))
	if !errors.Is(err, ErrFailedWrite) || !errors.Is(err, errInjectedSync) {
		t.Errorf("append: got %v, want a failed write", err)
	}
	if l.Health().ReadOnly == "" {
		t.Errorf("health says nothing of the failure")
	}
	if r := mustAppend(t, l, "c"); r.Seq != 3 {
		t.Errorf("append after failure: got seq %d, want 3", r.Seq)
	}
	if h := l.Health(); h.ReadOnly != "" || h.Failures != 1 {
		t.Errorf("health: got %+v", h)
	}
	l.Close()
	if diff := cmp.Diff(p.shown, []string{"a", "c"}); diff != "" {
		t.Errorf("shown (got, want):\n%s", diff)
	}
}

func TestGroupCommitSharesOneSync(t *testing.T) {
	syncs := 0
	d := realDisk()
	d.sync = func(f *os.File) error {
		if filepath.Base(filepath.Dir(f.Name())) == logDir {
			syncs++
		}
		return nil
	}
	l := mustOpen(t, quickDir(t), Options{disk: d})
	syncs = 0
	var texts []string
	for i := range 50 {
		texts = append(texts, fmt.Sprint("t", i))
	}
	together(t, l, texts...)
	if syncs != 1 {
		t.Errorf("50 appends: got %d syncs, want 1", syncs)
	}
}

func TestNothingToDoWritesNothing(t *testing.T) {
	l := mustOpen(t, quickDir(t), Options{})
	r, err := l.Append(context.Background(), func() (Entry, error) { return Entry{}, nil })
	if err != nil || r.Seq != 0 || l.Head().Seq != 1 {
		t.Errorf("got %+v, %v, head %d", r, err, l.Head().Seq)
	}
	want := errors.New("mine")
	_, err = l.Append(context.Background(), func() (Entry, error) { return Entry{}, want })
	if err != want || l.Head().Seq != 1 {
		t.Errorf("got %v, head %d", err, l.Head().Seq)
	}
}

func TestBusy(t *testing.T) {
	l := mustOpen(t, quickDir(t), Options{})
	inside, release := make(chan bool), make(chan bool)
	done := make(chan error)
	go func() {
		_, err := l.Append(context.Background(), func() (Entry, error) {
			close(inside)
			<-release
			return Entry{Events: [][]byte{[]byte("slow")}}, nil
		})
		done <- err
	}()
	<-inside
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	called := false
	_, err := l.Append(ctx, func() (Entry, error) { called = true; return Entry{}, nil })
	if !errors.Is(err, ErrBusy) {
		t.Errorf("ended context: got %v, want ErrBusy", err)
	}
	for range MaxQueue - 1 {
		go l.Append(context.Background(), func() (Entry, error) { return Entry{}, nil })
	}
	for len(l.queue) < MaxQueue {
		time.Sleep(time.Millisecond)
	}
	if _, err := l.Append(context.Background(), entry("x")); !errors.Is(err, ErrBusy) {
		t.Errorf("full queue: got %v, want ErrBusy", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Errorf("slow append: %v", err)
	}
	l.Close()
	if called {
		t.Errorf("an append that was given up was built")
	}
}

func TestLimits(t *testing.T) {
	l := mustOpen(t, quickDir(t), Options{})
	for name, e := range map[string]Entry{
		"record": {Events: [][]byte{make([]byte, MaxRecord)}},
		"events": {Events: make([][]byte, MaxEvents+1)},
		"id":     {RequestID: strings.Repeat("x", MaxID+1), Events: [][]byte{{1}}},
		"reason": {Provenance: Provenance{Reason: strings.Repeat("x", MaxProvenance+1)},
			Events: [][]byte{{1}}},
	} {
		_, err := l.Append(context.Background(), func() (Entry, error) { return e, nil })
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: got %v, want ErrTooLarge", name, err)
		}
	}
	for name, e := range map[string]Entry{
		"empty event": {Events: [][]byte{{}}},
		"not UTF-8":   {RequestID: "\xff", Events: [][]byte{{1}}},
	} {
		if _, err := l.Append(context.Background(), func() (Entry, error) { return e, nil }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	big := make([]byte, 10<<20)
	r, err := l.Append(context.Background(), func() (Entry, error) {
		return Entry{Events: [][]byte{big}}, nil
	})
	if err != nil {
		t.Fatalf("10 MB event: %v", err)
	}
	if got, err := l.Read(r.Seq); err != nil || len(got.Events[0]) != len(big) {
		t.Errorf("read 10 MB event: got %v", err)
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	dir := quickDir(t)
	o := Options{Now: func() time.Time { return now }}
	l := mustOpen(t, dir, o)
	a, b := mustAppend(t, l, "a"), mustAppend(t, l, "b")
	if !b.Time.After(a.Time) || !b.Wall.Equal(now) {
		t.Errorf("a standing clock: got %v then %v, wall %v", a.Time, b.Time, b.Wall)
	}
	now = now.Add(MaxClockAhead + time.Hour)
	if _, err := l.Append(context.Background(), entry("x")); !errors.Is(err, ErrClock) {
		t.Errorf("clock far ahead: got %v, want ErrClock", err)
	}
	if _, err := l.Append(context.Background(), func() (Entry, error) { return Entry{}, nil }); err != nil {
		t.Errorf("clock far ahead, nothing to write: %v", err)
	}
	l.Close()
	o.AcceptClock = true
	l = mustOpen(t, dir, o)
	wrong := mustAppend(t, l, "wrong")
	l.Close()
	now = now.AddDate(0, -11, 0)
	o.AcceptClock = false
	l = mustOpen(t, dir, o)
	c := mustAppend(t, l, "c")
	if got := c.Time.Sub(wrong.Time); got != time.Microsecond {
		t.Errorf("clock behind: time moved by %v, want 1 µs", got)
	}
	if l.Health().ClockSkew == 0 {
		t.Errorf("health shows no skew")
	}
	l.Close()
	o.AcceptClock = true
	l = mustOpen(t, dir, o)
	d := mustAppend(t, l, "d")
	if got := d.Time.Sub(now); got < 0 || got > time.Millisecond || d.Seq != c.Seq+2 {
		t.Errorf("new era: got seq %d time %v, want after a mark near %v", d.Seq, d.Time, now)
	}
	for _, at := range []struct {
		t    time.Time
		want Seq
	}{{b.Time, b.Seq}, {d.Time, d.Seq}, {wrong.Time, d.Seq}, {a.Time.Add(-time.Hour), 0}} {
		if got, err := l.SeqAt(at.t); err != nil || got != at.want {
			t.Errorf("seq at %v: got %d, %v, want %d", at.t, got, err, at.want)
		}
	}
	l.Close()
	if rep := mustVerify(t, dir); !rep.OK() {
		t.Errorf("verify: %v", rep.Problems)
	}
}

func TestIdleSyncsHead(t *testing.T) {
	dir := quickDir(t)
	synctest.Test(t, func(t *testing.T) {
		var synced atomic.Int32
		d := realDisk()
		d.sync = func(f *os.File) error {
			if filepath.Base(f.Name()) == headName {
				synced.Add(1)
			}
			return nil
		}
		l, err := Open(context.Background(), dir, Options{disk: d})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		mustAppend(t, l, "a")
		synced.Store(0)
		time.Sleep(2 * HeadSyncIdle)
		synctest.Wait()
		if n := synced.Load(); n != 1 {
			t.Errorf("HEAD after a pause: got %d syncs, want 1", n)
		}
	})
}

func TestForeignWriterIsNoticed(t *testing.T) {
	l := mustOpen(t, quickDir(t), Options{})
	f, err := os.OpenFile(l.w.seg.file.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("x")
	f.Close()
	_, err = l.Append(context.Background(), entry("a"))
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("append: got %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	d := realDisk()
	free := uint64(MinFree)
	d.free = func(string) (uint64, error) { return free, nil }
	l := mustOpen(t, quickDir(t), Options{disk: d})
	_, err := l.Append(context.Background(), entry("a"))
	if !errors.Is(err, ErrFailedWrite) || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("append: got %v", err)
	}
	free *= 100
	if r := mustAppend(t, l, "a"); r.Seq != 2 {
		t.Errorf("append with room: got seq %d", r.Seq)
	}
}

func TestReadWhileWriting(t *testing.T) {
	l := mustOpen(t, quickDir(t), Options{SegmentSize: 4000, disk: quickDisk()})
	const n = 400
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range n / 4 {
				if _, err := l.Append(context.Background(), entry(fmt.Sprint("m", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			for l.Head().Seq <= n {
				changed := l.Changed()
				want := Seq(1)
				for r, err := range l.Records(1, 0) {
					if err != nil || r.Seq != want {
						t.Errorf("got record %d, %v, want %d", r.Seq, err, want)
						return
					}
					want++
				}
				if l.Head().Seq <= n {
					<-changed
				}
			}
		})
	}
	wg.Wait()
	if got := l.Head().Seq; got != n+1 {
		t.Errorf("head: got %d, want %d", got, n+1)
	}
}

func TestWitnessAheadRefusesWrites(t *testing.T) {
	dir := buildLog(t, 5, 700)
	w := []Witness{{"index watermark", Position{7, Hash{1}}}}
	l := mustOpen(t, dir, Options{Witnesses: w})
	_, err := l.Append(context.Background(), entry("x"))
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "index watermark") {
		t.Errorf("append: got %v", err)
	}
	rep, err := Verify(context.Background(), dir, VerifyOptions{Witnesses: w})
	if err != nil || len(rep.Problems) != 1 || rep.Problems[0].FromSeq != 6 ||
		rep.Problems[0].ToSeq != 7 {
		t.Errorf("verify: got %+v, %v", rep.Problems, err)
	}
	r, err := Repair(context.Background(), dir, RepairOptions{Witnesses: w, AcceptLoss: true})
	if err != nil || !cmp.Equal(r.Lost, []Range{{6, 7}}) {
		t.Fatalf("repair: got %+v, %v", r, err)
	}
	l = mustOpen(t, dir, Options{Witnesses: w})
	if got := texts(t, l, 5, 0); !cmp.Equal(got, []string{"5:m5", "6:lost", "7:lost", "8:mark"}) {
		t.Errorf("records: got %v", got)
	}
}

// TestEveryRecordDropped takes each record out of the file as if it had never been there.
func TestEveryRecordDropped(t *testing.T) {
	base := buildLog(t, 9, 1<<20)
	name := segmentNames(t, base)[0]
	whole := readFile(t, name)
	s := newScanner(strings.NewReader(string(whole)), 0)
	for drop := Seq(1); drop <= 9; drop++ {
		it, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		dir := copyStore(t, base)
		writeFile(t, filepath.Join(dir, logDir, filepath.Base(name)),
			append(append([]byte(nil), whole[:it.off]...), whole[it.end:]...))
		named := func(p CorruptionError) bool { return p.FromSeq == drop && p.ToSeq == drop }
		if rep := mustVerify(t, dir); !slices.ContainsFunc(rep.Problems, named) {
			t.Errorf("record %d dropped: verify got %v", drop, rep.Problems)
		}
		l := mustOpen(t, dir, Options{disk: quickDisk()})
		served := 0
		for _, err := range l.Records(1, 0) {
			if err == nil {
				served++
			}
		}
		if served != 8 {
			t.Errorf("record %d dropped: %d are served", drop, served)
		}
		l.Close()
		_, err = Repair(context.Background(), dir,
			RepairOptions{AcceptLoss: true, disk: quickDisk()})
		if rep := mustVerify(t, dir); err != nil || !rep.OK() || len(rep.Accepted) != 1 {
			t.Errorf("record %d dropped: repair %v, verify %+v", drop, err, rep)
		}
	}
}

// TestEmbeddedFrames stores frames as content: damage around them must not bring them out.
// Where the damaged frame still says how long it is they are never looked at, else their
// numbers give them away.
func TestEmbeddedFrames(t *testing.T) {
	inner := readFile(t, segmentNames(t, buildLog(t, 4, 1<<20))[0])
	for _, tt := range []struct {
		name     string
		sealed   bool // the outer record is the first of its segment
		from, to int  // bytes of the outer frame that are damaged
	}{{"crc", false, 7, 8}, {"lengths", false, 0, 24}, {"first in segment", true, 7, 8}} {
		dir := buildLog(t, 4, 1<<20)
		l := mustOpen(t, dir, Options{})
		if tt.sealed {
			if err := l.Seal(); err != nil {
				t.Fatal(err)
			}
		}
		start := l.w.seg.size
		outer := mustAppend(t, l, string(inner))
		mustAppend(t, l, "last")
		name := l.w.seg.file.path
		l.Close()
		b := readFile(t, name)
		for i := tt.from; i < tt.to; i++ {
			b[int(start)+i] ^= 0x20
		}
		writeFile(t, name, b)
		rep := mustVerify(t, dir)
		if len(rep.Problems) != 1 || rep.Problems[0].FromSeq != outer.Seq ||
			rep.Problems[0].ToSeq != outer.Seq || rep.LastSeq != outer.Seq+1 {
			t.Errorf("%s: verify got %v, want record %d", tt.name, rep.Problems, outer.Seq)
		}
	}
}

func TestReplacedSegmentIsNoticed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be replaced there")
	}
	l := mustOpen(t, quickDir(t), Options{})
	name := l.w.seg.file.path
	writeFile(t, name+".copy", readFile(t, name))
	if err := os.Rename(name+".copy", name); err != nil {
		t.Fatal(err)
	}
	_, err := l.Append(context.Background(), entry("a"))
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("append: got %v", err)
	}
}

// markRefuser is a follower that refuses the first mark.
type markRefuser struct {
	projection
	refused bool
}

func (p *markRefuser) Stage(r Record) error {
	if r.Mark != nil && !p.refused {
		p.refused = true
		return errors.New("refused")
	}
	return p.projection.Stage(r)
}

// TestFollowerRefusesClockCorrection: what shares the batch with a correction of the clock that
// cannot be staged is written all the same.
func TestFollowerRefusesClockCorrection(t *testing.T) {
	now, p := time.Now(), &markRefuser{}
	l := mustOpen(t, quickDir(t), Options{Follower: p, AcceptClock: true, disk: quickDisk(),
		Now: func() time.Time { return now }})
	mustAppend(t, l, "a")
	now = now.Add(-100 * time.Hour)
	failed := 0
	for _, err := range together(t, l, "b", "c", "d") {
		if err != nil {
			failed++
		}
	}
	if failed != 1 || l.Health().Failures != 0 || l.Head().Seq != 5 {
		t.Errorf("%d appends failed, head %d, health %+v", failed, l.Head().Seq, l.Health())
	}
}
