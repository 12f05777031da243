package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"memlog/cmd/memlog/internal/memory"
)

// TestEveryMethod calls every method of the service with a full request. What arrives there, what
// comes back, the error with it and the progress before it are compared whole.
func TestEveryMethod(t *testing.T) {
	svc := &fake{}
	c := pair(t, svc, ServerOptions{})
	typ := reflect.TypeFor[memory.Service]()
	tried := 0
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		switch m.Name {
		case "Log", "Export", "Import", "Close":
			continue // tests of their own
		}
		tried++
		t.Run(m.Name, func(t *testing.T) { callFully(t, svc, c, m) })
	}
	if tried != len(calls()) {
		t.Errorf("%d methods of the service, %d on the wire", tried, len(calls()))
	}
}

func callFully(t *testing.T, svc *fake, c *Client, m reflect.Method) {
	var told []string
	args := []reflect.Value{reflect.ValueOf(context.Background())}
	var sent any
	long := false
	if m.Type.NumIn() > 1 {
		q := reflect.New(m.Type.In(1)).Elem()
		new(filler).fill(q)
		sent = q.Interface()
		if q.Kind() == reflect.Struct {
			if p := q.FieldByName("Progress"); p.IsValid() {
				long = true
				p.Set(reflect.ValueOf(memory.Progress(func(stage string, done, total int64) {
					told = append(told, fmt.Sprint(stage, done, total))
				})))
				sent = q.Interface()
			}
		}
		args = append(args, q)
	}
	out := reflect.ValueOf(c).MethodByName(m.Name).Call(args)
	if d := cmp.Diff(svc.asked[m.Name], sent, sameValue); d != "" {
		t.Errorf("request (-got +sent):\n%s", d)
	}
	want := reflect.New(m.Type.Out(0)).Elem()
	new(filler).fill(want)
	if d := cmp.Diff(out[0].Interface(), want.Interface(), sameValue); d != "" {
		t.Errorf("result (-got +sent):\n%s", d)
	}
	sameError(t, out[1].Interface().(error), errFull)
	if want := []string{"begin0 2", "go on1 2", "go on2 2"}; long && !cmp.Equal(told, want) {
		t.Errorf("progress %q, want %q", told, want)
	}
}

// sameError compares all fields of two errors of the contract.
func sameError(t *testing.T, got error, want *memory.Error) {
	t.Helper()
	e, ok := got.(*memory.Error)
	if !ok {
		t.Fatalf("error %#v", got)
	}
	if e.Code != want.Code || e.Arg != want.Arg || e.Msg != want.Msg || e.Hint != want.Hint {
		t.Errorf("error %#v, want %#v", e, want)
	}
}

func TestErrors(t *testing.T) {
	var is error
	c := pair(t, &fake{onSearch: func(context.Context, memory.SearchRequest) (memory.SearchResult,
		error) {
		return memory.SearchResult{}, is
	}}, ServerOptions{})
	ask := func() error {
		_, err := c.Search(context.Background(), memory.SearchRequest{})
		return err
	}
	for _, code := range []memory.Code{memory.CodeFailed, memory.CodeInvalid, memory.CodeDamaged,
		memory.CodeNotFound, memory.CodeConflict, memory.CodeBusy, "of tomorrow"} {
		e := &memory.Error{Code: code, Arg: "arg" + hostile, Msg: "msg" + hostile,
			Hint: "h" + hostile}
		is = e
		sameError(t, ask(), e)
		is = fmt.Errorf("around: %w", e)
		if err := ask(); err.Error() != is.Error() || memory.CodeOf(err) != code {
			t.Errorf("wrapped error: %q (%s), want %q", err, memory.CodeOf(err), is)
		}
	}
	is = fmt.Errorf("plain\n%s", hostile)
	sameError(t, ask(), &memory.Error{Code: memory.CodeFailed, Msg: is.Error()})
	if is = nil; ask() != nil {
		t.Errorf("no error became %v", ask())
	}
}

func TestLogOverTheWire(t *testing.T) {
	svc := &fake{}
	c := pair(t, svc, ServerOptions{})
	want := filled[memory.LogRequest]()
	for _, want.Follow = range []bool{false, true} {
		var recs []memory.LogRecord
		var errs []string
		for rec, err := range c.Log(context.Background(), want) {
			recs, errs = append(recs, rec), append(errs, fmt.Sprint(err))
		}
		full := filled[memory.LogRecord]()
		if d := cmp.Diff(recs, []memory.LogRecord{full, full, {}}, sameValue); d != "" {
			t.Errorf("records (-got +sent):\n%s", d)
		}
		if d := cmp.Diff(errs, []string{"<nil>", errFull.Error(), "plain"}); d != "" {
			t.Errorf("errors (-got +sent):\n%s", d)
		}
		if d := cmp.Diff(svc.asked["Log"], any(want), sameValue); d != "" {
			t.Errorf("request (-got +sent):\n%s", d)
		}
	}
	for range c.Log(context.Background(), want) {
		break
	}
}

func TestExportOverTheWire(t *testing.T) {
	svc := &fake{}
	c := pair(t, svc, ServerOptions{})
	q := filled[memory.ExportRequest]()
	told := 0
	q.Progress = func(string, int64, int64) { told++ }
	var b bytes.Buffer
	res, err := c.Export(context.Background(), &b, q)
	sameError(t, err, errFull)
	if d := cmp.Diff(res, filled[memory.ExportResult](), sameValue); d != "" {
		t.Errorf("result (-got +sent):\n%s", d)
	}
	if d := cmp.Diff(svc.asked["Export"], any(q), sameValue); d != "" {
		t.Errorf("request (-got +sent):\n%s", d)
	}
	if b.String() != exported || told != 3 {
		t.Errorf("exported %q, want %q; progress %d times", b.String(), exported, told)
	}
	_, err = c.Export(context.Background(), failing{}, q)
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("a writer that fails: %v", err)
	}
	if _, err := c.Stats(context.Background()); memory.CodeOf(err) != memory.CodeConflict {
		t.Errorf("the call after it: %v", err)
	}
}

func TestImportOverTheWire(t *testing.T) {
	svc := &fake{}
	c := pair(t, svc, ServerOptions{})
	q := filled[memory.ImportRequest]()
	told := 0
	q.Progress = func(string, int64, int64) { told++ }
	for _, n := range []int{0, 1, 1000} {
		text := strings.Repeat(exported, n*100)
		res, err := c.Import(context.Background(), strings.NewReader(text), q)
		sameError(t, err, errFull)
		want := filled[memory.ImportResult]()
		want.Group = text
		if d := cmp.Diff(res, want, sameValue); d != "" {
			t.Errorf("result (-got +sent):\n%.1000s", d)
		}
	}
	if d := cmp.Diff(svc.asked["Import"], any(q), sameValue); d != "" || told != 9 {
		t.Errorf("request (-got +sent), progress %d times:\n%s", told, d)
	}
	_, err := c.Import(context.Background(), failing{}, q)
	if err == nil || !strings.Contains(err.Error(), "disk broken") {
		t.Errorf("a source that fails: %v", err)
	}
}

// failing is a writer and a reader that fail after a while.
type failing struct{}

func (failing) Write([]byte) (int, error)  { return 0, fmt.Errorf("disk full") }
func (failing) Read(p []byte) (int, error) { return copy(p, "{}\n"), fmt.Errorf("disk broken") }

// TestBrokenFrames takes no body that lacks its last frame for a whole one, also where HTTP finds
// nothing wrong with it.
func TestBrokenFrames(t *testing.T) {
	whole := string(appendFrame(nil, frame{Chunk: 3})) + "abc" +
		string(appendFrame(nil, frame{End: true}))
	for n := range len(whole) + 1 {
		src := &unframedSource{frames: newFrameReader(strings.NewReader(whole[:n]), -1),
			deadline: func(time.Duration) {}}
		text, err := io.ReadAll(src)
		if n < len(whole) && err == nil || n == len(whole) && (err != nil || string(text) != "abc") {
			t.Errorf("%d of %d bytes: %q, %v", n, len(whole), text, err)
		}
		fr := newFrameReader(strings.NewReader(whole[:n]), -1)
		for err = nil; err == nil; {
			var f frame
			if f, err = fr.next(0); err == nil && f.End {
				break
			}
			if _, short := io.CopyN(io.Discard, fr.r, f.Chunk); short != nil {
				err = io.ErrUnexpectedEOF
			}
		}
		if n < len(whole) && !errors.Is(err, io.ErrUnexpectedEOF) || n == len(whole) && err != nil {
			t.Errorf("frames of %d of %d bytes: %v", n, len(whole), err)
		}
	}
	for _, bad := range []string{"{\"chunk\":-1}\n", "{\"end\":1}\n", "no JSON\n",
		strings.Repeat(" ", maxFrame) + whole} {
		src := &unframedSource{frames: newFrameReader(strings.NewReader(bad), -1),
			deadline: func(time.Duration) {}}
		if text, err := io.ReadAll(src); err == nil {
			t.Errorf("%.20q: %q", bad, text)
		}
	}
}
