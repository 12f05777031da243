package metrics

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// The names of the file in a store.
const (
	FileName    = "metrics.json"
	badName     = FileName + ".bad" // one that could not be read, set aside
	tempPattern = FileName + ".*.tmp"
)

// The limits of a file. What is beyond them was not written by this package.
const (
	fileVersion   = 1
	maxFile       = 32 << 20 // bytes
	maxOperations = 128      // of one tally
	maxCodes      = 32       // of one operation
	maxName       = 64       // bytes of an operation or a code
	maxCount      = 1 << 53  // what every JSON reader tells apart
)

// file is the form of a recorder on disk.
type file struct {
	Version    int                `json:"version"`
	Since      time.Time          `json:"since"`
	Total      fileTally          `json:"total"`
	Hours      []fileHour         `json:"hours"`
	LastVerify *memory.LastVerify `json:"last_verify,omitempty"`
}

type fileHour struct {
	Start time.Time `json:"start"`
	fileTally
}

type fileTally struct {
	Operations map[string]fileOperation `json:"operations"`
	Wait       fileHistogram            `json:"wait"`
	Busy       uint64                   `json:"busy,omitempty"`
	Sync       fileHistogram            `json:"sync"`
	Records    uint64                   `json:"records,omitempty"`
	Bytes      uint64                   `json:"bytes,omitempty"`
	MaxBatch   uint64                   `json:"max_batch,omitempty"`
}

type fileOperation struct {
	Took   fileHistogram          `json:"took"`
	Errors map[memory.Code]uint64 `json:"errors,omitempty"`
}

// fileHistogram has its times in nanoseconds, and the buckets up to the last that is not empty.
type fileHistogram struct {
	Count   uint64   `json:"count"`
	Total   int64    `json:"total_ns"`
	Max     int64    `json:"max_ns"`
	Buckets []uint64 `json:"buckets"`
}

// Load adds what the file in a store's directory holds to what was counted since the recorder was
// made. No file is no error. One that cannot be understood is set aside under another name, and the
// error says so: the recorder counts on without it.
func (r *Recorder) Load(dir *os.Root) error {
	removeTemps(dir)
	f, err := dir.Open(FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var old *Recorder
	if err == nil {
		old, err = read(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		if aside := dir.Rename(FileName, badName); aside != nil {
			return fmt.Errorf("counters of earlier processes: %w", errors.Join(err, aside))
		}
		return fmt.Errorf("counters of earlier processes: %w (the file is kept as %s)", err, badName)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = old.since
	r.total.merge(&old.total)
	for i := range old.hours {
		r.hourLocked(old.hours[i].start).merge(&old.hours[i].tally)
	}
	if r.verified == nil {
		r.verified = old.verified
	}
	return nil
}

// removeTemps removes what a writer that was killed left behind.
func removeTemps(dir *os.Root) {
	d, err := dir.Open(".")
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, n := range names {
		if ok, _ := path.Match(tempPattern, n); ok {
			_ = dir.Remove(n) // the next one tries again
		}
	}
}

// read reads a file as a recorder without a clock.
func read(in io.Reader) (*Recorder, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", FileName, maxFile)
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%s is not what memlog writes: %w", FileName, err)
	}
	if f.Version != fileVersion {
		return nil, fmt.Errorf("%s has version %d, not %d", FileName, f.Version, fileVersion)
	}
	out := &Recorder{since: f.Since.UTC(), verified: f.LastVerify}
	if out.since.IsZero() {
		return nil, fmt.Errorf("%s does not say since when", FileName)
	}
	if out.total, err = f.Total.tally(); err != nil {
		return nil, fmt.Errorf("%s: %w", FileName, err)
	}
	for i, h := range f.Hours {
		start := h.Start.UTC()
		t, err := h.tally()
		if err == nil && (!start.Equal(start.Truncate(time.Hour)) ||
			i > 0 && !start.After(out.hours[i-1].start)) {
			err = errors.New("it does not follow")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: hour %d: %w", FileName, i+1, err)
		}
		out.hours = append(out.hours, hour{start, t})
	}
	if n := len(out.hours) - memory.MaxMetricsHours; n > 0 {
		out.hours = out.hours[n:]
	}
	return out, nil
}

// Save writes the counters into a store's directory, in one step that is whole or not at all; it
// writes nothing where nothing was counted since the last time. Who calls it holds the store's
// lock: the counters of two that write in turn would replace each other.
func (r *Recorder) Save(dir *os.Root) error {
	r.saving.Lock()
	defer r.saving.Unlock()
	r.mu.Lock()
	changes := r.changes
	f := r.fileLocked()
	r.mu.Unlock()
	if changes == r.saved {
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode counters: %w", err)
	}
	if err := replace(dir, text); err != nil {
		return fmt.Errorf("write counters: %w", err)
	}
	r.saved = changes
	return nil
}

// KeepVerify writes what a verify found into the file of a store that no recorder counts for, and
// leaves everything else in it as it is. A file that cannot be read is left alone, and an error.
// Who calls it holds the store's lock.
func KeepVerify(dir *os.Root, v memory.LastVerify) error {
	r := New(func() time.Time { return v.Time })
	f, err := dir.Open(FileName)
	if err == nil {
		r, err = read(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep verify: %w", err)
	}
	r.Verified(v)
	text, err := json.Marshal(r.fileLocked()) // nobody else has it
	if err == nil {
		err = replace(dir, text)
	}
	if err != nil {
		return fmt.Errorf("keep verify: %w", err)
	}
	return nil
}

// replace puts another file in the place of the one that is there.
func replace(dir *os.Root, text []byte) error {
	temp := FileName + "." + rand.Text() + ".tmp"
	w, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	if err == nil {
		err = w.Sync() // the bytes, before the name points at them
	}
	if err = errors.Join(err, w.Close()); err == nil {
		err = dir.Rename(temp, FileName)
	}
	if err != nil {
		_ = dir.Remove(temp)
	}
	return err
}

// fileLocked is what is written, apart from what goes on being counted.
func (r *Recorder) fileLocked() file {
	f := file{Version: fileVersion, Since: r.since, Total: r.total.file(), Hours: []fileHour{},
		LastVerify: r.verified}
	for i := range r.hours {
		f.Hours = append(f.Hours, fileHour{r.hours[i].start, r.hours[i].file()})
	}
	return f
}

func (t *tally) file() fileTally {
	f := fileTally{Operations: map[string]fileOperation{}, Wait: t.wait.file(), Busy: t.busy,
		Sync: t.sync.file(), Records: t.records, Bytes: t.bytes, MaxBatch: t.maxBatch}
	for name, op := range t.ops {
		errs := make(map[memory.Code]uint64, len(op.errors))
		for code, n := range op.errors {
			errs[code] = n
		}
		f.Operations[name] = fileOperation{op.took.file(), errs}
	}
	return f
}

func (h *histogram) file() fileHistogram {
	n := len(h.buckets)
	for n > 0 && h.buckets[n-1] == 0 {
		n--
	}
	return fileHistogram{h.count, int64(h.total), int64(h.max), slices.Clone(h.buckets[:n])}
}

// tally checks what a file says.
func (f *fileTally) tally() (tally, error) {
	t := newTally()
	var err error
	if len(f.Operations) > maxOperations {
		return t, fmt.Errorf("%d operations", len(f.Operations))
	}
	for name, op := range f.Operations {
		o := t.operation(name)
		if o.took, err = op.Took.histogram(); err != nil {
			return t, fmt.Errorf("operation %.64q: %w", name, err)
		}
		if len(name) > maxName || len(op.Errors) > maxCodes {
			return t, fmt.Errorf("operation %.64q is too long", name)
		}
		var failed uint64
		for code, n := range op.Errors {
			if n > o.took.count || len(code) > maxName {
				return t, fmt.Errorf("operation %q: %d times %.64q", name, n, code)
			}
			o.errors[code] = n
			failed += n
		}
		if failed > o.took.count {
			return t, fmt.Errorf("operation %q: %d of %d failed", name, failed, o.took.count)
		}
	}
	if t.wait, err = f.Wait.histogram(); err != nil {
		return t, fmt.Errorf("waits: %w", err)
	}
	if t.sync, err = f.Sync.histogram(); err != nil {
		return t, fmt.Errorf("syncs: %w", err)
	}
	if f.Busy > t.wait.count || max(f.Records, f.Bytes) > maxCount || f.MaxBatch > f.Records {
		return t, errors.New("counters contradict each other")
	}
	t.busy, t.records, t.bytes, t.maxBatch = f.Busy, f.Records, f.Bytes, f.MaxBatch
	return t, nil
}

func (f *fileHistogram) histogram() (histogram, error) {
	h := histogram{count: f.Count, total: time.Duration(f.Total), max: time.Duration(f.Max)}
	var sum uint64
	if len(f.Buckets) > len(h.buckets) || f.Count > maxCount {
		return h, errors.New("too many buckets, or too much in them")
	}
	for i, n := range f.Buckets {
		if n > f.Count {
			return h, fmt.Errorf("a bucket has %d of %d", n, f.Count)
		}
		sum += n
		h.buckets[i] = n
	}
	if sum != f.Count || h.max < 0 || h.total < h.max {
		return h, errors.New("its figures contradict each other")
	}
	return h, nil
}
