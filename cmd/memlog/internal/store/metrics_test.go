package store

import (
	"context"
	"io"
	"iter"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"memlog/cmd/memlog/internal/memory"
)

// TestEveryCallIsCounted calls every method of the service, with requests that hold nothing, and
// finds it counted once.
func TestEveryCallIsCounted(t *testing.T) {
	s := open(t, t.TempDir())
	typ := reflect.TypeFor[memory.Service]()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		if m.Name == "Close" || m.Name == "ClearMetrics" {
			continue
		}
		before := callsOf(t, s)
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for j := 1; j < m.Type.NumIn(); j++ {
			switch a := m.Type.In(j); a {
			case reflect.TypeFor[io.Writer]():
				args = append(args, reflect.ValueOf(io.Discard))
			case reflect.TypeFor[io.Reader]():
				args = append(args, reflect.ValueOf(strings.NewReader("")))
			default:
				args = append(args, reflect.Zero(a))
			}
		}
		out := reflect.ValueOf(s).MethodByName(m.Name).Call(args)
		if records, ok := out[0].Interface().(iter.Seq2[memory.LogRecord, error]); ok {
			for range records {
			}
		}
		name := underscored(m.Name)
		after := callsOf(t, s)
		before["metrics"]++ // of callsOf itself
		before[name]++
		for op, n := range after {
			if n != before[op] {
				t.Errorf("%s: %d calls of %s were counted, want %d", m.Name, n, op, before[op])
			}
		}
		if after[name] == 0 {
			t.Errorf("%s was not counted", name)
		}
	}
}

// callsOf returns how often each method was called.
func callsOf(t *testing.T, s *Store) map[string]uint64 {
	t.Helper()
	m, err := s.Metrics(context.Background(), memory.MetricsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]uint64{}
	for _, op := range m.Total.Operations {
		out[op.Name] = op.Latency.Count
	}
	return out
}

// underscored turns SnapshotCreate into snapshot_create.
func underscored(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
