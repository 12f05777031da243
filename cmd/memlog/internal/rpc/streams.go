package rpc

import (
	"context"
	"sync"
)

// streams are the calls that end only when somebody wants them to: followed logs and presences.
// Its zero value is ready. Safe for concurrent use.
type streams struct {
	mu sync.Mutex
	// mu guards:
	ended  bool
	serial int
	cancel map[int]context.CancelFunc
}

// add returns a context that end ends too, and what to call when the stream is over.
func (s *streams) add(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		cancel()
		return ctx, cancel
	}
	if s.cancel == nil {
		s.cancel = map[int]context.CancelFunc{}
	}
	s.serial++
	id := s.serial
	s.cancel[id] = cancel
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.cancel, id)
	}
}

// end ends all streams, and those to come.
func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, cancel := range s.cancel {
		cancel()
	}
}
