package torture

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// ledger is what the clients asked for and were told. Its fields may be read without mu once the
// clients have ended.
type ledger struct {
	mu      sync.Mutex
	issued  map[string]string     // request id -> operation
	acked   map[string]memory.Seq // request id -> the record it was told
	refused map[string]bool       // request ids that were answered with a conflict
	stored  map[string]string     // operation -> id of the memory it was told
	took    []time.Duration       // of acknowledged writes
	errors  int
	said    []string
}

func newLedger() ledger {
	return ledger{issued: map[string]string{}, acked: map[string]memory.Seq{},
		refused: map[string]bool{}, stored: map[string]string{}}
}

// issue notes a request before it is sent.
func (l *ledger) issue(request, op string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.issued[request] = op
}

// ack notes an acknowledgement; id is set where a memory was stored.
func (l *ledger) ack(request, op, id string, seq memory.Seq, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[request] = seq
	l.took = append(l.took, took)
	if id != "" {
		l.stored[op] = id
	}
}

// refuse notes that a request was answered with a conflict.
func (l *ledger) refuse(request string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[request] = true
}

// wrong notes an error that a client was shown, or an answer that cannot be.
func (l *ledger) wrong(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors++
	if len(l.said) < maxFindings {
		l.said = append(l.said, fmt.Sprintf(format, args...))
	}
}

// mark is the metadata of the memories of a run: the operation that wrote them, and the counter.
type mark struct {
	Op    string `json:"op"`
	Count int    `json:"count"`
}

func readMark(metadata json.RawMessage) mark {
	var m mark
	_ = json.Unmarshal(metadata, &m) // other metadata is of no operation
	return m
}

func opOf(metadata json.RawMessage) string { return readMark(metadata).Op }
func countOf(metadata json.RawMessage) int { return readMark(metadata).Count }
