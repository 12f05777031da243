package memorytest

import (
	"fmt"
	"slices"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// sound has everything verified, and holds the live index against a fresh replay.
func (s *suite) sound() memory.VerifyResult {
	s.Helper()
	v := must[memory.VerifyResult](s)(s.svc.Verify(s.ctx, memory.VerifyRequest{Deep: true}))
	if !v.OK || len(v.Problems) != 0 || !v.Index.OK || v.Index.Digest != v.Index.Replayed {
		s.Fatalf("%+v", v)
	}
	return v
}

func testVerify(s *suite) {
	s.update(s.add("one"), "two")
	before, state := s.head(), s.state()
	v := s.sound()
	if v.Records != uint64(before) || v.FirstSeq != 1 || v.LastSeq != before || v.Head.Seq != before ||
		v.Head.Hash == "" || v.Index.State != state || v.Index.Seq != before || v.Notes == nil ||
		v.Accepted == nil {
		s.Fatalf("%+v", v)
	}
	if s.head() != before {
		s.Fatal("verify wrote")
	}
	shallow := must[memory.VerifyResult](s)(s.svc.Verify(s.ctx, memory.VerifyRequest{}))
	if !shallow.OK || shallow.Records != v.Records {
		s.Fatalf("%+v", shallow)
	}
}

func testRepairSound(s *suite) {
	s.add("sound")
	state := s.state()
	for _, r := range []memory.RepairRequest{{DryRun: true}, {}, {AcceptLoss: true}} {
		res := must[memory.RepairResult](s)(s.svc.Repair(s.ctx, r))
		if len(res.Lost) != 0 || res.Healed != 0 || len(res.Quarantine) != 0 || res.DryRun != r.DryRun {
			s.Fatalf("%+v: %+v", r, res)
		}
	}
	if s.state() != state {
		s.Fatal("the repair of a sound store changed it")
	}
	s.add("and it goes on")
	s.sound()
}

func testRebuild(s *suite) {
	id := s.add("one", "t")
	s.update(id, "two")
	s.del(s.add("three"))
	before := s.sound()
	var stages int
	res := must[memory.RebuildResult](s)(s.svc.Rebuild(s.ctx, memory.RebuildRequest{
		Progress: func(string, int64, int64) { stages++ }}))
	if res.Digest != before.Index.Digest || res.State != before.Index.State ||
		res.Records != before.Records {
		s.Fatalf("%+v, before %+v", res, before)
	}
	if got := s.find("two", memory.Filter{}); !slices.Equal(got, []string{id}) {
		s.Fatalf("%v", got)
	}
	s.add("and it goes on")
	s.sound()
}

func testSnapshots(s *suite) {
	s.add("one")
	first := must[memory.SnapshotInfo](s)(s.svc.SnapshotCreate(s.ctx))
	if first.Name == "" || first.Seq != s.head() || !first.OK || first.Bytes == 0 ||
		first.Made.IsZero() {
		s.Fatalf("%+v", first)
	}
	s.add("two")
	second := must[memory.SnapshotInfo](s)(s.svc.SnapshotCreate(s.ctx))
	s.add("three")
	all := must[[]memory.SnapshotInfo](s)(s.svc.SnapshotList(s.ctx))
	if len(all) != 2 || all[0].Name != first.Name || all[1].Name != second.Name {
		s.Fatalf("%+v", all)
	}
	before := s.sound()
	res := must[memory.RebuildResult](s)(s.svc.SnapshotRestore(s.ctx, first.Name))
	if res.Digest != before.Index.Digest || res.State != before.Index.State {
		s.Fatalf("%+v, before %+v", res, before)
	}
	s.sound()
	_, err := s.svc.SnapshotRestore(s.ctx, "nothing")
	s.refused("no such snapshot", err, memory.CodeNotFound, "*")
	_, err = s.svc.SnapshotRestore(s.ctx, "../log")
	s.refused("a snapshot outside", err, memory.CodeNotFound, "*")
	_, err = s.svc.SnapshotPrune(s.ctx, memory.PruneRequest{Keep: -1})
	s.refused("keep", err, memory.CodeInvalid, "keep")
	would := must[memory.PruneResult](s)(s.svc.SnapshotPrune(s.ctx,
		memory.PruneRequest{Keep: 1, DryRun: true}))
	did := must[memory.PruneResult](s)(s.svc.SnapshotPrune(s.ctx, memory.PruneRequest{Keep: 1}))
	if !slices.Equal(would.Removed, []string{first.Name}) || !slices.Equal(would.Removed,
		did.Removed) {
		s.Fatalf("%+v %+v", would, did)
	}
	if all = must[[]memory.SnapshotInfo](s)(s.svc.SnapshotList(s.ctx)); len(all) != 1 {
		s.Fatalf("%+v", all)
	}
}

func testArchive(s *suite) {
	id := s.add("archived", "t")
	s.update(id, "archived, second version")
	mid := s.head()
	_, err := s.svc.Archive(s.ctx, memory.ArchiveRequest{OlderThan: -1})
	s.refused("older than", err, memory.CodeInvalid, "older_than")
	none := must[memory.ArchiveResult](s)(s.svc.Archive(s.ctx,
		memory.ArchiveRequest{OlderThan: 1000 * time.Hour}))
	if len(none.Segments) != 0 {
		s.Fatalf("%+v", none)
	}
	res := must[memory.ArchiveResult](s)(s.svc.Archive(s.ctx, memory.ArchiveRequest{}))
	if len(res.Segments) == 0 || res.BytesBefore == 0 || res.BytesAfter == 0 {
		s.Fatalf("%+v", res)
	}
	state := s.state()
	s.add("after")
	list := must[memory.ArchiveResult](s)(s.svc.ArchiveList(s.ctx))
	if len(list.Segments) != len(res.Segments) || list.Segments[0].FirstSeq != 1 {
		s.Fatalf("%+v", list)
	}
	if bad := must[memory.ArchiveResult](s)(s.svc.ArchiveVerify(s.ctx)); len(bad.Problems) != 0 {
		s.Fatalf("%+v", bad)
	}
	for range 2 {
		if recs := s.records(memory.LogRequest{}); len(recs) != int(s.head()) || recs[0].Seq != 1 {
			s.Fatalf("%d records", len(recs))
		}
		then := must[memory.ReplayResult](s)(s.svc.Replay(s.ctx,
			memory.ReplayRequest{Until: memory.Moment{Seq: mid}}))
		if then.Digest != state {
			s.Fatalf("%+v, want %s", then, state)
		}
		must[memory.RebuildResult](s)(s.svc.Rebuild(s.ctx, memory.RebuildRequest{}))
		s.sound()
		back := must[memory.ArchiveResult](s)(s.svc.ArchiveRestore(s.ctx))
		if len(back.Segments) > len(res.Segments) {
			s.Fatalf("%+v", back)
		}
	}
}

func testStats(s *suite) {
	id := s.store(memory.NewMemory{Content: "a", Tags: []string{"x", "y"}, Type: "fact", Project: "p"},
		memory.NewMemory{Content: "b", Tags: []string{"x"}, Type: "fact"}).Stored[0].ID.String()
	s.del(s.add("c", "z"))
	s.update(id, "a2")
	st := must[memory.StatsResult](s)(s.svc.Stats(s.ctx))
	if st.Memories != 2 || st.Deleted != 1 || st.Tags != 2 || st.Versions < 4 ||
		st.Records != uint64(s.head()) || st.FirstSeq != 1 || st.LastSeq != s.head() ||
		st.LogBytes == 0 || st.Digest == "" || st.Store == "" || st.LogID == "" ||
		!st.LastTime.After(st.FirstTime) {
		s.Fatalf("%+v", st)
	}
	if fmt.Sprint(st.Types) != "[{fact 2}]" || fmt.Sprint(st.Projects) != "[{p 1}]" {
		s.Fatalf("types %v, projects %v", st.Types, st.Projects)
	}
	h := must[memory.HealthResult](s)(s.svc.Health(s.ctx))
	if !h.OK || !h.Writable || h.ReadOnly != "" || h.Seq != s.head() || h.Watermark != h.Seq ||
		h.Memories != 2 || h.Problems == nil || h.Notes == nil || h.LastWrite.IsZero() {
		s.Fatalf("%+v", h)
	}
}

func testClosed(s *suite) {
	s.add("one")
	for range 2 {
		if err := s.svc.Close(); err != nil {
			s.Fatal(err)
		}
	}
	_, err := s.svc.Store(s.ctx, memory.StoreRequest{Memories: []memory.NewMemory{{Content: "late"}}})
	if !is(err, memory.CodeFailed) {
		s.Fatal(err)
	}
	if _, err = s.svc.List(s.ctx, memory.ListRequest{}); !is(err, memory.CodeFailed) {
		s.Fatal(err)
	}
	for _, err := range s.svc.Log(s.ctx, memory.LogRequest{}) {
		if !is(err, memory.CodeFailed) {
			s.Fatal(err)
		}
	}
	if _, err := s.svc.Models(s.ctx); !is(err, memory.CodeFailed) {
		s.Fatal(err)
	}
	_, err = s.svc.ModelUse(s.ctx, memory.ModelUseRequest{Name: memory.ModelNone})
	if !is(err, memory.CodeFailed) {
		s.Fatal(err)
	}
}
