package index

import (
	"crypto/sha256"
	"fmt"
	"os"
	"testing"
)

// Machines of different kinds are held against each other by .ci/arm64: it runs this test on one,
// and on the other with what the first one logged in MEMLOG_WANT_DIGEST. The digest is of all keys
// of an index of vectors, and of the answers and scores that searches give.
func TestDigestOfThisMachine(t *testing.T) {
	l := newVectorLog(t, 40)
	d := open(t, MemFS())
	defer done(t, d)
	l.fill(t, d, vectorRecords, 5)
	v := view(t, d)
	defer done(t, v)
	sum := sha256.New()
	fmt.Fprint(sum, digest(t, d))
	for n := range uint64(20) {
		answers := l.ask(t, v, n, Filter{})
		if len(answers) != 10 {
			t.Fatalf("%d answers", len(answers))
		}
		fmt.Fprint(sum, answers)
	}
	got := fmt.Sprintf("%x", sum.Sum(nil))
	t.Log("digest:", got)
	if want := os.Getenv("MEMLOG_WANT_DIGEST"); want != "" && got != want {
		t.Errorf("another machine has %s", want)
	}
}
