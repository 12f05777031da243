package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// completes opens what a crash or damage left and holds it against the truth: a prefix of the log
// with its checkpoint, or an error that says broken; then replay, or a rebuild, gives the whole.
func completes(t *testing.T, fs vfs.FS, truth []string) (outcome string) {
	t.Helper()
	last := uint64(len(truth) - 1)
	rebuild := func(err error) string {
		if !errors.Is(err, ErrBroken) {
			t.Fatalf("an error other than broken: %v", err)
		}
		d, err := NewGeneration("index", Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		fill(t, d, last, 50)
		if err := d.Promote(true); err != nil {
			t.Fatal(err)
		}
		if got := digest(t, d); got != truth[last] {
			t.Fatalf("rebuilt: digest %s, want %s", got, truth[last])
		}
		done(t, d)
		d = open(t, fs)
		defer done(t, d)
		if got := d.Checkpoint().Seq; got != last {
			t.Fatalf("promoted generation is at %d, want %d", got, last)
		}
		return "broken"
	}
	d, err := Open("index", Options{FS: fs})
	if err != nil {
		return rebuild(err)
	}
	var sum [32]byte
	v, err := d.View()
	if err == nil {
		sum, err = v.Digest()
		v.Close()
	}
	if err != nil {
		d.Close()
		return rebuild(err)
	}
	at := d.Checkpoint().Seq
	if got := fmt.Sprintf("%x", sum); got != truth[at] {
		t.Fatalf("at %d: digest %s is not that of the prefix, %s", at, got, truth[at])
	}
	fill(t, d, last, 7)
	if got := digest(t, d); got != truth[last] {
		t.Fatalf("replayed from %d: digest %s, want %s", at, got, truth[last])
	}
	done(t, d)
	if at == last {
		return "whole"
	}
	return "prefix"
}

// Whatever was not synced may be lost in a crash, in any combination: what is left is always the
// index as of its own checkpoint.
func TestCrashLeavesAPrefix(t *testing.T) {
	const records = 120
	truth := prefixes(t, records)
	outcomes := map[string]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(5, seed))
		fs := vfs.NewCrashableMem()
		if err := fs.MkdirAll("index", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syncDir(fs, "/"); err != nil {
			t.Fatal(err)
		}
		d, err := Open("index", Options{FS: fs, MemTableBytes: 32 << 10})
		if err != nil {
			t.Fatal(err)
		}
		stop := uint64(1 + r.IntN(records))
		for d.Checkpoint().Seq < stop {
			fill(t, d, min(stop, d.Checkpoint().Seq+uint64(1+r.IntN(20))), 1+r.IntN(9))
			if r.IntN(4) == 0 {
				if err := d.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		clone := fs.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: r.IntN(101), RNG: r,
		})
		done(t, d)
		outcomes[completes(t, clone, truth)]++
	}
	t.Log(outcomes)
	if outcomes["broken"] > 0 || outcomes["prefix"] == 0 {
		t.Fatalf("outcomes %v: a crash breaks nothing, and some must lose the tail", outcomes)
	}
}

// damages are ways of damaging a file's bytes.
var damages = map[string]func(r *rand.Rand, b []byte) []byte{
	"flip": func(r *rand.Rand, b []byte) []byte {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		return b
	},
	"cut": func(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b))] },
	"zero": func(r *rand.Rand, b []byte) []byte {
		from := r.IntN(len(b))
		clear(b[from:min(len(b), from+1+r.IntN(64))])
		return b
	},
	"delete": func(*rand.Rand, []byte) []byte { return nil },
}

// Any file of the index flipped, cut, zeroed or deleted: open or a full read says broken, or what
// is served is the index as of its checkpoint. Never a panic, never the end of the process.
func TestDamagedFiles(t *testing.T) {
	const records = 80
	truth := prefixes(t, records)
	whole := vfs.NewMem()
	d, err := Open("index", Options{FS: whole})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []uint64{30, 60, records} { // several files
		fill(t, d, to, 10)
		if err := d.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	done(t, d)
	outcomes := map[string]int{}
	for _, dir := range []string{"index", d.path} {
		names, err := whole.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			path := whole.PathJoin(dir, name)
			if info, err := whole.Stat(path); err != nil || info.IsDir() || info.Size() == 0 {
				continue
			}
			for kind, damage := range damages {
				for seed := range uint64(6) {
					fs := vfs.NewMem()
					if _, err := vfs.Clone(whole, fs, "index", "index"); err != nil {
						t.Fatal(err)
					}
					harm(t, fs, path, rand.New(rand.NewPCG(seed, 3)), damage)
					out := completes(t, fs, truth)
					outcomes[kindOfFile(name)+" "+kind+": "+out]++
				}
			}
		}
	}
	t.Log(outcomes)
	if outcomes["sst flip: broken"] == 0 {
		t.Fatal("no flipped byte of a table was seen")
	}
}

func kindOfFile(name string) string {
	for _, k := range []string{"sst", "MANIFEST", "OPTIONS", "marker", currentFile, checkpointFile} {
		if strings.Contains(name, k) {
			return k
		}
	}
	return "other"
}

func harm(t *testing.T, fs vfs.FS, path string, r *rand.Rand,
	damage func(*rand.Rand, []byte) []byte) {
	t.Helper()
	b, err := readFile(fs, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := fs.Remove(path); err != nil {
		t.Fatal(err)
	}
	if b = damage(r, b); b == nil {
		return
	}
	f, err := fs.Create(path, syncCategory)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	done(t, f)
}
