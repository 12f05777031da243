package rpc

import (
	"context"
	"fmt"
	"net/http"

	"memlog/cmd/memlog/internal/memory"
)

// ask sends a request and returns the answer: a result, an error, or both.
func ask[R any](ctx context.Context, c *Client, r request) (R, error) {
	var zero R
	end, err := c.begin()
	if err != nil {
		return zero, err
	}
	defer end()
	ex, err := c.send(ctx, r)
	if err != nil {
		return zero, err
	}
	defer ex.close()
	return finish[R](ex, func(frame) error { return nil })
}

// finish reads an answer to its end. Frames that are neither progress nor the end go to other.
func finish[R any](ex *exchange, other func(frame) error) (R, error) {
	var res R
	for {
		f, err := ex.next()
		if err != nil {
			return res, err
		}
		switch {
		case f.End:
			if f.Result != nil {
				if err := decode(f.Result, &res, false); err != nil {
					return res, fmt.Errorf("%s: read answer: %w", ex.req.method, err)
				}
			}
			return res, f.Error.err()
		case f.Progress != nil:
			if ex.req.progress != nil {
				ex.req.progress(f.Progress.Stage, f.Progress.Done, f.Progress.Total)
			}
		default:
			if err := other(f); err != nil {
				return res, err
			}
		}
	}
}

// post is a request of a method.
func post(method string, q any, p memory.Progress) request {
	return request{http: http.MethodPost, method: method, body: appendJSON(nil, q), progress: p}
}

// Search implements [memory.Reader].
func (c *Client) Search(ctx context.Context, r memory.SearchRequest) (memory.SearchResult, error) {
	return ask[memory.SearchResult](ctx, c, post("search", r, nil))
}

// List implements [memory.Reader].
func (c *Client) List(ctx context.Context, r memory.ListRequest) (memory.ListResult, error) {
	return ask[memory.ListResult](ctx, c, post("list", r, nil))
}

// Get implements [memory.Reader].
func (c *Client) Get(ctx context.Context, r memory.GetRequest) (memory.Memory, error) {
	return ask[memory.Memory](ctx, c, post("get", r, nil))
}

// History implements [memory.Reader].
func (c *Client) History(ctx context.Context, id string) (memory.History, error) {
	return ask[memory.History](ctx, c, post("history", byName{id}, nil))
}

// Tags implements [memory.Reader].
func (c *Client) Tags(ctx context.Context, r memory.TagsRequest) (memory.TagsResult, error) {
	return ask[memory.TagsResult](ctx, c, post("tags", r, nil))
}

// Stats implements [memory.Reader].
func (c *Client) Stats(ctx context.Context) (memory.StatsResult, error) {
	return ask[memory.StatsResult](ctx, c, post("stats", nothing{}, nil))
}

// Health implements [memory.Reader].
func (c *Client) Health(ctx context.Context) (memory.HealthResult, error) {
	return ask[memory.HealthResult](ctx, c, post("health", nothing{}, nil))
}

// Store implements [memory.Writer].
func (c *Client) Store(ctx context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	return ask[memory.StoreResult](ctx, c, post("store", r, nil))
}

// Update implements [memory.Writer].
func (c *Client) Update(ctx context.Context, r memory.UpdateRequest) (memory.Change, error) {
	return ask[memory.Change](ctx, c, post("update", r, nil))
}

// Delete implements [memory.Writer].
func (c *Client) Delete(ctx context.Context, r memory.DeleteRequest) (memory.Change, error) {
	return ask[memory.Change](ctx, c, post("delete", r, nil))
}

// Restore implements [memory.Writer].
func (c *Client) Restore(ctx context.Context, r memory.RestoreRequest) (memory.Change, error) {
	return ask[memory.Change](ctx, c, post("restore", r, nil))
}

// Link implements [memory.Writer].
func (c *Client) Link(ctx context.Context, r memory.LinkRequest) (memory.Change, error) {
	return ask[memory.Change](ctx, c, post("link", r, nil))
}

// Duplicates implements [memory.Writer].
func (c *Client) Duplicates(ctx context.Context, r memory.DuplicatesRequest) (
	memory.DuplicatesResult, error) {
	return ask[memory.DuplicatesResult](ctx, c, post("duplicates", r, nil))
}

// Undo implements [memory.Historian].
func (c *Client) Undo(ctx context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	return ask[memory.UndoResult](ctx, c, post("undo", r, nil))
}

// Revert implements [memory.Historian].
func (c *Client) Revert(ctx context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	return ask[memory.RevertResult](ctx, c, post("revert", r, nil))
}

// Replay implements [memory.Historian].
func (c *Client) Replay(ctx context.Context, r memory.ReplayRequest) (memory.ReplayResult, error) {
	return ask[memory.ReplayResult](ctx, c, post("replay", r, r.Progress))
}

// Moments implements [memory.Historian].
func (c *Client) Moments(ctx context.Context) (memory.Moments, error) {
	return ask[memory.Moments](ctx, c, post("moments", nothing{}, nil))
}
