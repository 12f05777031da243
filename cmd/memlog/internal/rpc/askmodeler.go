package rpc

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

// ModelAdd implements [memory.Modeler].
func (c *Client) ModelAdd(ctx context.Context, r memory.ModelAddRequest) (
	memory.ModelInfo, error) {
	return ask[memory.ModelInfo](ctx, c, post("model-add", r, nil))
}

// ModelUse implements [memory.Modeler].
func (c *Client) ModelUse(ctx context.Context, r memory.ModelUseRequest) (
	memory.ModelsResult, error) {
	return ask[memory.ModelsResult](ctx, c, post("model-use", r, nil))
}

// Models implements [memory.Modeler].
func (c *Client) Models(ctx context.Context) (memory.ModelsResult, error) {
	return ask[memory.ModelsResult](ctx, c, post("models", nothing{}, nil))
}
