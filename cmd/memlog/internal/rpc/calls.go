package rpc

import (
	"context"
	"errors"
	"net/http"

	"memlog/cmd/memlog/internal/memory"
)

// handler carries out one method: it decodes the request and calls the service. What it returns is
// the encoded result, to be sent with the error; the result is nil where the request was refused.
type handler func(context.Context, memory.Service, []byte, memory.Progress) (span, error)

// calls are the methods that are one request and one answer, by their names on the wire.
func calls() map[string]handler {
	return map[string]handler{
		"search":  plain(memory.Service.Search),
		"list":    plain(memory.Service.List),
		"get":     plain(memory.Service.Get),
		"history": named(memory.Service.History),
		"tags":    plain(memory.Service.Tags),
		"stats":   bare(memory.Service.Stats),
		"health":  bare(memory.Service.Health),

		"store":      plain(memory.Service.Store),
		"update":     plain(memory.Service.Update),
		"delete":     plain(memory.Service.Delete),
		"restore":    plain(memory.Service.Restore),
		"link":       plain(memory.Service.Link),
		"duplicates": plain(memory.Service.Duplicates),

		"undo":    plain(memory.Service.Undo),
		"revert":  plain(memory.Service.Revert),
		"moments": bare(memory.Service.Moments),
		"replay": long(memory.Service.Replay,
			func(r *memory.ReplayRequest, p memory.Progress) { r.Progress = p }),

		"verify": long(memory.Service.Verify,
			func(r *memory.VerifyRequest, p memory.Progress) { r.Progress = p }),
		"repair": long(memory.Service.Repair,
			func(r *memory.RepairRequest, p memory.Progress) { r.Progress = p }),
		"rebuild": long(memory.Service.Rebuild,
			func(r *memory.RebuildRequest, p memory.Progress) { r.Progress = p }),
		"archive": long(memory.Service.Archive,
			func(r *memory.ArchiveRequest, p memory.Progress) { r.Progress = p }),
		"archive-list":     bare(memory.Service.ArchiveList),
		"archive-verify":   bare(memory.Service.ArchiveVerify),
		"archive-restore":  bare(memory.Service.ArchiveRestore),
		"snapshot-create":  bare(memory.Service.SnapshotCreate),
		"snapshot-list":    bare(memory.Service.SnapshotList),
		"snapshot-prune":   plain(memory.Service.SnapshotPrune),
		"snapshot-restore": named(memory.Service.SnapshotRestore),

		"metrics":       plain(memory.Service.Metrics),
		"metrics-clear": plain(memory.Service.ClearMetrics),

		"models":    bare(memory.Service.Models),
		"model-add": plain(memory.Service.ModelAdd),
		"model-use": plain(memory.Service.ModelUse),
	}
}

// plain handles a method that takes a request.
func plain[Q, R any](f func(memory.Service, context.Context, Q) (R, error)) handler {
	return long(f, func(*Q, memory.Progress) {})
}

// long handles a method whose request has a place for a progress callback.
func long[Q, R any](f func(memory.Service, context.Context, Q) (R, error),
	with func(*Q, memory.Progress)) handler {
	return func(ctx context.Context, svc memory.Service, body []byte, p memory.Progress) (
		span, error) {
		var q Q
		if err := decodeRequest(body, &q); err != nil {
			return nil, err
		}
		with(&q, p)
		res, err := f(svc, ctx, q)
		return appendJSON(nil, res), err
	}
}

// bare handles a method that takes nothing.
func bare[R any](f func(memory.Service, context.Context) (R, error)) handler {
	return plain(func(svc memory.Service, ctx context.Context, _ nothing) (R, error) {
		return f(svc, ctx)
	})
}

// named handles a method that takes a name or an id.
func named[R any](f func(memory.Service, context.Context, string) (R, error)) handler {
	return plain(func(svc memory.Service, ctx context.Context, q byName) (R, error) {
		return f(svc, ctx, q.Name)
	})
}

// decodeRequest reads a request; all that is wrong with one is the caller's fault.
func decodeRequest(body []byte, q any) error {
	err := decode(body, q, true)
	var unknown *unknownField
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return memory.Invalid(unknown.name, "%w", err).
			WithHint("the owner is another version than this program; memlog stop lets it go")
	}
	return memory.Errorf(memory.CodeInvalid, "decode request: %w", err).
		WithHint("the body is the request of the method as JSON; see the documentation of the wire")
}

// statusMisdirected answers a client that greeted another run of the server, or one that is
// leaving: nothing was carried out, and the client's owner is gone.
const statusMisdirected = http.StatusMisdirectedRequest
