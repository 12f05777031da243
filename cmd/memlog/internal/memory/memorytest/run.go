package memorytest

import (
	"context"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// Deadline bounds one test of the suite, so that a call that hangs is an error with a name.
const Deadline = 2 * time.Minute

// cases is the whole suite, in the order of the interface.
var cases = []struct {
	name string
	test func(*suite)
}{
	{"store", testStore}, {"store batch", testStoreBatch}, {"store with id", testStoreKnown},
	{"same content", testSameContent}, {"same content in a batch", testSameContentBatch},
	{"same content concurrently", testSameContentConcurrently},
	{"unicode forms", testUnicodeForms},
	{"request ids", testRequestIDs}, {"request ids of every command", testRequestIDsEverywhere},
	{"update", testUpdate}, {"update if version", testIfVersion},
	{"update if version concurrently", testIfVersionConcurrently},
	{"delete", testDelete}, {"delete by filter", testDeleteFilter}, {"restore", testRestore},
	{"link", testLink}, {"provenance", testProvenance},

	{"search", testSearch}, {"search filters", testSearchFilters},
	{"session filter", testSessionFilter}, {"search modes", testSearchModes},
	{"list", testList}, {"list under writes", testListUnderWrites}, {"list filters", testListFilters},
	{"clocks", testClocks}, {"get", testGet}, {"history", testHistory}, {"tags", testTags},
	{"as of", testAsOf}, {"as of bounds", testAsOfBounds},

	{"undo", testUndo}, {"undo per session", testUndoSession}, {"undo last", testUndoLast},
	{"undo since", testUndoSince}, {"undo by number", testUndoSeq}, {"undo of undo", testUndoUndo},
	{"undo group", testUndoGroup}, {"undo conflict", testUndoConflict},
	{"undo bulk delete", testUndoBulkDelete}, {"undo dry run", testUndoDryRun},
	{"revert", testRevert}, {"duplicates", testDuplicates},

	{"log", testLog}, {"log filters", testLogFilters}, {"log follow", testLogFollow},
	{"replay", testReplay}, {"replay into", testReplayInto}, {"moments", testMoments},
	{"snapshots", testSnapshots}, {"archive", testArchive}, {"rebuild", testRebuild},
	{"verify", testVerify}, {"repair of a sound store", testRepairSound},
	{"stats and health", testStats}, {"metrics", testMetrics},
	{"metrics of errors", testMetricsErrors}, {"metrics cleared", testClearMetrics},

	{"models", testModels}, {"models and undo", testModelsUndo},
	{"change of models", testModelsChange}, {"refused models", testModelsRefused},

	{"export and import memories", testExportMemories}, {"export and import events", testExportEvents},
	{"export filters", testExportFilters}, {"import twice", testImportTwice},
	{"import rejects", testImportRejects}, {"import dry run", testImportDryRun},

	{"limits", testLimits}, {"hostile input", testHostile}, {"ids that do not exist", testUnknownIDs},
	{"unknown values", testUnknownValues}, {"odd but allowed", testOdd},
	{"closed", testClosed},
}

// Run holds a service against its contract. open returns an empty store of its own at each call
// and closes it when t ends.
func Run(t *testing.T, open func(t *testing.T) memory.Service) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), Deadline)
			t.Cleanup(cancel)
			c.test(&suite{T: t, ctx: ctx, svc: open(t), open: open})
		})
	}
}

// suite is one test with its store.
type suite struct {
	*testing.T
	ctx  context.Context
	svc  memory.Service
	open func(t *testing.T) memory.Service
}

// another returns the same test on another empty store.
func (s *suite) another() *suite {
	return &suite{T: s.T, ctx: s.ctx, svc: s.open(s.T), open: s.open}
}

// must ends the test where a call that has to work does not.
func must[R any](s *suite) func(R, error) R {
	return func(r R, err error) R {
		s.Helper()
		if err != nil {
			s.Fatalf("%v (%+v)", err, r)
		}
		return r
	}
}

// store stores memories as one command.
func (s *suite) store(ms ...memory.NewMemory) memory.StoreResult {
	s.Helper()
	return must[memory.StoreResult](s)(s.svc.Store(s.ctx, memory.StoreRequest{Memories: ms}))
}

// add stores one memory and returns its id, as text.
func (s *suite) add(content string, tags ...string) string {
	s.Helper()
	res := s.store(memory.NewMemory{Content: content, Tags: tags})
	return res.Stored[0].ID.String()
}

// addIn stores one memory in a session.
func (s *suite) addIn(session, content string) (id string, seq memory.Seq) {
	s.Helper()
	res := must[memory.StoreResult](s)(s.svc.Store(s.ctx, memory.StoreRequest{
		Memories: []memory.NewMemory{{Content: content}}, Origin: memory.Origin{Session: session}}))
	return res.Stored[0].ID.String(), res.Seq
}

// update gives a memory another content.
func (s *suite) update(id, content string) memory.Change {
	s.Helper()
	return must[memory.Change](s)(s.svc.Update(s.ctx,
		memory.UpdateRequest{ID: id, Content: &content}))
}

// get returns a live memory.
func (s *suite) get(id string) memory.Memory {
	s.Helper()
	return must[memory.Memory](s)(s.svc.Get(s.ctx, memory.GetRequest{ID: id}))
}

// gone ends the test where a memory is live.
func (s *suite) gone(id string) {
	s.Helper()
	m, err := s.svc.Get(s.ctx, memory.GetRequest{ID: id})
	if memory.CodeOf(err) != memory.CodeNotFound {
		s.Fatalf("memory %s is there: %+v (%v)", id, m, err)
	}
}

// head returns the number of the last record.
func (s *suite) head() memory.Seq {
	s.Helper()
	return must[memory.StatsResult](s)(s.svc.Stats(s.ctx)).LastSeq
}

// state returns the state digest.
func (s *suite) state() string {
	s.Helper()
	return must[memory.StatsResult](s)(s.svc.Stats(s.ctx)).Digest
}

// refused holds a refusal against the contract: code, argument, hint. Arg "*" is any.
func (s *suite) refused(what string, err error, code memory.Code, arg string) {
	s.Helper()
	if got := memory.CodeOf(err); got != code {
		s.Fatalf("%s: code %q, want %q (%v)", what, got, code, err)
	}
	e := asError(err)
	switch {
	case e == nil:
		s.Fatalf("%s: no *memory.Error: %v", what, err)
	case arg != "*" && e.Arg != arg:
		s.Fatalf("%s: argument %q, want %q (%v)", what, e.Arg, arg, err)
	case e.Hint == "":
		s.Fatalf("%s: no hint: %v", what, err)
	case len(e.Error()) > maxMessage:
		s.Fatalf("%s: a message of %d bytes", what, len(e.Error()))
	}
}

// maxMessage bounds what an error says, so that hostile input does not come back whole.
const maxMessage = 600

// unmoved runs f and holds the head against what it was before.
func (s *suite) unmoved(what string, f func()) {
	s.Helper()
	before := s.head()
	f()
	if got := s.head(); got != before {
		s.Fatalf("%s: the head went from %d to %d", what, before, got)
	}
}
