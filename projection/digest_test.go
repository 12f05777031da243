package projection

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"memlog/wal/event"
)

// specified is one element put together by hand from STATE.md.
func specified(kind string, fields ...string) *big.Int {
	b := []byte(kind)
	for _, f := range fields {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(f))), f...)
	}
	h := sha256.Sum256(b)
	return new(big.Int).SetBytes(h[:])
}

func number(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// The digest is the sum that STATE.md says, also where it goes past 2^256, and it is the same for
// ever under its version.
func TestStateDigestIsAsSpecified(t *testing.T) {
	m := memory(1, "one")
	dead := memory(2, "two")
	dead.Version, dead.Metadata = 7, nil
	occ := event.Occurrence{
		ID: testID(9), CreatedAt: epoch.Add(-200 * 365 * 24 * time.Hour), Metadata: []byte(`[1]`),
	}
	db := openMem(t)
	defer closeAll(t, db)
	applyAll(t, db, records(t,
		[]event.Event{event.Stored{Memory: m}, event.Stored{Memory: dead}},
		[]event.Event{event.Repeated{ID: m.ID, Occurrence: occ, Tags: []string{"c"}}},
		[]event.Event{event.Deleted{ID: dead.ID, SupersededBy: m.ID}},
		[]event.Event{event.Linked{Link: event.Link{From: m.ID, To: dead.ID, Type: "r"}}},
	), 1)
	id := func(i event.ID) string { return string(i[:]) }
	created := number(epoch.UnixMicro())
	sum := new(big.Int)
	for _, e := range []*big.Int{
		specified("m", id(m.ID), number(1), number(0), "one", "note", "p", `{"k":1}`, created,
			id(event.ID{})),
		specified("m", id(dead.ID), number(7), number(1), "two", "note", "p", "", created, id(m.ID)),
		specified("t", id(m.ID), "a"),
		specified("t", id(m.ID), "b"),
		specified("t", id(m.ID), "c"),
		specified("a", id(m.ID), "x"),
		specified("o", id(m.ID), id(occ.ID), number(occ.CreatedAt.UnixMicro()), `[1]`),
		specified("l", id(m.ID), id(dead.ID), "r"),
	} {
		sum.Add(sum, e)
	}
	if sum.BitLen() <= 256 {
		t.Fatal("the sum does not go past 2^256: it tests less than it should")
	}
	sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 256))
	want := hex.EncodeToString(sum.FillBytes(make([]byte, 32)))
	running := stateDigest(t, db, 4)
	if got := hex.EncodeToString(running[:]); got != want || got != frozen {
		t.Fatalf("state digest %s, STATE.md gives %s, version 1 always gave %s", got, want, frozen)
	}
}

// frozen is the digest above. It changes with StateDigestVersion only.
const frozen = "964f7704a236726a79aaf9458e8e97f84c21aadda719fb88830b50b04f15dc03"
