package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"memlog/cmd/memlog/internal/bench"
	"memlog/cmd/memlog/internal/daemon"
	"memlog/cmd/memlog/internal/memory"
)

// The limits of a run.
const (
	MaxClients  = 64
	MaxOps      = 1_000_000
	maxAttempts = 1000            // at one raise, while others are faster
	callLimit   = 2 * time.Minute // for one call, whatever happens to the owner
	startLimit  = time.Minute     // for a client to shake hands
	maxFindings = 20              // that are told in words; all are counted
)

// clientName is what the clients call themselves; the log then knows whose a record is.
const clientName = "memlog torture"

// Options say what a run does.
type Options struct {
	Exe       string   // the binary, absolute
	ChildArgs []string // of `mcp`, beside the store
	Clients   int
	Ops       int           // of each client
	KillEvery time.Duration // between two kills, at the median
	Kills     int           // clients go on until so many owners were killed
	For       time.Duration // after this no operation is begun
	Owner     daemon.Options
	Verify    func(context.Context) (memory.VerifyResult, error) // deep
	Stderr    io.Writer                                          // of the clients
	Progress  memory.Progress                                    // nil: silent
}

// Result is what a run counted.
type Result struct {
	OK           bool     `json:"ok"` // nothing lost, doubled or wrong
	Clients      int      `json:"clients"`
	Operations   int      `json:"operations"`   // begun
	Acknowledged int      `json:"acknowledged"` // writes
	Lost         int      `json:"lost"`
	Doubled      int      `json:"doubled"`
	Errors       int      `json:"errors"`
	Kills        int      `json:"kills"`
	Stores       int      `json:"stores"`    // acknowledged
	Raises       int      `json:"raises"`    // acknowledged
	Conflicts    int      `json:"conflicts"` // raises another client was faster in, and tried again
	Records      int      `json:"records"`   // of this run in the log
	P50          float64  `json:"p50_ms"`    // of acknowledged writes
	P99          float64  `json:"p99_ms"`
	Max          float64  `json:"max_ms"`
	Seconds      float64  `json:"seconds"`
	Verified     bool     `json:"verified"`
	Store        string   `json:"store,omitempty"`
	Findings     []string `json:"findings"` // the first few of each kind of what is wrong
}

// run is one run.
type run struct {
	Options
	id      string // session of the clients, prefix of their request ids
	counter string // id of the memory that is raised
	until   time.Time
	kills   atomic.Int64
	begun   atomic.Int64 // operations
	ledger  ledger
}

// Run does what [Options] say and counts. The error is of what could not be done; what went wrong
// with the store is in the result.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	began := time.Now()
	r := &run{Options: o, id: "torture-" + strconv.FormatInt(began.UnixNano(), 36),
		until: began.Add(o.For), ledger: newLedger()}
	if err := r.ours(ctx); err != nil {
		return Result{}, err
	}
	if err := r.play(ctx); err != nil {
		return Result{}, err
	}
	r.step("count")
	t, err := r.hold(ctx)
	if err != nil {
		return Result{}, err
	}
	t.Seconds = time.Since(began).Seconds()
	return t, nil
}

func (o Options) check() error {
	switch {
	case o.Clients < 1 || o.Clients > MaxClients:
		return memory.Invalid("--clients", "%d: give 1 to %d", o.Clients, MaxClients)
	case o.Ops < 2 || o.Ops > MaxOps:
		return memory.Invalid("--ops", "%d: give 2 to %d", o.Ops, MaxOps)
	case o.KillEvery < 10*time.Millisecond:
		return memory.Invalid("--kill-every", "%v: give 10ms or more", o.KillEvery).
			WithHint("an owner needs some time to come to serve at all")
	}
	return nil
}

// ours refuses a store that holds anything but the records of such runs.
func (r *run) ours(ctx context.Context) error {
	svc, err := daemon.OneShot(ctx, r.Owner)
	if err != nil {
		return err
	}
	defer svc.Close()
	for rec, err := range svc.Log(ctx, memory.LogRequest{}) {
		if err != nil {
			return err
		}
		if rec.Client != clientName && (rec.Client != "" || rec.RequestID != "") {
			return memory.Invalid("--store", "%s holds memories of others (record %d, of %q)",
				r.Owner.Store, rec.Seq, rec.Client).
				WithHint("name a directory that is not there yet, on the disk to be tried")
		}
	}
	return ctx.Err()
}

// play lets the clients write and kills owners meanwhile.
func (r *run) play(ctx context.Context) (err error) {
	var all []*client
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.close(ctx))
		}
	}()
	for i := range r.Clients {
		c, err := r.connect(ctx, i)
		if err != nil {
			return fmt.Errorf("client %d: %w", i, err)
		}
		all = append(all, c)
	}
	if r.counter, err = all[0].makeCounter(ctx); err != nil {
		return fmt.Errorf("make the counter: %w", err)
	}
	var writing, killing sync.WaitGroup
	during, end := context.WithCancel(ctx)
	defer end()
	var killed error
	killing.Go(func() { killed = r.killOwners(during) })
	for _, c := range all {
		writing.Go(func() { c.work(ctx) })
	}
	writing.Wait()
	end()
	killing.Wait()
	return errors.Join(ctx.Err(), killed)
}

// more reports whether a client that has begun n operations begins another.
func (r *run) more(ctx context.Context, n int) bool {
	return ctx.Err() == nil && time.Now().Before(r.until) &&
		(n < r.Ops || r.kills.Load() < int64(r.Kills))
}

func (r *run) step(stage string) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf("%s: %d owners killed, operations", stage, r.kills.Load()),
			r.begun.Load(), 0)
	}
}

// hold has the owner leave and holds the store against what was acknowledged.
func (r *run) hold(ctx context.Context) (Result, error) {
	res := Result{Clients: r.Clients, Operations: int(r.begun.Load()), Kills: int(r.kills.Load())}
	if err := daemon.Stop(ctx, r.Owner); err != nil {
		return res, err
	}
	svc, err := daemon.OneShot(ctx, r.Owner)
	if err != nil {
		return res, err
	}
	t := newTally(&r.ledger)
	for rec, err := range svc.Log(ctx, memory.LogRequest{Session: r.id}) {
		if err != nil {
			t.wrong("read the log: %v", err)
			continue
		}
		t.record(rec)
	}
	t.end()
	err = errors.Join(r.look(ctx, svc, t), ctx.Err(), svc.Close())
	if err != nil {
		return res, err
	}
	v, err := r.Verify(ctx)
	if err != nil {
		return res, err
	}
	if res.Verified = v.OK && v.Index.OK; !res.Verified {
		t.wrong("the log does not verify: %+v, index %+v", v.Problems, v.Index)
	}
	return r.report(res, t), nil
}

// look holds the memories against the ledger.
func (r *run) look(ctx context.Context, svc memory.Service, t *tally) error {
	for name, id := range r.ledger.stored {
		m, err := svc.Get(ctx, memory.GetRequest{ID: id})
		switch {
		case memory.CodeOf(err) == memory.CodeNotFound:
			t.lose("%s: memory %s was acknowledged and is not there", name, id)
		case err != nil:
			return err
		case opOf(m.Metadata) != name:
			t.wrong("%s: memory %s says it is of %q", name, id, opOf(m.Metadata))
		}
	}
	m, err := svc.Get(ctx, memory.GetRequest{ID: r.counter})
	if err != nil {
		return err
	}
	if n := countOf(m.Metadata); n != t.raises || m.Version != uint64(1+t.raises) {
		t.wrong("the counter is %d, version %d, after %d raises in the log", n, m.Version, t.raises)
	}
	return nil
}

// report sums up.
func (r *run) report(res Result, t *tally) Result {
	l := &r.ledger
	res.Acknowledged, res.Stores = len(l.acked), len(l.stored)
	res.Raises = res.Acknowledged - res.Stores - 1 // without the making of the counter
	res.Lost, res.Doubled, res.Errors = t.lost, t.doubled, t.errors+l.errors
	res.Conflicts, res.Records = len(l.refused), t.records
	res.Findings = append(l.said, t.said...)
	s := bench.SpreadOf(l.took)
	res.P50, res.P99 = s.P50, s.P99
	if len(l.took) > 0 {
		res.Max = float64(l.took[len(l.took)-1].Microseconds()) / 1000
	}
	res.OK = res.Lost == 0 && res.Doubled == 0 && res.Errors == 0
	return res
}
