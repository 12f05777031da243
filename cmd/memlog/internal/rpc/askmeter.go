package rpc

import (
	"context"

	"memlog/cmd/memlog/internal/memory"
)

// Metrics implements [memory.Meter].
func (c *Client) Metrics(ctx context.Context, r memory.MetricsRequest) (
	memory.MetricsResult, error) {
	return ask[memory.MetricsResult](ctx, c, post("metrics", r, nil))
}

// ClearMetrics implements [memory.Meter].
func (c *Client) ClearMetrics(ctx context.Context, r memory.ClearMetricsRequest) (
	memory.ClearMetricsResult, error) {
	return ask[memory.ClearMetricsResult](ctx, c, post("metrics-clear", r, nil))
}
