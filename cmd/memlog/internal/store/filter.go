package store

import (
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/index"
)

// filter turns a request's filter into the index's, and refuses what cannot be understood.
func filter(e session, f memory.Filter) (index.Filter, error) {
	out := index.Filter{Type: f.Type, Project: f.Project, Session: f.Session}
	tags, err := cleanTags(f.Tags)
	if err != nil {
		return out, err
	}
	out.Tags = tags
	switch f.Match {
	case "", memory.MatchAny:
	case memory.MatchAll:
		out.All = true
	default:
		return out, memory.Invalid("match", "%.40q is neither any nor all", string(f.Match)).
			WithHint("any: one of the tags is enough; all: each must be there")
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && f.Until.Before(f.Since) {
		return out, memory.Invalid("until", "it is before since (%s is before %s)",
			f.Until.Format(time.RFC3339), f.Since.Format(time.RFC3339)).
			WithHint("since is the earlier of the two")
	}
	switch f.Clock {
	case "", memory.ClockCreated:
		if !f.Since.IsZero() {
			us := micros(f.Since)
			out.CreatedFrom = &us
		}
		if !f.Until.IsZero() {
			us := micros(f.Until)
			out.CreatedTo = &us
		}
	case memory.ClockRecorded:
		return out, recordedBounds(e, f, &out)
	default:
		return out, memory.Invalid("clock", "%.40q is neither created nor recorded", string(f.Clock)).
			WithHint("created: when the fact was; recorded: when the log took it")
	}
	return out, nil
}

// noSeq is a sequence number that no log reaches: as a lower bound it selects nothing.
const noSeq = 1 << 62

// recordedBounds turns bounds of recorded time into sequence numbers.
func recordedBounds(e session, f memory.Filter, out *index.Filter) error {
	if !f.Since.IsZero() {
		before, err := e.log.SeqAt(f.Since.Add(-time.Microsecond))
		if err != nil {
			return logError(err)
		}
		out.RecordedFrom = uint64(before) + 1
	}
	if !f.Until.IsZero() {
		last, err := e.log.SeqAt(f.Until)
		if err != nil {
			return logError(err)
		}
		out.RecordedTo = uint64(last)
		if last == 0 {
			out.RecordedFrom = noSeq
		}
	}
	return nil
}

// limitOf checks a limit and fills the default in.
func limitOf(n int) (int, error) {
	switch {
	case n < 0:
		return 0, memory.Invalid("limit", "%d is negative", n).WithHint("give 1 to %d", memory.MaxLimit)
	case n > memory.MaxLimit:
		return 0, memory.Invalid("limit", "%d is more than %d", n, memory.MaxLimit).
			WithHint("list pages with cursor give the rest")
	case n == 0:
		return memory.DefaultLimit, nil
	}
	return n, nil
}
