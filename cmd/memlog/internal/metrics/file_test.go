package metrics

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/memory"
)

func openRoot(t *testing.T) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root, filepath.Join(dir, FileName)
}

// busy returns a recorder that has counted something of everything, in three hours.
func busy(clock *at) *Recorder {
	r := New(clock.now)
	for range 3 {
		r.Operation("get", 3*time.Millisecond, memory.Errorf(memory.CodeNotFound, "x"))
		r.Operation("store", time.Hour, nil)
		r.Waited(40*time.Microsecond, true)
		r.Synced(7, 700, time.Millisecond)
		clock.Time = clock.Add(time.Hour)
	}
	r.Verified(memory.LastVerify{Time: clock.UTC(), OK: false, Problems: 2, By: "memlog verify"})
	return r
}

func TestFile(t *testing.T) {
	root, name := openRoot(t)
	clock := halfPast()
	first := busy(clock)
	want := first.Report(100)
	if err := first.Save(root); err != nil {
		t.Fatal(err)
	}
	second := New(clock.now)
	if err := second.Load(root); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(second.Report(100), want); d != "" {
		t.Errorf("read again (-got +want): %s", d)
	}
	if len(second.hours) != 3 {
		t.Errorf("%d hours", len(second.hours))
	}
	// What a recorder counted before it loads is not lost.
	third := busy(clock)
	if err := third.Load(root); err != nil {
		t.Fatal(err)
	}
	if got := third.Report(100).Total; got.Queue.FailedAcquisitions != 6 || got.Syncs.Records != 42 ||
		got.Operations[0].Failed() != 6 || !got.Since.Equal(want.Total.Since) {
		t.Errorf("added up: %+v", got)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := first.Save(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("written though nothing was counted since")
	}
	first.Clear(memory.ClearMetricsRequest{})
	if err := first.Save(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err != nil {
		t.Errorf("cleared: %v", err)
	}
}

// TestGarbage sets aside what it cannot understand, and counts on.
func TestGarbage(t *testing.T) {
	clock := halfPast()
	whole, err := json.Marshal(busy(clock).fileLocked())
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string {
		out := strings.Replace(string(whole), old, new, 1)
		if out == string(whole) {
			t.Fatalf("%s is not in %s", old, whole)
		}
		return out
	}
	long := strings.Repeat("x", maxName+1)
	for name, text := range map[string]string{
		"empty":             "",
		"zeros":             string(make([]byte, 4096)),
		"cut":               string(whole[:len(whole)/2]),
		"glued":             string(whole) + string(whole),
		"no object":         "[1]",
		"another object":    "{}",
		"newer":             change(`"version":1`, `"version":2`),
		"no since":          change(`"since":"2025-03-12T09:00:00Z"`, `"x":1`),
		"negative":          change(`"max_ns":3000000`, `"max_ns":-1`),
		"count":             change(`"count":3`, `"count":4`),
		"absurd count":      change(`"count":3`, `"count":18446744073709551615`),
		"buckets":           change(`"buckets":[`, `"buckets":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,`),
		"more errors":       change(`"not_found":3`, `"not_found":4`),
		"more busy":         change(`"busy":3`, `"busy":4`),
		"hour twice":        change(`"start":"2025-03-12T10:00:00Z"`, `"start":"2025-03-12T09:00:00Z"`),
		"half past":         change(`"start":"2025-03-12T10:00:00Z"`, `"start":"2025-03-12T09:30:00Z"`),
		"long name":         change(`"get"`, `"`+long+`"`),
		"long code":         change(`"not_found"`, `"`+long+`"`),
		"total below max":   change(`"total_ns":9000000`, `"total_ns":1`),
		"sum of two errors": change(`"not_found":3`, `"not_found":3,"busy":3`),
	} {
		root, path := openRoot(t)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := New(clock.now)
		err := r.Load(root)
		if err == nil || !strings.Contains(err.Error(), badName) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if kept, err := os.ReadFile(path + ".bad"); err != nil || string(kept) != text {
			t.Errorf("%s: set aside %q, %v", name, kept, err)
		}
		if c := r.Report(10).Total; len(c.Operations) != 0 || c.Queue.TotalAcquisitions != 0 {
			t.Errorf("%s: it counts %+v", name, c)
		}
		r.Operation("get", 1, nil)
		if err := r.Save(root); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := New(clock.now).Load(root); err != nil {
			t.Errorf("%s: after it: %v", name, err)
		}
	}
}

// TestManyHours takes the newest of more hours than are kept.
func TestManyHours(t *testing.T) {
	f := file{Version: fileVersion, Since: time.Now(), Total: fileTally{}}
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range memory.MaxMetricsHours + 9 {
		f.Hours = append(f.Hours, fileHour{Start: start.Add(time.Duration(i) * time.Hour)})
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := read(bytes.NewReader(text))
	if err != nil || len(r.hours) != memory.MaxMetricsHours ||
		!r.hours[0].start.Equal(start.Add(9*time.Hour)) {
		t.Errorf("%d hours, %v", len(r.hours), err)
	}
}

// TestFileIsNone does without the file where its place is taken.
func TestFileIsNone(t *testing.T) {
	root, path := openRoot(t)
	for _, p := range []string{path, path + ".bad"} {
		if err := os.MkdirAll(filepath.Join(p, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r := New(time.Now)
	if err := r.Load(root); err == nil {
		t.Error("a directory was read")
	}
	r.Operation("get", 1, nil)
	if err := r.Save(root); err == nil {
		t.Error("a directory was replaced")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestWritersAtOnce has several processes' worth of recorders write the same file: at any moment it
// is one that a writer meant.
func TestWritersAtOnce(t *testing.T) {
	root, path := openRoot(t)
	if err := busy(halfPast()).Save(root); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		r := busy(halfPast())
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r.Operation("get", time.Second, nil)
				if err := r.Save(root); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 300 {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		if _, err := read(bytes.NewReader(text)); err != nil {
			t.Errorf("%v: %s", err, text)
		}
	}
	close(stop)
	writers.Wait()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestLeftovers removes what a killed writer left behind, and nothing else.
func TestLeftovers(t *testing.T) {
	root, path := openRoot(t)
	for _, name := range []string{".ABC.tmp", ".tmp", "x.tmp", ".bad"} {
		if err := os.WriteFile(path+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := New(time.Now).Load(root); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 3 {
		t.Errorf("%v, %v", entries, err)
	}
}

func FuzzRead(f *testing.F) {
	whole, err := json.Marshal(busy(halfPast()).fileLocked())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"version":1,"since":"2025-03-12T09:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := read(bytes.NewReader(text))
		if err != nil {
			return
		}
		again, err := json.Marshal(r.fileLocked())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(bytes.NewReader(again)); err != nil {
			t.Errorf("%v: %s", err, again)
		}
		r.now = time.Now
		r.Report(1000)
		r.Operation("get", 1, nil)
	})
}

// TestKeepVerify writes a verify beside what was counted, and not over what cannot be read.
func TestKeepVerify(t *testing.T) {
	root, name := openRoot(t)
	clock := halfPast()
	v := memory.LastVerify{Time: clock.UTC(), OK: true, By: "cron"}
	if err := KeepVerify(root, v); err != nil { // there is no file yet
		t.Fatal(err)
	}
	if err := busy(clock).Save(root); err != nil {
		t.Fatal(err)
	}
	before := New(clock.now)
	if err := before.Load(root); err != nil {
		t.Fatal(err)
	}
	want := before.Report(100)
	want.LastVerify = &v
	if err := KeepVerify(root, v); err != nil {
		t.Fatal(err)
	}
	after := New(clock.now)
	if err := after.Load(root); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(after.Report(100), want); d != "" {
		t.Errorf("after a verify (-got +want): %s", d)
	}
	const other = `{"version":99}`
	if err := os.WriteFile(name, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := KeepVerify(root, v); err == nil {
		t.Error("a file of another version was replaced")
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != other {
		t.Errorf("the file is %q, %v", b, err)
	}
}
