package daemon

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

// Metrics implements [memory.Meter].
func (f *front) Metrics(
	ctx context.Context, r memory.MetricsRequest,
) (memory.MetricsResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.MetricsResult, error) {
		return s.Metrics(ctx, r)
	})
}

// ClearMetrics implements [memory.Meter].
func (f *front) ClearMetrics(
	ctx context.Context, r memory.ClearMetricsRequest,
) (memory.ClearMetricsResult, error) {
	return call(ctx, f,
		func(ctx context.Context, s memory.Service) (memory.ClearMetricsResult, error) {
			return s.ClearMetrics(ctx, r)
		})
}

// Metrics adds who is connected, which the store does not know.
func (g *guard) Metrics(
	ctx context.Context, r memory.MetricsRequest,
) (memory.MetricsResult, error) {
	m, err := g.Service.Metrics(ctx, r)
	if err == nil {
		m.Clients, m.Calls = g.w.srv.Clients(), g.w.srv.Calls()
	}
	return m, err
}

// ClearMetrics changes a file of the store.
func (g *guard) ClearMetrics(
	ctx context.Context, r memory.ClearMetricsRequest,
) (memory.ClearMetricsResult, error) {
	return guarded(g, func() (memory.ClearMetricsResult, error) {
		return g.Service.ClearMetrics(ctx, r)
	})
}
