package projection

import (
	"testing"

	"memlog/index"
	"memlog/index/vector"
	"memlog/wal/event"
)

// A vector is of what a version says: an edit of tags keeps it, another content does not have it,
// and the version that comes back has its own again.
func TestVectorGoesWithTheText(t *testing.T) {
	db := openMem(t)
	defer db.Close()
	m := func(version uint64, content string, tags ...string) event.Memory {
		return event.Memory{ID: testID(1), Version: version, Content: content, Tags: tags}
	}
	steps := []struct {
		event event.Event
		found bool
	}{
		{event.Stored{Memory: m(1, "one")}, false},
		{event.Embedded{ID: testID(1), Version: 1, Model: "m", Encoding: 1,
			Vector: testVector(t, 3)}, true},
		{event.Updated{Memory: m(2, "one", "a")}, true},
		{event.Updated{Memory: m(3, "one", "b")}, true},
		{event.Updated{Memory: m(4, "two", "b")}, false},
		{event.Embedded{ID: testID(1), Version: 3, Model: "m", Encoding: 1,
			Vector: testVector(t, 1)}, false},
		{event.Reverted{Memory: m(2, "one", "a")}, true},
		{event.Deleted{ID: testID(1)}, false},
		{event.Restored{Memory: m(5, "one")}, true},
		{event.Retracted{ID: testID(1)}, false},
		{event.Restored{Memory: m(1, "one")}, true},
	}
	q, err := vector.Parse(testVector(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range steps {
		applyAll(t, db, history{newRecord(i+1, encode(t, s.event)...)}, 1)
	}
	for i, s := range steps {
		v, err := db.At(uint64(i + 1))
		if err != nil {
			t.Fatal(err)
		}
		hits, err := v.Nearest(index.VectorQuery{
			Space: index.Space{Model: "m", Dims: 8}, Vector: q.Query(), Limit: 3,
		})
		if err != nil || (len(hits) == 1) != s.found || len(hits) > 1 {
			t.Errorf("as of record %d: %d hits, %v; want it found: %v", i+1, len(hits), err, s.found)
		}
		closeAll(t, v)
	}
}
