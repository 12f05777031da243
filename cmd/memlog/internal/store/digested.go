package store

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
	"memlog/projection"
	"memlog/wal/event"
)

// DigestEvery is the distance, in records, at which the state digest is noted in the log, so that
// every later replay can be held against it.
const DigestEvery = 1000

// noteDigest notes the state digest behind every DigestEvery-th record. It is bookkeeping: where it
// fails, the command that was just answered for stands, and the next one notes it.
func (s *Store) noteDigest(ctx context.Context, seq memory.Seq) {
	if seq%DigestEvery != 0 {
		return
	}
	if err := s.appendDigest(ctx); err != nil {
		s.o.Logger.Warn("note state digest", "err", err)
	}
}

// appendDigest notes the state as it is now.
func (s *Store) appendDigest(ctx context.Context) error {
	_, err := s.append(ctx, command{
		name: "digest", origin: memory.Origin{Client: "memlog", ClientVersion: s.o.Version},
		decide: func(v *index.View) ([]event.Event, error) {
			state, err := v.StateDigest()
			if err != nil {
				return nil, err
			}
			return []event.Event{event.Digested{Version: projection.StateDigestVersion,
				Seq: v.Seq(), Digest: state[:]}}, nil
		},
	})
	return err
}
