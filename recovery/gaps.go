package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"memlog/projection"
	"memlog/wal"
)

// staleName is a file in the index directory. It says that the index was brought past a damaged
// stretch of the log and lacks those records; when the log is whole again, healed or put back by
// hand, the index must be made anew. Its content is for people.
const staleName = "STALE"

func (e *Engine) stalePath() string { return filepath.Join(e.indexDir, staleName) }

func isStale(indexDir string) bool {
	_, err := os.Stat(filepath.Join(indexDir, staleName))
	return err == nil
}

// noteGaps marks the index before it is served with records missing.
func (e *Engine) noteGaps(rep projection.Report) error {
	if len(rep.Damaged) == 0 {
		return nil
	}
	var text strings.Builder
	for _, d := range rep.Damaged {
		fmt.Fprintln(&text, d)
	}
	if err := writeFile(e.stalePath(), []byte(text.String())); err != nil {
		return fmt.Errorf("note what the index lacks: %w", err)
	}
	e.o.after(stepStale)
	e.note("the index lacks what is damaged in the log, in %d places, the first: %v; run "+
		"`memlog repair`", len(rep.Damaged), rep.Damaged[0])
	return nil
}

// beginGap marks the index in use before records behind damage are applied to it: what it has of
// them may reach the disk at any time.
func (e *Engine) beginGap(damage error) error {
	if isStale(e.indexDir) {
		return nil
	}
	if err := writeFile(e.stalePath(), fmt.Appendln(nil, damage)); err != nil {
		return fmt.Errorf("note what the index lacks: %w", err)
	}
	return nil
}

func (e *Engine) clearStale() error {
	if err := removeFile(e.stalePath()); err != nil {
		return fmt.Errorf("remove %s: %w", staleName, err)
	}
	e.o.after(stepUnstale)
	return nil
}

// refreshStale makes an index that was built over damage anew, once the log is whole again.
func (e *Engine) refreshStale(ctx context.Context) error {
	if !isStale(e.indexDir) || e.damage() != nil {
		return nil
	}
	g, rep, err := fold(ctx, e.Log, 0, e.indexDir, e.o)
	if err != nil {
		return err
	}
	if len(rep.Damaged) > 0 {
		return g.discard()
	}
	if err := e.live.close(); err != nil {
		e.o.Logger.Warn("close old index", "error", err)
	}
	if err := e.promote(g, false); err != nil {
		return err
	}
	if err := e.clearStale(); err != nil {
		return err
	}
	e.remade = true
	e.note("the index lacked records that were damaged and are whole again; it was made anew")
	return e.reopen()
}

// damage returns why the log is not fit to make an index from, nil where it is.
func (e *Engine) damage() error {
	h := e.Log.Health()
	if len(h.Damage) > 0 {
		return damageError(&h.Damage[0])
	}
	full := errors.Is(e.Log.Writable(), wal.ErrDiskFull)
	if e.readOnly && !e.o.ReadOnly && !full {
		return fmt.Errorf("%w: %s", ErrDamaged, h.ReadOnly)
	}
	return nil
}

func damageError(d *wal.CorruptionError) error {
	return fmt.Errorf("%w; run `memlog repair`: %w", ErrDamaged, d)
}

// isDamage tells whether err is a damaged place of the log.
func isDamage(err error) bool {
	var d *wal.CorruptionError
	return errors.As(err, &d)
}
