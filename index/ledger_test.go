package index

import (
	"errors"
	"testing"
)

// Why a store must not be written to is known in the batch that says so, in views made after it is
// committed, and after a restart; views made before go on saying what was.
func TestReadOnlyReasonIsKept(t *testing.T) {
	fs := MemFS()
	d := open(t, fs)
	check := func(what string, v *View, want string) {
		t.Helper()
		if why, err := v.ReadOnlyReason(); err != nil || why != want {
			t.Errorf("%s: %q, %v, want %q", what, why, err, want)
		}
	}
	before := view(t, d)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	check("batch before", b.View(), "")
	if err := errors.Join(b.SetReadOnlyReason("one"), b.SetReadOnlyReason("two")); err != nil {
		t.Fatal(err)
	}
	check("batch", b.View(), "one")
	between := view(t, d)
	check("view before the commit", between, "")
	if err := errors.Join(b.SetCheckpoint(madeCheckpoint(1)), b.Commit()); err != nil {
		t.Fatal(err)
	}
	check("view of before", before, "")
	after := view(t, d)
	check("view after", after, "one")
	done(t, before)
	done(t, between)
	done(t, after)
	done(t, d)

	d = open(t, fs)
	defer done(t, d)
	v := view(t, d)
	defer done(t, v)
	check("reopened", v, "one")
	if _, err := d.FailedView(ErrBroken).ReadOnlyReason(); !errors.Is(err, ErrBroken) {
		t.Errorf("a failed view answers: %v", err)
	}
}
