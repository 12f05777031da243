package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// subject is a document of about 80 words on one of 60 subjects, each of which has words of its own.
func subject(r *rand.Rand, of int) string {
	var words []string
	for range 80 {
		words = append(words, fmt.Sprintf("sub%dword%d", of, r.IntN(60)))
		if r.IntN(4) == 0 {
			words[len(words)-1] = fmt.Sprintf("common%d", r.IntN(300))
		}
	}
	return strings.Join(words, " ")
}

const subjects = 60

// documents puts documents in an index, size records a batch; record 100 changes one, 200 deletes
// one.
func documents(t *testing.T, d *DB, from, to uint64, size int) {
	t.Helper()
	for seq := from; seq <= to; {
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		for range size {
			i := NewImage{ID: numbered(int(seq)), Seq: seq, Version: 1, Created: int64(seq) * 60e6}
			switch seq {
			case 100:
				i.ID, i.Version = numbered(50), 2
			case 200:
				i.ID, i.Version, i.Deleted = numbered(50), 3, true
			}
			i.Text = subject(rand.New(rand.NewPCG(seq, 7)), int(seq)%subjects)
			i.Payload = []byte(i.Text)
			err := errors.Join(b.PutImage(i), b.SetCheckpoint(madeCheckpoint(seq)))
			if err != nil {
				t.Fatal(err)
			}
			if seq++; seq > to {
				break
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func topicsIn(t *testing.T, v *View) (keys int) {
	t.Helper()
	err := v.src.scan(newKey(keyTopics), func(_, _ []byte) (bool, error) {
		keys++
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestTopicsAreDue(t *testing.T) {
	var due []Row
	for n := range Row(1 << 17) {
		of, ahead := topicRows(n), topicsAhead(n)
		if of != 0 {
			due = append(due, n)
		}
		if of != 0 && (topicsAhead(n-1) != of || ahead == of) || ahead > n {
			t.Errorf("at %d those of %d are due; learned ahead are those of %d", n, of, ahead)
		}
	}
	if got, want := fmt.Sprint(due), "[640 960 1280 2560 5120 10240]"; got != want {
		t.Errorf("topics are due at %s, want %s", got, want)
	}
}

// A sample has about as many of each of several sources that take turns.
func TestTopicSample(t *testing.T) {
	for _, n := range topicsOf {
		numbers, count := topicSample(n)
		if count < min(int(n), topicTexts*3/4) || count > topicTexts*5/4 {
			t.Errorf("%d of %d", count, n)
		}
		for _, period := range []int{2, 3, 4, 8, 20} {
			of := make([]int, period)
			for row, number := range numbers {
				if number >= 0 {
					of[row%period]++
				}
			}
			if least := slices.Min(of); least < count/period/2 {
				t.Errorf("of %d rows by turns of %d: %v", n, period, of)
			}
		}
	}
}

// Topics are a function of the log: of how it was cut into batches they keep no trace. They are
// learned again and again.
func TestTopicsAreAFunctionOfTheLog(t *testing.T) {
	want := ""
	for _, size := range []int{2000, 1, 37} {
		d := open(t, MemFS())
		documents(t, d, 1, 1400, size)
		v := view(t, d)
		if n := topicsIn(t, v); n != 3 {
			t.Errorf("learned %d times in 1,400 records", n)
		}
		got := digest(t, d)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("batches of %d: digest %s, not %s", size, got, want)
		}
		done(t, v, d)
	}
}

// explained returns what a search finds with what its signals gave.
func explained(t *testing.T, v *View, text string) string {
	t.Helper()
	hits, err := v.Search(Query{Text: text, Mode: ModeHybrid, Limit: 20, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range hits {
		out = append(out, fmt.Sprint(number(h.Doc.ID), h.Score, h.Parts))
	}
	return strings.Join(out, "\n")
}

// A search as of a moment uses the topics of then, and one after reopening those that were there.
func TestTopicsAsOf(t *testing.T) {
	fs := MemFS()
	d := open(t, fs)
	const query = "sub7word1 sub7word2 common5"
	early := map[uint64]string{}
	before := uint64(1)
	for _, seq := range []uint64{500, 639, 640, 800, 959, 960, 1100} {
		documents(t, d, before, seq, 50)
		before = seq + 1
		v := view(t, d)
		early[seq] = explained(t, v, query)
		if got := strings.Contains(early[seq], "topic"); got != (seq >= 640) {
			t.Errorf("record %d: topics %v", seq, got)
		}
		done(t, v)
	}
	for range 2 {
		for seq, want := range early {
			v, err := d.At(seq)
			if err != nil {
				t.Fatal(err)
			}
			if got := explained(t, v, query); got != want {
				t.Errorf("as of %d:\n%s\nit was\n%s", seq, got, want)
			}
			done(t, v)
		}
		done(t, d)
		d = open(t, fs)
	}
	done(t, d)
}

// Of texts with one word of the query, the one is nearest among the topics whose other words go with
// the query's, though it has none of them.
func TestTopicsRank(t *testing.T) {
	d := open(t, MemFS())
	documents(t, d, 1, 1024, 1024)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	put := func(n int, of int) {
		words := []string{"lonely"}
		for w := range 60 {
			words = append(words, fmt.Sprintf("sub%dword%d", of, 59-w%40))
		}
		text := strings.Join(words, " ")
		seq := uint64(1024 + n)
		err := errors.Join(b.PutImage(NewImage{ID: numbered(5000 + n), Seq: seq, Version: 1,
			Created: 1, Text: text, Payload: []byte(text)}), b.SetCheckpoint(madeCheckpoint(seq)))
		if err != nil {
			t.Fatal(err)
		}
	}
	put(1, 12)
	put(2, 11)
	put(3, 13)
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	v := view(t, d)
	defer done(t, v, d)
	// The words 0 to 19 of subject 11 are in none of the three.
	hits, err := v.Search(Query{Text: "lonely sub11word1 sub11word2", Mode: ModeHybrid, Limit: 300,
		Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	near := map[int]float64{}
	for _, h := range hits {
		for _, p := range h.Parts {
			if p.Name == "topic" {
				near[number(h.Doc.ID)] = p.Score
			}
		}
	}
	most := DefaultWeights().Topic
	if near[5002] < most/2 || near[5001] > most/4 || near[5003] > most/4 {
		t.Errorf("on the subject %.2f, on others %.2f and %.2f", near[5002], near[5001], near[5003])
	}
}

// A store that is too large for it is searched without topics; as of when it was smaller, with them.
func TestLargeStoresDoNotAskTopics(t *testing.T) {
	d := open(t, MemFS())
	defer done(t, d)
	documents(t, d, 1, topicStore+10, 4000)
	for _, seq := range []uint64{700, topicStore - 10, topicStore + 10} {
		v, err := d.At(seq)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(explained(t, v, "sub7word1"), "topic"); got != (seq < topicStore) {
			t.Errorf("as of %d: topics %v", seq, got)
		}
		done(t, v)
	}
}

// Notes teach nothing, and are searched without topics.
func TestNotesHaveNoTopics(t *testing.T) {
	d := open(t, MemFS())
	fill(t, d, 1500, 100)
	v := view(t, d)
	defer done(t, v, d)
	if n := topicsIn(t, v); n != 0 {
		t.Errorf("learned %d times from notes", n)
	}
	if s := explained(t, v, "fox"); strings.Contains(s, "topic") {
		t.Error(s)
	}
}

// Damaged topics are an error, not another ranking.
func TestDamagedTopics(t *testing.T) {
	d := open(t, MemFS())
	documents(t, d, 1, 512, 512)
	if err := d.p.Set(topicsKey(512, 512), []byte("no space"), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	v := view(t, d)
	_, err := v.Search(Query{Text: "sub7word1", Mode: ModeHybrid, Limit: 5})
	if !errors.Is(err, ErrBroken) {
		t.Errorf("search: %v", err)
	}
	v.Close()
	d.Close()
}

// Topics are learned while the writer goes on, also where the index was opened anew meanwhile, and
// are the same as if it had stopped for them.
func TestTopicsAreLearnedAhead(t *testing.T) {
	straight, fs := open(t, MemFS()), MemFS()
	documents(t, straight, 1, 700, 700)
	d := open(t, fs)
	documents(t, d, 1, 511, 50)
	if d.learning != nil {
		t.Fatal("topics are learned before there is what to learn them from")
	}
	documents(t, d, 512, 520, 1)
	first := d.learning
	if first == nil || first.of != 512 {
		t.Fatalf("after 520 documents: learning %+v", first)
	}
	done(t, d) // waits for what is learned, which is gone with it
	d = open(t, fs)
	documents(t, d, 521, 639, 1)
	again := d.learning
	if again == nil || again.of != 512 {
		t.Fatalf("after 639 documents, reopened: learning %+v", again)
	}
	<-again.done
	if !slices.Equal(again.space, first.space) || again.err != nil || len(again.space) == 0 {
		t.Errorf("learned %d bytes, then %d bytes (%v)", len(first.space), len(again.space), again.err)
	}
	documents(t, d, 640, 700, 1)
	if d.learning != nil {
		t.Error("what was put is kept")
	}
	if got, want := digest(t, d), digest(t, straight); got != want {
		t.Errorf("digest %s, not %s", got, want)
	}
	done(t, straight, d)
}
