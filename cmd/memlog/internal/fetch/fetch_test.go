package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// envURL and envDir tell a child of TestKilled what to fetch, and where to.
const (
	envURL = "MEMLOG_TEST_URL"
	envDir = "MEMLOG_TEST_DIR"
)

func TestMain(m *testing.M) {
	if os.Getenv(envURL) == "" {
		os.Exit(m.Run())
	}
	dir, err := os.OpenRoot(os.Getenv(envDir))
	if err == nil {
		err = Run(context.Background(), dir, options(os.Getenv(envURL)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

const fileMax = 32 << 20

func options(address string) Options {
	u, err := Address(address)
	if err != nil {
		panic(err)
	}
	return Options{URL: u, Files: []File{{"file", fileMax}}, Stall: time.Minute,
		Backoff: time.Millisecond}
}

// origin is a server of one file.
type origin struct {
	url string

	mu     sync.Mutex
	body   []byte                                                   // mu guards: all of these
	etag   string                                                   //
	before func(n int, w http.ResponseWriter, r *http.Request) bool // true: it has answered
	cut    int                                                      // ends a response after so many bytes
	ranges []string                                                 // asked for, in order
	sent   int64
}

func newOrigin(t *testing.T, size int, etag string) *origin {
	o := &origin{body: noise(size, 1), etag: etag}
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	o.url = s.URL + "/models/small"
	return o
}

func noise(size int, seed byte) []byte {
	b := make([]byte, size)
	if _, err := rand.NewChaCha8([32]byte{seed}).Read(b); err != nil {
		panic(err)
	}
	return b
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ranges = append(o.ranges, r.Header.Get("Range"))
	if r.URL.Path != "/models/small/file" {
		http.NotFound(w, r)
		return
	}
	if o.etag != "" {
		w.Header().Set("ETag", o.etag)
	}
	if o.before != nil && o.before(len(o.ranges), w, r) {
		return
	}
	http.ServeContent(&cutter{w, o}, r, "", time.Time{}, bytes.NewReader(o.body))
}

// set changes what the server does next.
func (o *origin) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

// cutter counts what is sent, and cuts the connection.
type cutter struct {
	http.ResponseWriter
	o *origin
}

func (c *cutter) Write(b []byte) (int, error) {
	if c.o.cut > 0 && len(b) >= c.o.cut {
		b = b[:c.o.cut]
	}
	n, err := c.ResponseWriter.Write(b)
	c.o.sent += int64(n)
	if c.o.cut > 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func openDir(t *testing.T, path string) *os.Root {
	t.Helper()
	dir, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

// holds ends the test where the file is another.
func holds(t *testing.T, dir *os.Root, want []byte) {
	t.Helper()
	got, err := dir.ReadFile("file")
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the file has %d bytes, want these %d: %v", len(got), len(want), err)
	}
}

func TestFetch(t *testing.T) {
	o := newOrigin(t, 5<<20, `"a"`)
	dir := openDir(t, t.TempDir())
	opt := options(o.url)
	var last [2]int64
	opt.Progress = func(_ string, done, total int64) {
		if done < last[0] {
			t.Errorf("progress went from %d to %d", last[0], done)
		}
		last = [2]int64{done, total}
	}
	if err := Run(t.Context(), dir, opt); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, o.body)
	if last != [2]int64{5 << 20, 5 << 20} {
		t.Errorf("progress ended at %d of %d", last[0], last[1])
	}
	if err := Run(t.Context(), dir, opt); err != nil || o.sent != 5<<20 {
		t.Errorf("again: %d bytes were sent, %v", o.sent, err)
	}
	if url, err := Source(dir); err != nil || url != o.url {
		t.Errorf("source %q: %v", url, err)
	}
}

func TestCutInTheMiddle(t *testing.T) {
	o := newOrigin(t, 100_000, `"a"`)
	o.cut = 30_000 // a response has two writes at most: 32 KiB and the rest
	dir := openDir(t, t.TempDir())
	var notes []string
	opt := options(o.url)
	opt.Note = func(text string) { notes = append(notes, text) }
	if err := Run(t.Context(), dir, opt); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, o.body)
	if o.sent != 100_000 || len(notes) != 3 || !strings.Contains(notes[0], "cut off after 30000") {
		t.Errorf("%d bytes sent for 100000; %q", o.sent, notes)
	}
	if got := fmt.Sprint(o.ranges); got != "[ bytes=30000- bytes=60000- bytes=90000-]" {
		t.Errorf("asked for %s", got)
	}
}

func TestGivesUpAndGoesOn(t *testing.T) {
	o := newOrigin(t, 100_000, `"a"`)
	o.cut = 1_000
	dir := openDir(t, t.TempDir())
	err := Run(t.Context(), dir, options(o.url))
	if err == nil || !strings.Contains(err.Error(), "after 5 attempts") || len(o.ranges) != MaxAttempts {
		t.Fatalf("%d requests: %v", len(o.ranges), err)
	}
	o.set(func() { o.cut = 0 })
	if err := Run(t.Context(), dir, options(o.url)); err != nil || o.sent != 100_000 {
		t.Fatalf("%d bytes sent for 100000: %v", o.sent, err)
	}
	holds(t, dir, o.body)
}

// A part is never continued by bytes of another file.
func TestChangedBetween(t *testing.T) {
	refuse := func(n int, w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}
		return r.Header.Get("Range") != ""
	}
	part := func(header string, b []byte) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", header)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(b)
			return true
		}
	}
	old, other := noise(100_000, 1), noise(90_000, 2)
	for what, c := range map[string]struct {
		etags  [2]string
		before func(int, http.ResponseWriter, *http.Request) bool
		ranged bool
	}{
		"another file":          {etags: [2]string{`"a"`, `"b"`}, ranged: true},
		"no validator":          {},
		"a weak validator":      {etags: [2]string{`W/"a"`, `W/"a"`}},
		"416":                   {etags: [2]string{`"a"`, `"b"`}, before: refuse, ranged: true},
		"If-Range not heeded":   {[2]string{`"a"`, `"b"`}, part("bytes 30000-99999/100000", other[:70_000]), true},
		"part of another place": {[2]string{`"a"`, `"a"`}, part("bytes 0-99999/100000", old), true},
		"part of another size":  {[2]string{`"a"`, `"a"`}, part("bytes 30000-89999/90000", other[30_000:]), true},
		"no Content-Range":      {[2]string{`"a"`, `"a"`}, part("", other), true},
	} {
		o := newOrigin(t, 100_000, c.etags[0])
		o.cut = 30_000
		dir := openDir(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		opt := options(o.url)
		opt.Note = func(string) { cancel() }
		if err := Run(ctx, dir, opt); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: %v", what, err)
		}
		o.set(func() { o.cut, o.body, o.etag, o.before = 0, other, c.etags[1], c.before })
		if err := Run(t.Context(), dir, options(o.url)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		holds(t, dir, other)
		if got := o.ranges[1] != ""; got != c.ranged {
			t.Errorf("%s: asked for %q", what, o.ranges)
		}
	}
}

// A file that is whole is fetched again where the server has another by now.
func TestWholeAndChanged(t *testing.T) {
	o := newOrigin(t, 1000, `"a"`)
	dir := openDir(t, t.TempDir())
	if err := Run(t.Context(), dir, options(o.url)); err != nil {
		t.Fatal(err)
	}
	o.set(func() { o.body, o.etag = noise(900, 3), `"b"` })
	if err := Run(t.Context(), dir, options(o.url)); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, o.body)
}

// What was noted of a file is no longer noted when another is written over it: after a kill, the
// first could be there again.
func TestChangedTwice(t *testing.T) {
	o := newOrigin(t, 100_000, `"a"`)
	o.cut = 30_000
	dir := openDir(t, t.TempDir())
	opt := options(o.url)
	ctx, cancel := context.WithCancel(t.Context())
	opt.Note = func(string) { cancel() }
	if err := Run(ctx, dir, opt); err == nil {
		t.Fatal("not cut")
	}
	o.set(func() {
		o.cut, o.body, o.etag = 0, noise(100_000, 2), `"b"`
		o.before = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			o.before = nil
			w.Header().Set("Content-Length", fmt.Sprint(len(o.body)))
			_, _ = w.Write(o.body[:40_000])
			w.(http.Flusher).Flush()
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
				if info, err := dir.Stat("file"); err == nil && info.Size() == 40_000 {
					break // it overwrites
				}
			}
			if s, err := load(dir); err != nil || s.Files["file"].ETag != `"b"` || s.Files["file"].Have > 0 {
				t.Errorf("noted while it is overwritten: %+v, %v", s.Files["file"], err)
			}
			_, _ = w.Write(o.body[40_000:])
			return true
		}
	})
	if err := Run(t.Context(), dir, options(o.url)); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, o.body)
}

// A part that is shorter than it says is no end.
func TestShortPart(t *testing.T) {
	o := newOrigin(t, 100_000, `"a"`)
	o.cut = 30_000
	o.before = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n != 2 {
			return false
		}
		w.Header().Set("Content-Range", "bytes 30000-99999/100000")
		w.Header().Set("Content-Length", "5")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(o.body[30_000:30_005])
		o.cut = 0
		return true
	}
	dir := openDir(t, t.TempDir())
	if err := Run(t.Context(), dir, options(o.url)); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, o.body)
}

func TestKilled(t *testing.T) {
	o := newOrigin(t, 12<<20, `"a"`)
	slow, hold := make(chan struct{}), make(chan struct{})
	o.before = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(o.body)))
		_, _ = w.Write(o.body[:10<<20])
		w.(http.Flusher).Flush()
		close(slow)
		<-hold
		return true
	}
	path := t.TempDir()
	dir := openDir(t, path)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envURL+"="+o.url, envDir+"="+path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-slow
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		s, err := load(dir)
		if err == nil && s.Files["file"] != nil && s.Files["file"].Have >= 8<<20 {
			break
		}
		if time.Now().After(end) {
			t.Errorf("nothing noted: %+v, %v", s.Files["file"], err)
			break
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	close(hold)
	// What a power cut leaves behind the last sync may be anything.
	f, err := os.OpenFile(filepath.Join(path, "file"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 4<<20), s.Files["file"].Have); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), dir, options(o.url)); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, o.body)
	if len(o.ranges) != 2 || o.ranges[1] == "" || o.sent > 4<<20 {
		t.Errorf("asked for %q, %d bytes sent again", o.ranges, o.sent)
	}
}

// What the state says and the disk lacks begins anew.
func TestPartGone(t *testing.T) {
	for what, damage := range map[string]func(dir *os.Root) error{
		"file":  func(dir *os.Root) error { return dir.Remove("file") },
		"state": func(dir *os.Root) error { return dir.WriteFile(StateFile, []byte(`{"version":1,"fi`), 0o600) },
		"newer": func(dir *os.Root) error { return dir.WriteFile(StateFile, []byte(`{"version":9}`), 0o600) },
		"short": func(dir *os.Root) error { return dir.WriteFile("file", []byte("x"), 0o600) },
		"sign": func(dir *os.Root) error {
			return dir.WriteFile(StateFile, []byte(`{"version":1,"files":{"file":{"have":-1}}}`), 0o600)
		},
	} {
		o := newOrigin(t, 100_000, `"a"`)
		o.cut = 30_000
		dir := openDir(t, t.TempDir())
		opt := options(o.url)
		ctx, cancel := context.WithCancel(t.Context())
		opt.Note = func(string) { cancel() }
		if err := Run(ctx, dir, opt); err == nil {
			t.Fatal("not cut")
		}
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		o.set(func() { o.cut = 0 })
		if err := Run(t.Context(), dir, options(o.url)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		holds(t, dir, o.body)
	}
}

func TestTooLarge(t *testing.T) {
	for what, before := range map[string]func(int, http.ResponseWriter, *http.Request) bool{
		"announced": nil,
		"not announced": func(_ int, w http.ResponseWriter, r *http.Request) bool {
			for range 200 {
				_, _ = w.Write(make([]byte, 1000))
				w.(http.Flusher).Flush()
			}
			return true
		},
	} {
		o := newOrigin(t, 100_000, "")
		o.before = before
		dir := openDir(t, t.TempDir())
		opt := options(o.url)
		opt.Files[0].Max = 99_999
		err := Run(t.Context(), dir, opt)
		if err == nil || !strings.Contains(err.Error(), "99999") || len(o.ranges) != 1 {
			t.Errorf("%s: %d requests, %v", what, len(o.ranges), err)
		}
		if info, err := dir.Stat("file"); err == nil && (what == "announced" || info.Size() > 99_999) {
			t.Errorf("%s: %d bytes were written", what, info.Size())
		}
	}
}

// A server that sends too little is given up, and what came is kept.
func TestStall(t *testing.T) {
	for what, before := range map[string]func(w http.ResponseWriter, done <-chan struct{}){
		"no header": func(w http.ResponseWriter, done <-chan struct{}) {},
		"no byte":   func(w http.ResponseWriter, done <-chan struct{}) { w.(http.Flusher).Flush() },
		"drips": func(w http.ResponseWriter, done <-chan struct{}) {
			for {
				select {
				case <-done:
					return
				case <-time.After(5 * time.Millisecond):
					_, _ = w.Write([]byte("x"))
					w.(http.Flusher).Flush()
				}
			}
		},
	} {
		o := newOrigin(t, 100_000, `"a"`)
		o.before = func(n int, w http.ResponseWriter, r *http.Request) bool {
			before(w, r.Context().Done())
			<-r.Context().Done()
			return true
		}
		opt := options(o.url)
		opt.Stall = 50 * time.Millisecond
		err := Run(t.Context(), openDir(t, t.TempDir()), opt)
		if !errors.Is(err, errStalled) || !strings.Contains(err.Error(), "after 5 attempts") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestServerRefuses(t *testing.T) {
	for code, attempts := range map[int]int{404: 1, 403: 1, 204: 1, 206: 1, 500: MaxAttempts,
		429: MaxAttempts} {
		o := newOrigin(t, 10, "")
		o.before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(code)
			return true
		}
		err := Run(t.Context(), openDir(t, t.TempDir()), options(o.url))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprint(code)) || len(o.ranges) != attempts {
			t.Errorf("%d: %d requests, %v", code, len(o.ranges), err)
		}
	}
}

// trip answers requests without a network.
type trip func(*http.Request) *http.Response

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func TestRedirects(t *testing.T) {
	for target, want := range map[string]string{
		"https://elsewhere.example/file": "",
		"http://elsewhere.example/file":  "neither https nor http to loopback",
		"http://127.0.0.1/file":          "from elsewhere to this machine",
		"https://localhost/file":         "from elsewhere to this machine",
		"https://example.com/a/file":     "more than 5 times", // to itself
		"file:///etc/passwd":             "redirects",
	} {
		n := 0
		opt := options("https://example.com/a")
		opt.Transport = trip(func(r *http.Request) *http.Response {
			n++
			res := &http.Response{StatusCode: 302, Header: http.Header{"Location": {target}}, Request: r,
				Body: io.NopCloser(strings.NewReader("")), TLS: &tls.ConnectionState{}}
			if r.URL.Host == "elsewhere.example" {
				res.StatusCode, res.Body = 200, io.NopCloser(strings.NewReader("it"))
				res.ContentLength = 2
			}
			return res
		})
		dir := openDir(t, t.TempDir())
		err := Run(t.Context(), dir, opt)
		if want == "" {
			if err != nil {
				t.Fatalf("%s: %v", target, err)
			}
			holds(t, dir, []byte("it"))
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || n > MaxRedirects+1 {
			t.Errorf("%s: %d requests, %v", target, n, err)
		}
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.com/a/b":        "",
		"http://127.0.0.1:8080/a":        "",
		"http://[::1]/a":                 "",
		"http://localhost:99/a":          "",
		"http://example.com/a":           "neither https nor http to loopback",
		"http://127.0.0.1.example.com/a": "neither https nor http to loopback",
		"ftp://example.com/a":            "neither https nor http to loopback",
		"https:///a":                     "names no host",
		"https://me:secret@host/a":       "password",
		"https://example.com/a#b":        "fragment",
		"https://exa mple.com/":          "no address",
	} {
		_, err := Address(text)
		if want == "" && err != nil || want != "" && (memory.CodeOf(err) != memory.CodeInvalid ||
			!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestValidators(t *testing.T) {
	now := time.Now().UTC()
	for what, c := range map[string]struct {
		etag          string
		modified, now time.Time
		strong        bool
	}{
		"etag":           {etag: `"a"`, strong: true},
		"weak":           {etag: `W/"a"`, modified: now.Add(-time.Hour), now: now},
		"a day old":      {modified: now.Add(-24 * time.Hour), now: now, strong: true},
		"this second":    {modified: now, now: now},
		"without a date": {modified: now.Add(-24 * time.Hour)},
		"none":           {now: now},
	} {
		h := http.Header{}
		for name, at := range map[string]time.Time{"Last-Modified": c.modified, "Date": c.now} {
			if !at.IsZero() {
				h.Set(name, at.Format(http.TimeFormat))
			}
		}
		if c.etag != "" {
			h.Set("ETag", c.etag)
		}
		p := newPart(h, 10)
		p.Have = 5
		ask := http.Header{}
		p.ask(ask)
		if p.Strong != c.strong || (ask.Get("Range") != "") != c.strong ||
			(ask.Get("If-Range") != "") != c.strong {
			t.Errorf("%s: %+v asks %v", what, p, ask)
		}
	}
}
