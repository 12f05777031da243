package store

import (
	"context"
	"encoding/hex"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// revert is [Store.Revert] on the index as it is.
func (s *Store) revert(ctx context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	res := memory.RevertResult{Affected: []memory.ID{}, DryRun: r.DryRun}
	if r.Until.IsNow() {
		return res, memory.Invalid("until", "it is missing").
			WithHint("memlog replay --list shows what there is to go back to")
	}
	want, err := s.revertTouch(r, &res)
	if err != nil {
		return res, err
	}
	plain := r
	plain.Origin = memory.Origin{}
	var undo memory.UndoResult
	err = s.appendOpposites(ctx, opposing{name: "revert", request: plain, origin: r.Origin,
		touch: want.touch, plain: true, dryRun: r.DryRun}, &undo)
	if err != nil {
		return res, err
	}
	res.Seq, res.Digest = undo.Seq, hex.EncodeToString(want.digest[:])
	if undo.Affected != nil {
		res.Affected = undo.Affected
	}
	if r.DryRun {
		return res, nil
	}
	return res, s.reverted(want, undo.Seq)
}

// wanted is the state a revert brings back.
type wanted struct {
	touch  *touch
	digest [32]byte
}

// revertTouch collects all that was touched since a moment.
func (s *Store) revertTouch(r memory.RevertRequest, res *memory.RevertResult) (wanted, error) {
	e, done, err := s.use()
	if err != nil {
		return wanted{}, err
	}
	defer done()
	if res.Until, err = resolve(e, r.Until); err != nil {
		return wanted{}, err
	}
	w := wanted{touch: newTouch()}
	then, err := e.db.At(uint64(res.Until.Seq))
	if err != nil {
		return w, err
	}
	defer then.Close()
	if w.digest, err = projection.StateDigest(then); err != nil {
		return w, err
	}
	for rec, err := range e.log.Records(wal.Seq(res.Until.Seq)+1, 0) {
		if err != nil {
			return w, logError(err)
		}
		w.touch.add(rec)
	}
	for k := range w.touch.images {
		w.touch.images[k] = uint64(res.Until.Seq) + 1
	}
	for k := range w.touch.occs {
		w.touch.occs[k] = uint64(res.Until.Seq) + 1
	}
	for k := range w.touch.links {
		w.touch.links[k] = uint64(res.Until.Seq) + 1
	}
	return w, nil
}

// reverted checks that the state after a revert is the one that was asked for. Where others wrote
// meanwhile it cannot be, and their work stands.
func (s *Store) reverted(w wanted, seq memory.Seq) error {
	e, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	if seq == 0 {
		seq = memory.Seq(e.db.Checkpoint().Seq)
	}
	v, err := e.db.At(uint64(seq))
	if err != nil {
		return err
	}
	defer v.Close()
	got, err := digestOf(v)
	if err == nil && got != w.digest && seq <= memory.Seq(w.touch.last)+1 {
		err = memory.Errorf(memory.CodeFailed, "state digest after revert is %x, not %x", got, w.digest).
			WithHint("run memlog verify --deep")
	}
	return err
}

// digestOf returns the state digest as of a view.
func digestOf(v *index.View) ([32]byte, error) { return projection.StateDigest(v) }
