package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

var update = flag.Bool("update", false, "write the golden files")

// noon is the clock of the tests, in a zone that is not UTC.
var noon = time.Date(2025, 3, 12, 12, 0, 0, 0, time.FixedZone("CET", 3600))

func clock() time.Time { return noon }

// fake is a service that remembers what it was asked and answers what it is told to. What a test
// does not set up panics.
type fake struct {
	memory.Service
	memories   []memory.Memory // of list, in order; of search, all
	history    memory.History
	health     memory.HealthResult
	metrics    memory.MetricsResult
	cleared    memory.ClearMetricsResult
	undo       memory.UndoResult
	asOf       *memory.Resolved
	repeats    bool
	records    []memory.LogRecord // of log; their last is the head
	link       memory.Change
	failGet    error
	duplicates memory.DuplicatesResult
	tags       []memory.TagCount
	stats      memory.StatsResult
	broken     chan struct{} // where set, ends a following for each value sent
	err        error         // of every call
	gate       chan struct{} // where set, calls wait for it or for their context
	left       chan struct{} // where set, told of each call that its context ended
	entered    chan struct{} // where set, told of every call

	followers atomic.Int32 // readings of the log under way

	mu sync.Mutex
	// mu guards what append changes, and:
	asked []any
	more  chan struct{} // closed when a record is added
}

func (f *fake) ask(ctx context.Context, req any) error {
	f.mu.Lock()
	f.asked = append(f.asked, req)
	f.mu.Unlock()
	if f.entered != nil {
		f.entered <- struct{}{}
	}
	if f.gate != nil {
		select {
		case <-f.gate:
		case <-ctx.Done():
			if f.left != nil {
				f.left <- struct{}{}
			}
			return ctx.Err()
		}
	}
	return f.err
}

// last returns the newest request.
func (f *fake) last(t *testing.T) any {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.asked) == 0 {
		t.Fatal("the service was not asked")
	}
	return f.asked[len(f.asked)-1]
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

func (f *fake) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	res := memory.StoreResult{Seq: 7, Repeats: f.repeats}
	for i := range r.Memories {
		res.Stored = append(res.Stored, memory.Stored{ID: id(i), Created: i%2 == 0})
	}
	return res, f.ask(ctx, r)
}

func (f *fake) Search(ctx context.Context, r memory.SearchRequest) (memory.SearchResult, error) {
	res := memory.SearchResult{Seq: 9, AsOf: f.asOf}
	for i, m := range f.memories[:min(r.Limit, len(f.memories))] {
		h := memory.Hit{Memory: m, Score: 10 / float64(i+1)}
		if r.Explain {
			h.Explain = map[string]float64{"words": h.Score, "age": 0.5}
		}
		res.Hits = append(res.Hits, h)
	}
	return res, f.ask(ctx, r)
}

func (f *fake) List(ctx context.Context, r memory.ListRequest) (memory.ListResult, error) {
	from, _ := strconv.Atoi(r.Cursor)
	to := min(from+r.Limit, len(f.memories))
	res := memory.ListResult{
		Memories: f.memories[from:to], Total: len(f.memories), Seq: 9, AsOf: f.asOf,
	}
	if to < len(f.memories) {
		res.NextCursor = strconv.Itoa(to)
	}
	return res, f.ask(ctx, r)
}

func (f *fake) Get(ctx context.Context, r memory.GetRequest) (memory.Memory, error) {
	if err := errors.Join(f.ask(ctx, r), f.failGet); err != nil {
		return memory.Memory{}, err
	}
	return f.memories[0], nil
}

func (f *fake) History(ctx context.Context, id string) (memory.History, error) {
	return f.history, f.ask(ctx, id)
}

func (f *fake) Update(ctx context.Context, r memory.UpdateRequest) (memory.Change, error) {
	return memory.Change{Seq: 8, Affected: []memory.ID{id(1)}, Version: 2}, f.ask(ctx, r)
}

func (f *fake) Delete(ctx context.Context, r memory.DeleteRequest) (memory.Change, error) {
	res := memory.Change{Seq: 8, DryRun: r.DryRun}
	for _, m := range f.memories {
		res.Affected = append(res.Affected, m.ID)
	}
	return res, f.ask(ctx, r)
}

func (f *fake) Undo(ctx context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	return f.undo, f.ask(ctx, r)
}

func (f *fake) Duplicates(
	ctx context.Context, r memory.DuplicatesRequest,
) (memory.DuplicatesResult, error) {
	return f.duplicates, f.ask(ctx, r)
}

func (f *fake) Link(ctx context.Context, r memory.LinkRequest) (memory.Change, error) {
	return f.link, f.ask(ctx, r)
}

// Log yields what lies between the bounds, and, with Follow, what append adds; it knows no other
// filter than the session.
func (f *fake) Log(
	ctx context.Context, r memory.LogRequest,
) iter.Seq2[memory.LogRecord, error] {
	return func(yield func(memory.LogRecord, error) bool) {
		if err := f.ask(ctx, r); err != nil {
			yield(memory.LogRecord{}, err)
			return
		}
		f.followers.Add(1)
		defer f.followers.Add(-1)
		for {
			f.mu.Lock()
			if f.more == nil {
				f.more = make(chan struct{})
			}
			all, more := f.records, f.more
			f.mu.Unlock()
			for _, rec := range all {
				if rec.Seq < r.From || r.To > 0 && rec.Seq > r.To ||
					r.Session != "" && rec.Session != r.Session {
					continue
				}
				r.From = rec.Seq + 1
				var err error
				if rec.Hash == "damaged" {
					rec, err = memory.LogRecord{}, memory.Errorf(memory.CodeDamaged, "damaged")
				}
				if !yield(rec, err) {
					return
				}
			}
			if !r.Follow {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-f.broken: // the owner ends
				yield(memory.LogRecord{}, memory.Errorf(memory.CodeBusy, "no owner"))
				return
			case <-more:
			}
		}
	}
}

// append adds a record, of which those who follow hear.
func (f *fake) append(rec memory.LogRecord) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append(f.records[:len(f.records):len(f.records)], rec)
	f.health.Seq = rec.Seq
	if f.more != nil {
		close(f.more)
	}
	f.more = make(chan struct{})
}

func (f *fake) Tags(ctx context.Context, r memory.TagsRequest) (memory.TagsResult, error) {
	return memory.TagsResult{Tags: f.tags, Seq: 9}, f.ask(ctx, r)
}

func (f *fake) Stats(ctx context.Context) (memory.StatsResult, error) {
	return f.stats, f.ask(ctx, "stats")
}

func (f *fake) Health(ctx context.Context) (memory.HealthResult, error) {
	f.mu.Lock()
	health := f.health
	f.mu.Unlock()
	return health, f.ask(ctx, "health")
}

func (f *fake) Metrics(ctx context.Context, r memory.MetricsRequest) (memory.MetricsResult, error) {
	return f.metrics, f.ask(ctx, r)
}

func (f *fake) ClearMetrics(ctx context.Context, r memory.ClearMetricsRequest) (
	memory.ClearMetricsResult, error) {
	return f.cleared, f.ask(ctx, r)
}

// id makes the n-th of a row of ids.
func id(n int) memory.ID {
	id, err := event.ParseID(fmt.Sprintf("01890a5d-ac96-774b-bcce-%012d", n))
	if err != nil {
		panic(err)
	}
	return id
}

// some makes n memories with content, newest first.
func some(n int, content string) []memory.Memory {
	var all []memory.Memory
	for i := range n {
		at := noon.Add(-time.Duration(i) * time.Hour)
		all = append(all, memory.Memory{
			ID: id(i), Content: content, Tags: []string{"a", "b"}, Type: "fact", CreatedAt: at,
			UpdatedAt: at, Version: 1, Seq: memory.Seq(n - i),
		})
	}
	return all
}

// serve serves svc on pipes and returns the client's ends. The server has ended when the test has.
func serve(t *testing.T, svc memory.Service, o Options) (io.WriteCloser, io.ReadCloser) {
	t.Helper()
	o.Now = clock
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- New(svc, o).Serve(t.Context(), inR, outW)
		outW.Close()
	}()
	t.Cleanup(func() {
		inW.Close()
		outR.Close()
		<-done
	})
	return inW, outR
}

// session opens a client session with svc, in the newest protocol both know.
func session(t *testing.T, svc memory.Service, o Options) *Client {
	t.Helper()
	return sessionAt(t, svc, o, "")
}

func sessionAt(t *testing.T, svc memory.Service, o Options, protocol string) *Client {
	t.Helper()
	in, out := serve(t, svc, o)
	c, err := connect(t.Context(), &mcp.IOTransport{Reader: out, Writer: in}, "test-agent",
		&mcp.ClientSessionOptions{ProtocolVersion: protocol})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// callTool calls a tool with arguments as JSON, and checks what must hold for every answer: a text,
// and structured content that is what the tool's output schema says, with no member beside it.
func callTool(t *testing.T, c *Client, name, arguments string) CallResult {
	t.Helper()
	params := &mcp.CallToolParams{Name: name, Arguments: json.RawMessage(arguments)}
	raw, err := c.session.CallTool(t.Context(), params)
	if err != nil {
		t.Fatalf("call %s: %v", name, err)
	}
	res, err := result(raw)
	if err != nil {
		t.Fatalf("call %s: %v", name, err)
	}
	if res.Text == "" {
		t.Errorf("%s answered no text", name)
	}
	if !res.IsError || res.Structured != nil {
		checkOutput(t, name, res.Structured)
	}
	return res
}

func checkOutput(t *testing.T, name string, structured json.RawMessage) {
	t.Helper()
	all := append(tools(), oldTools()...)
	i := slices.IndexFunc(all, func(t tool) bool { return t.name == name })
	b, err := marshal(all[i].output)
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	forbidOthers(&s)
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(structured, &v); err != nil {
		t.Fatalf("%s: structured content %q: %v", name, structured, err)
	}
	if err := r.Validate(v); err != nil {
		t.Errorf("%s: structured content is not what its schema says: %v\n%s", name, err, structured)
	}
}

// forbidOthers makes a schema refuse members it does not name.
func forbidOthers(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.Properties != nil && s.AdditionalProperties == nil {
		s.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	}
	for _, p := range s.Properties {
		forbidOthers(p)
	}
	forbidOthers(s.Items)
}

// golden compares got with a file of testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, d)
	}
}
