package store

import (
	"context"
	"errors"
	"strings"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal"
	"memlog/wal/event"
)

// A record of another log is taken only where it continues what that log brought here: the last
// change here of each memory it speaks of is itself a record of that log. A memory that was changed
// here since is not overwritten; the whole record is refused, since it is one command, and so are
// the later ones about that memory. Those that say what the memory says anyway, and repetitions and
// links, which take nothing away, pass.

// stand is where a memory is: the last records that changed it, and that said it again; 0 where
// none did.
type stand struct {
	id           memory.ID
	last, repeat uint64
}

// errMoved ends a decision on stands that are no longer.
var errMoved = errors.New("a memory changed while a record about it was judged")

// takeRecord brings a record of the log called from in, or finds it there. The records that stand
// here are read before the writer's turn, where nothing may block, and only compared in it.
func (in *importing) takeRecord(ctx context.Context, c command, from event.ID,
	events []event.Event) (outcome, error) {
	for ctx.Err() == nil {
		stands, there, err := in.judge(c.origin.RequestID, from, events)
		if err != nil || in.r.DryRun {
			return outcome{repeats: there}, err
		}
		c.decide = func(v *index.View) ([]event.Event, error) {
			for _, s := range stands {
				now, err := standOf(v, s.id)
				if err != nil {
					return nil, err
				}
				if now != s {
					return nil, errMoved
				}
			}
			return events, nil
		}
		out, err := in.s.run(ctx, c)
		if out.seq != 0 {
			in.mine[uint64(out.seq)] = true
		}
		if !errors.Is(err, errMoved) {
			return out, err
		}
	}
	return outcome{}, ctx.Err()
}

// judge refuses a record that would overwrite a change made here, and returns where the memories
// stand that it speaks of. A record that is there already is not judged.
func (in *importing) judge(request string, from event.ID, events []event.Event) (
	stands []stand, there bool, err error) {
	e, done, err := in.s.use()
	if err != nil {
		return nil, false, err
	}
	defer done()
	v, err := e.db.View()
	if err != nil {
		return nil, false, err
	}
	defer v.Close()
	if _, there, err = v.Request(request); there || err != nil {
		return nil, there, err
	}
	o := origins{log: e.log, prefix: from.String() + ":", mine: in.mine}
	for _, ev := range events {
		for _, id := range touchedIDs(ev) {
			s, err := standOf(v, id)
			if err == nil {
				err = o.overwrites(v, s, ev)
			}
			if err != nil {
				return nil, false, err
			}
			stands = append(stands, s)
		}
	}
	return stands, false, nil
}

// standOf finds the last record that changed what a memory is, or gave it tags.
func standOf(v *index.View, id memory.ID) (stand, error) {
	s := stand{id: id}
	images, err := v.Images(index.ID(id))
	if err != nil || len(images) == 0 {
		return s, err
	}
	last := images[len(images)-1]
	s.last = max(last.From, last.To)
	occs, err := v.Occurrences(index.ID(id))
	for _, o := range occs {
		s.repeat = max(s.repeat, o.From)
	}
	return s, err
}

// origins tells which records here are those of one other log.
type origins struct {
	log    *wal.Log
	prefix string          // of their request ids
	mine   map[uint64]bool // some that are known to be
}

func (o origins) has(seq uint64) bool {
	if o.mine[seq] {
		return true
	}
	rec, err := o.log.Read(wal.Seq(seq))
	return err == nil && strings.HasPrefix(rec.RequestID, o.prefix)
}

// overwrites refuses an event that takes away what was changed here, or said here again.
func (o origins) overwrites(v *index.View, s stand, ev event.Event) error {
	if s.last == 0 {
		return nil
	}
	d, here, err := v.Doc(index.ID(s.id))
	if err != nil {
		return err
	}
	if same, err := asItIs(d, here, ev); same || err != nil {
		return err
	}
	if !o.has(s.last) {
		return changedHere(s.id, s.last)
	}
	m, version := memoryOf(ev)
	for _, occ := range d.Occurrences {
		said, err := event.DecodeOccurrence(occ.Payload)
		if err != nil {
			return err
		}
		kept := version && len(without(said.Tags, m.Tags)) == 0
		if !kept && movesImage(ev) && !o.has(occ.From) {
			return changedHere(s.id, occ.From)
		}
	}
	return nil
}

func changedHere(id memory.ID, seq uint64) error {
	return memory.Errorf(memory.CodeConflict, "memory %s was changed here since, in record %d; "+
		"nothing was overwritten", id, seq)
}

// asItIs reports whether an event about a memory leaves what it is here.
func asItIs(d index.Doc, here bool, ev event.Event) (bool, error) {
	if !movesImage(ev) {
		return here, nil // where the memory was taken back here, it would come back as a shell
	}
	m, ok := memoryOf(ev)
	if !ok {
		_, retracts := ev.(event.Retracted)
		return !here && retracts || here && d.Deleted && !retracts, nil
	}
	if !here || d.Deleted {
		return false, nil
	}
	now, err := whole(d)
	return sameMemory(now, m) && now.Version == m.Version, err
}
