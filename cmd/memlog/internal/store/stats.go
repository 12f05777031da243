package store

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/wal/event"
)

// stats is [Store.Stats] on the index as it is.
func (s *Store) stats(context.Context) (memory.StatsResult, error) {
	e, done, err := s.use()
	if err != nil {
		return memory.StatsResult{}, err
	}
	defer done()
	out := memory.StatsResult{Store: s.dir, LogID: event.ID(e.log.ID()).String()}
	v, err := e.db.View()
	if err != nil {
		return out, err
	}
	defer v.Close()
	if err := countDocs(v, &out); err != nil {
		return out, err
	}
	out.FirstSeq, out.LastSeq = memory.Seq(e.log.First()), memory.Seq(e.log.Head().Seq)
	if out.LastSeq > 0 {
		out.Records = uint64(out.LastSeq-out.FirstSeq) + 1
	}
	if rec, err := e.log.Read(e.log.First()); err == nil {
		out.FirstTime = rec.Time
	}
	if rec, err := e.log.Read(e.log.Head().Seq); err == nil {
		out.LastTime = rec.Time
	}
	if out.LogBytes, out.ArchiveBytes, err = s.logBytes(e.log); err != nil {
		return out, err
	}
	out.IndexBytes, err = e.db.Bytes()
	return out, err
}

func countDocs(v *index.View, out *memory.StatsResult) error {
	stats, err := v.Stats()
	if err != nil {
		return err
	}
	out.Memories, out.Deleted, out.Versions = int(stats.Live), int(stats.Deleted), int(stats.Images)
	state, err := v.StateDigest()
	if err != nil {
		return err
	}
	out.Digest = hex.EncodeToString(state[:])
	tags, err := v.Tags(index.Filter{})
	if err != nil {
		return err
	}
	out.Tags = len(tags)
	if out.Types, err = counts(v.Types(index.Filter{})); err != nil {
		return err
	}
	out.Projects, err = counts(v.Projects(index.Filter{}))
	return err
}

func counts(in []index.Count, err error) ([]memory.Count, error) {
	out := []memory.Count{}
	for _, c := range in {
		out = append(out, memory.Count{Name: c.Name, Count: c.Docs})
	}
	slices.SortStableFunc(out, func(a, b memory.Count) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, err
}

// Health says whether all is well.
func (s *Store) Health(context.Context) (_ memory.HealthResult, err error) {
	defer s.counted("health", time.Now(), &err)
	e, done, err := s.use()
	if err != nil {
		return memory.HealthResult{}, err
	}
	defer done()
	h := e.log.Health()
	out := memory.HealthResult{
		Store: s.dir, Version: s.o.Version, Writable: h.ReadOnly == "", ReadOnly: h.ReadOnly,
		Problems: []memory.Problem{}, Notes: append(append([]string{}, h.Notes...), e.engine.Notes()...),
		Seq: memory.Seq(e.log.Head().Seq), Watermark: memory.Seq(e.db.Checkpoint().Seq),
		ClockSkew: h.ClockSkew.Seconds(), FreeBytes: int64(h.FreeBytes),
	}
	for _, d := range h.Damage {
		out.Problems = append(out.Problems, problem(d))
	}
	if h.LastError != "" {
		out.Notes = append(out.Notes, "last failed write: "+h.LastError)
	}
	if s.o.ReadOnly {
		out.Writable = false
	}
	v, err := e.db.View()
	if err != nil {
		return out, err
	}
	defer v.Close()
	stats, err := v.Stats()
	if err != nil {
		return out, err
	}
	out.Memories = int(stats.Live)
	if why, err := v.ReadOnlyReason(); err == nil && why != "" {
		out.Writable, out.ReadOnly = false, why
	}
	if rec, err := e.log.Read(e.log.Head().Seq); err == nil {
		out.LastWrite = rec.Time
	}
	out.OK = len(out.Problems) == 0 && out.ReadOnly == ""
	return out, nil
}
