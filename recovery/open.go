package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// Open opens the store in dir, or makes it. Opening is recovery: there is no other way in, and a
// store that was shut down well takes the same steps (RECOVERY.md numbers them). Where the index
// can neither be used nor made, for want of room or permission say, the store is opened read-only,
// with an index outside of it. Errors are those of wal.Open, and of that last resort.
func Open(ctx context.Context, dir string, o Options) (*Engine, error) {
	e, err := open(ctx, dir, o)
	if err == nil || !errors.Is(err, errIndex) || o.ReadOnly || ctx.Err() != nil {
		return e, err
	}
	o.ReadOnly, o.Cause = true, wal.DiskFull(err)
	e, again := open(ctx, dir, o)
	if again != nil {
		return nil, errors.Join(err, again)
	}
	e.note("%v; the store is open for reading only", err)
	return e, nil
}

// errIndex: the log is open and no index could be had.
var errIndex = errors.New("no index")

func open(ctx context.Context, dir string, o Options) (*Engine, error) {
	e := &Engine{dir: dir, indexDir: filepath.Join(dir, indexName), o: o.withDefaults()}
	if err := e.openLog(ctx); err != nil {
		return nil, err
	}
	e.o.after(stepLog)
	var err error
	if e.readOnly {
		err = e.useCopy()
	}
	if err == nil {
		err = e.openIndex(ctx)
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("open store %s: %w: %w", dir, errIndex, err), e.Log.Close())
		if e.temp != "" {
			err = errors.Join(err, robustio.RemoveAll(e.temp))
		}
		return nil, err
	}
	if !e.readOnly {
		e.follower = &follower{log: e.Log, p: e.live.p, onDamage: e.beginGap,
			onGaps: e.noteGaps}
		e.Log.SetFollower(e.follower)
	}
	return e, nil
}

// witness is what one derived thing has seen of a log.
type witness struct {
	name string
	cp   index.Checkpoint
}

func position(cp index.Checkpoint) wal.Position {
	return wal.Position{Seq: wal.Seq(cp.Seq), Hash: cp.Hash}
}

// witnesses asks the index and the newest whole snapshot how far the log once was. One that
// cannot be read says nothing.
func witnesses(dir string) []witness {
	var ws []witness
	if cp, err := index.Peek(filepath.Join(dir, indexName)); err == nil && cp.Seq > 0 {
		ws = append(ws, witness{"index checkpoint", cp})
	}
	snaps, err := Snapshots(dir)
	if err != nil {
		return ws
	}
	for i := len(snaps) - 1; i >= 0; i-- {
		if s := snaps[i]; s.OK && s.cp.Seq > 0 {
			return append(ws, witness{"snapshot " + s.Name, s.cp})
		}
	}
	return ws
}

// of keeps the witnesses of one log; a zero id keeps all.
func of(ws []witness, id [16]byte) []wal.Witness {
	var kept []wal.Witness
	for _, w := range ws {
		if id == [16]byte{} || w.cp.LogID == id {
			kept = append(kept, wal.Witness{Name: w.name, Position: position(w.cp)})
		}
	}
	return kept
}

// openLog opens the log with every witness. Whose log a witness saw is known only when the log is
// open, so where one saw another log, it is opened once more without it. Where there is a witness
// and no log at all, none is begun in its place.
func (e *Engine) openLog(ctx context.Context) error {
	all := witnesses(e.dir)
	o := e.o.wal(of(all, [16]byte{}))
	o.MustExist = o.MustExist || len(all) > 0
	l, err := wal.Open(ctx, e.dir, o)
	if err != nil {
		return orGone(e.dir, err, all)
	}
	mine := of(all, l.ID())
	if len(mine) == len(all) {
		e.setLog(l)
		return nil
	}
	for _, w := range all {
		if w.cp.LogID != l.ID() {
			e.note("%s belongs to another log (%x) and is not believed", w.name, w.cp.LogID)
		}
	}
	if err := l.Close(); err != nil {
		return err
	}
	if l, err = wal.Open(ctx, e.dir, e.o.wal(mine)); err != nil {
		return err
	}
	e.setLog(l)
	return nil
}

// orGone turns "no store" into what it is where something has seen the log.
func orGone(dir string, err error, ws []witness) error {
	if !errors.Is(err, wal.ErrNoStore) || len(ws) == 0 {
		return err
	}
	return fmt.Errorf("store %s: %w: it is gone, and the %s has seen its record %d; put it back, "+
		"or move index/ and snapshots/ away to begin anew", dir, ErrDamaged, ws[0].name, ws[0].cp.Seq)
}

// setLog takes a log. One that refuses writes has let go of the store's lock, so that a repair can
// have it: from then on nothing in the store may be changed by us.
func (e *Engine) setLog(l *wal.Log) {
	e.Log = l
	e.readOnly = e.o.ReadOnly || l.Health().ReadOnly != ""
}

// state is what an index is to the log.
type state int

const (
	usable   state = iota // a prefix of this log: catch up
	unusable              // make it anew
	ahead                 // it has seen records that the log lost: evidence
)

// judge compares an open index with the log, and says why it is not usable.
func (e *Engine) judge(db *index.DB) (state, string) {
	cp, head := db.Checkpoint(), e.Log.Head()
	switch {
	case cp.Seq == 0 && head.Seq <= 1:
		return usable, ""
	case cp.Seq == 0:
		return unusable, "is empty"
	case e.Log.ID() != [16]byte{} && cp.LogID != e.Log.ID():
		return unusable, fmt.Sprintf("belongs to another log (%x)", cp.LogID)
	case wal.Seq(cp.Seq) > head.Seq:
		return ahead, fmt.Sprintf("has seen record %d and the log ends at %d", cp.Seq, head.Seq)
	}
	rec, err := e.Log.Read(wal.Seq(cp.Seq))
	var damage *wal.CorruptionError
	switch {
	case errors.As(err, &damage):
		return usable, "" // nothing speaks against it, and it has what the log has lost
	case err != nil:
		return unusable, fmt.Sprintf("rests on record %d, which cannot be read: %v", cp.Seq, err)
	case rec.Hash != wal.Hash(cp.Hash):
		return unusable, fmt.Sprintf("rests on a record %d that is not the log's", cp.Seq)
	}
	return usable, ""
}

// openIndex finds the index to serve: the one that is there where it can be used, else a new one.
func (e *Engine) openIndex(ctx context.Context) error {
	db, err := e.openGeneration(ctx)
	switch {
	case errors.Is(err, index.ErrOutdated):
		return e.remake(ctx, "was made by another version", false)
	case errors.Is(err, index.ErrBroken):
		return e.remake(ctx, fmt.Sprintf("cannot be opened (%v)", err), true)
	case err != nil:
		return err
	}
	verdict, why := e.judge(db)
	switch verdict {
	case ahead:
		return e.serveEvidence(ctx, db, why)
	case unusable:
		keep := db.Checkpoint().Seq > 0
		if err := db.Close(); err != nil {
			return err
		}
		return e.remake(ctx, why, keep)
	}
	return e.catchUp(ctx, db)
}

// catchUp applies what the index has not seen and makes it live. An index that turns out to be
// broken, or older than a repair that gave up what it holds, is made anew.
func (e *Engine) catchUp(ctx context.Context, db *index.DB) error {
	g := &generation{db: db}
	src := &source{log: e.Log, seen: wal.Seq(db.Checkpoint().Seq), onDamage: e.beginGap}
	var rep projection.Report
	var err error
	if g.p, err = projection.New(db, projection.Options{Logger: e.o.Logger}); err == nil {
		rep, err = g.p.Catchup(ctx, src, e.Log.Head().Seq, e.o.Progress.records())
	}
	switch {
	case err == nil:
	case src.loss != nil:
		why := fmt.Sprintf("holds records %d to %d, which a repair gave up",
			src.loss.From, src.loss.To)
		return errors.Join(g.close(), e.remake(ctx, why, true))
	case errors.Is(err, index.ErrBroken):
		why := fmt.Sprintf("broke when it was brought up to date (%v)", err)
		return errors.Join(g.close(), e.remake(ctx, why, true))
	default:
		return errors.Join(err, g.close())
	}
	if err := e.noteGaps(rep); err != nil {
		return errors.Join(err, g.close())
	}
	e.setLive(g)
	return e.refreshStale(ctx)
}

// remake makes an index from the log and makes it live; keep sets the old one aside. It is not
// refused over damage: there is nothing better to serve.
func (e *Engine) remake(ctx context.Context, why string, keep bool) error {
	old := e.current()
	g, rep, err := fold(ctx, e.Log, 0, e.indexDir, e.o)
	if err != nil {
		return fmt.Errorf("make the index anew, which %s: %w", why, err)
	}
	if err := e.noteGaps(rep); err != nil {
		return errors.Join(err, g.discard())
	}
	if old != nil {
		if err := old.close(); err != nil {
			e.o.Logger.Warn("close old index", "error", err)
		}
	}
	if err := e.promote(g, keep); err != nil {
		return err
	}
	e.remade = true
	e.note("the index %s; it was made anew from %d records of the log", why, rep.Applied)
	if len(rep.Damaged) == 0 {
		if err := e.clearStale(); err != nil {
			return err
		}
	}
	return e.reopen()
}

// promote makes g the generation in use; the one before must be closed. keep sets that aside.
func (e *Engine) promote(g *generation, keep bool) error {
	if err := g.promote(keep); err != nil {
		return errors.Join(err, g.discard())
	}
	e.o.after(stepPromoted)
	e.live = g
	return nil
}

// promoteTries bounds how often a promotion is tried: the index notes its checkpoint from a
// goroutine of its own, and one of two such notes at the same time fails. Trying again is harmless.
const promoteTries = 5

func (g *generation) promote(keep bool) error {
	var err error
	for range promoteTries {
		if err = g.db.Promote(keep); !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if keep && errors.Is(err, os.ErrNotExist) {
		err = g.db.Promote(false) // there was nothing to keep
	}
	if err != nil {
		return fmt.Errorf("put the new index in its place: %w", err)
	}
	return nil
}

// reopen opens the generation in use with the memory of an index that is served, not built.
func (e *Engine) reopen() error {
	if err := e.live.close(); err != nil {
		return err
	}
	db, err := index.Open(e.indexDir, e.o.index())
	if err != nil {
		return err
	}
	p, err := projection.New(db, projection.Options{Logger: e.o.Logger})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	e.setLive(&generation{db: db, p: p})
	return nil
}
