package store_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/store"
)

var killRounds = flag.Int("kill.rounds", 200, "how often TestKill kills a writer")

const (
	counterAlias = "the-counter"
	killWriters  = 4 // goroutines of a child; every other one raises the counter
	checkEvery   = 4 // rounds; between checks a child opens what another left
	maxAcks      = 40
)

// attempt is a command with the name of the attempt, as the child gave it. Version is 0 for a
// plain store.
type attempt struct {
	id      string
	version uint64
	n       int // what the counter becomes; of a plain store, its content
}

// A line of the child: "sent" before a command, "ack" after its answer, "not" where it was refused.
func (a attempt) line(word string) string {
	return fmt.Sprintf("%s %s %d %d", word, a.id, a.version, a.n)
}

func parseAttempt(line string) (word string, a attempt, err error) {
	_, err = fmt.Sscanf(line, "%s %s %d %d", &word, &a.id, &a.version, &a.n)
	return word, a, err
}

// give gives the command of an attempt. The same attempt is the same request, in any process.
func (a attempt) give(s memory.Service) (memory.Seq, error) {
	ctx, o := context.Background(), memory.Origin{RequestID: a.id, Client: "kill"}
	if a.version == 0 {
		res, err := s.Store(ctx, memory.StoreRequest{Origin: o,
			Memories: []memory.NewMemory{{Content: "said " + strconv.Itoa(a.n%9)}}})
		return res.Seq, err
	}
	res, err := s.Update(ctx, memory.UpdateRequest{ID: counterAlias, IfVersion: a.version, Origin: o,
		Metadata: json.RawMessage(strconv.Itoa(a.n))})
	return res.Seq, err
}

// killChild stores as fast as it can until it is killed, and says what was acknowledged.
func killChild(dir, round string, say *teller) error {
	s, err := store.Open(context.Background(), dir, store.Options{Holder: "kill " + round})
	if err != nil {
		return err
	}
	say.say("open")
	errs := make(chan error)
	for w := range killWriters {
		go func() { errs <- killWriter(s, fmt.Sprintf("%s-%d", round, w), w%2 == 1, say) }()
	}
	return <-errs
}

func killWriter(s *store.Store, name string, raises bool, say *teller) error {
	for i := 0; ; i++ {
		a := attempt{id: fmt.Sprintf("%s-%d", name, i), n: i}
		if raises {
			n, version, err := counter(s)
			if err != nil {
				return err
			}
			a.version, a.n = version, n+1
		}
		say.say("%s", a.line("sent"))
		switch _, err := a.give(s); memory.CodeOf(err) {
		case "":
			say.say("%s", a.line("ack"))
		case memory.CodeConflict:
			say.say("%s", a.line("not"))
		default:
			return err
		}
	}
}

// counter reads the counter and its version.
func counter(s memory.Service) (n int, version uint64, err error) {
	m, err := s.Get(context.Background(), memory.GetRequest{ID: counterAlias})
	if err != nil {
		return 0, 0, err
	}
	n, err = strconv.Atoi(string(m.Metadata))
	return n, m.Version, err
}

// killing is what the parent knows of all rounds.
type killing struct {
	t     *testing.T
	dir   string
	acked map[string]bool
	open  map[string]attempt    // sent, not answered
	seen  map[string]memory.Seq // request ids of the log's records
	seqs  memory.Seq            // the log was read until here
	raise int                   // raises in the log
}

// TestKill kills a process that stores as fast as it can, over and over: what it acknowledged is in
// the log exactly once, counted by request id, and nothing is there twice.
func TestKill(t *testing.T) {
	rounds := *killRounds
	if testing.Short() {
		rounds = min(rounds, 12)
	}
	k := &killing{t: t, dir: t.TempDir(), acked: map[string]bool{}, open: map[string]attempt{},
		seen: map[string]memory.Seq{}}
	s := openStore(t, k.dir, store.Options{})
	if _, err := s.Store(context.Background(), memory.StoreRequest{Memories: []memory.NewMemory{{
		Content: "how often it was raised", Metadata: json.RawMessage("0"),
		Aliases: []string{counterAlias}}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for round := 1; round <= rounds; round++ {
		k.round(round, random)
		if round%checkEvery == 0 || round == rounds {
			k.check(round == rounds)
		}
	}
	t.Logf("%d rounds: %d acknowledged, %d records, counter raised %d times", rounds, len(k.acked),
		k.seqs, k.raise)
	if len(k.acked) < rounds {
		t.Errorf("%d acknowledged in %d rounds: this kills nothing at work", len(k.acked), rounds)
	}
}

// round lets one child work for a random while and kills it: while it opens, after so many
// acknowledgements, or in between.
func (k *killing) round(round int, random *rand.Rand) {
	k.t.Helper()
	c := start(k.t, "kill", k.dir, "r"+strconv.Itoa(round))
	if random.IntN(8) == 0 { // while it opens, mostly
		timer := time.AfterFunc(time.Duration(random.IntN(100))*time.Millisecond,
			func() { _ = c.cmd.Process.Kill() })
		defer timer.Stop()
	}
	var lines []string
	for left := random.IntN(maxAcks); left > 0; {
		line, ok := c.next()
		if !ok {
			break
		}
		lines = append(lines, line)
		if strings.HasPrefix(line, "ack") {
			left--
		}
	}
	for range random.IntN(20_000) { // somewhere within a write
		_ = random.Uint64()
	}
	lines = append(lines, c.kill()...)
	if why := c.errs.String(); why != "" {
		k.t.Fatalf("round %d: child failed: %s", round, why)
	}
	for i, line := range lines {
		if line == "open" {
			continue
		}
		word, a, err := parseAttempt(line)
		if err != nil && i < len(lines)-1 {
			k.t.Fatalf("round %d: %q: %v", round, line, err)
		}
		switch word {
		case "sent":
			k.open[a.id] = a
		case "ack":
			k.acked[a.id] = true
			delete(k.open, a.id)
		case "not":
			delete(k.open, a.id)
		}
	}
}

// check opens the store, sends again what was not answered, and holds the log against what was
// acknowledged.
func (k *killing) check(last bool) {
	k.t.Helper()
	s, err := store.Open(context.Background(), k.dir, store.Options{Holder: "check"})
	if err != nil {
		k.t.Fatal(err)
	}
	defer s.Close()
	k.read(s)
	for id, a := range k.open {
		before, was := k.seen[id]
		seq, err := a.give(s)
		switch {
		case was && (err != nil || seq != before):
			k.t.Fatalf("%s is record %d; sent again it is %d, %v", id, before, seq, err)
		case memory.CodeOf(err) == memory.CodeConflict && a.version != 0:
		case err != nil:
			k.t.Fatalf("%s sent again: %v", id, err)
		default:
			k.acked[id] = true
		}
		delete(k.open, id)
	}
	k.read(s)
	for id := range k.acked {
		if k.seen[id] == 0 {
			k.t.Fatalf("%s was acknowledged and is not in the log", id)
		}
	}
	n, _, err := counter(s)
	if err != nil || n != k.raise {
		k.t.Fatalf("the counter is %d (%v) after %d raises in the log", n, err, k.raise)
	}
	if last {
		k.finish(s)
	}
}

// read reads the records that are new since the last time: dense, and no request id twice.
func (k *killing) read(s *store.Store) {
	k.t.Helper()
	for rec, err := range s.Log(context.Background(), memory.LogRequest{From: k.seqs + 1}) {
		if err != nil {
			k.t.Fatal(err)
		}
		if rec.Seq != k.seqs+1 {
			k.t.Fatalf("record %d behind record %d", rec.Seq, k.seqs)
		}
		k.seqs = rec.Seq
		if rec.Client != "kill" {
			continue
		}
		if at := k.seen[rec.RequestID]; at != 0 {
			k.t.Fatalf("%s is in the log twice: records %d and %d", rec.RequestID, at, rec.Seq)
		}
		k.seen[rec.RequestID] = rec.Seq
		if rec.Events[0].Kind == "updated" {
			k.raise++
		}
	}
}

// finish counts everything once more from the first record, and verifies deeply.
func (k *killing) finish(s *store.Store) {
	k.t.Helper()
	before := k.seqs
	k.seqs, k.raise, k.seen = 0, 0, map[string]memory.Seq{}
	k.read(s)
	if k.seqs != before || len(k.seen) != len(k.acked) {
		k.t.Fatalf("%d records with %d request ids; %d were acknowledged", k.seqs, len(k.seen),
			len(k.acked))
	}
	verified(k.t, s)
	now, err := s.Stats(context.Background())
	if err != nil {
		k.t.Fatal(err)
	}
	replayed, err := s.Replay(context.Background(), memory.ReplayRequest{})
	if err != nil || replayed.Digest != now.Digest {
		k.t.Fatalf("state %s, replayed %s (%v)", now.Digest, replayed.Digest, err)
	}
}
