package daemon

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

// ModelAdd implements [memory.Modeler].
func (f *front) ModelAdd(ctx context.Context, r memory.ModelAddRequest) (memory.ModelInfo, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ModelInfo, error) {
		return s.ModelAdd(ctx, r)
	})
}

// ModelUse implements [memory.Modeler].
func (f *front) ModelUse(
	ctx context.Context, r memory.ModelUseRequest,
) (memory.ModelsResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ModelsResult, error) {
		return s.ModelUse(ctx, r)
	})
}

// Models implements [memory.Modeler].
func (f *front) Models(ctx context.Context) (memory.ModelsResult, error) {
	return call(ctx, f, func(ctx context.Context, s memory.Service) (memory.ModelsResult, error) {
		return s.Models(ctx)
	})
}

// ModelAdd changes a file of the store.
func (g *guard) ModelAdd(ctx context.Context, r memory.ModelAddRequest) (memory.ModelInfo, error) {
	return guarded(g, func() (memory.ModelInfo, error) { return g.Service.ModelAdd(ctx, r) })
}

// ModelUse changes a file of the store.
func (g *guard) ModelUse(
	ctx context.Context, r memory.ModelUseRequest,
) (memory.ModelsResult, error) {
	return guarded(g, func() (memory.ModelsResult, error) { return g.Service.ModelUse(ctx, r) })
}
