package daemon

import (
	"context"
	"errors"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// StatusInfo is what is known of the owner of a store. Without Running only Store is set.
type StatusInfo struct {
	Running   bool                `json:"running"`
	Store     string              `json:"store"`
	PID       int                 `json:"pid,omitempty"`
	Version   string              `json:"version,omitempty"`
	Since     time.Time           `json:"since,omitzero"`
	Clients   []memory.ClientInfo `json:"clients"`           // without who asks
	Calls     int                 `json:"calls"`             // under way
	LastSeq   memory.Seq          `json:"last_seq,omitzero"` // only an owner knows it
	Watermark memory.Seq          `json:"watermark,omitzero"`
	Window    *Activity           `json:"window,omitempty"` // the last hour
	// Models says which embedding model is used and how far it has come; nil where none is known.
	Models *memory.ModelsResult `json:"models,omitempty"`
}

// Activity is what a store was asked for, from the start of an hour to now.
type Activity struct {
	Since    time.Time `json:"since"`
	Calls    uint64    `json:"calls"`
	Errors   uint64    `json:"errors"` // calls that ended with one
	Stores   uint64    `json:"stores"`
	StoreP99 float64   `json:"store_p99_seconds"` // 99 of 100 stores took no longer
}

// activity sums up what was counted.
func activity(c memory.Counters) *Activity {
	a := &Activity{Since: c.Since}
	for _, op := range c.Operations {
		a.Calls += op.Latency.Count
		a.Errors += op.Failed()
		if op.Name == "store" {
			a.Stores, a.StoreP99 = op.Latency.Count, op.Latency.P99
		}
	}
	return a
}

// Status asks the owner how it is; it starts none, and does not have an older one hand over. To the
// owner it is a client for that moment: one that is looked at often does not become idle. An
// owner that does not answer within the deadline is an error with CodeBusy that names its process,
// beside a status that says that it runs and, where the platform tells, as which process.
func Status(ctx context.Context, o Options) (StatusInfo, error) {
	o = o.withDefaults()
	st := StatusInfo{Store: o.Store, Clients: []memory.ClientInfo{}}
	ctx, cancel := context.WithTimeout(ctx, max(o.Deadline, minAnswer))
	defer cancel()
	c, _, err := reach(ctx, o)
	if c == nil || err != nil {
		if memory.CodeOf(err) == memory.CodeBusy {
			st.Running, st.PID = true, rpc.OwnerOf(err)
		}
		return st, err
	}
	defer c.Close()
	h := c.Owner()
	st.Running, st.PID, st.Version, st.Since, st.Calls = true, h.PID, h.Build, h.Since, h.Calls
	st.Clients = append(st.Clients, h.Clients...) // of the greeting: before this one joined
	m, err := c.Metrics(ctx, memory.MetricsRequest{})
	if errors.Is(err, rpc.ErrUnreachable) { // it has just left
		return StatusInfo{Store: o.Store, Clients: []memory.ClientInfo{}}, nil
	}
	if err != nil {
		return st, err
	}
	st.LastSeq, st.Watermark, st.Window = m.Seq, m.Watermark, activity(m.Window)
	switch models, err := c.Models(ctx); { // an older owner knows of none
	case err == nil && len(models.Models) > 0:
		st.Models = &models
	case memory.CodeOf(err) == memory.CodeDamaged:
		st.Models = &memory.ModelsResult{Error: err.Error()}
	}
	return st, nil
}

// Stop has the owner leave, and returns when the store is closed and its lock free. The calls under
// way end first. It does nothing where there is no owner.
func Stop(ctx context.Context, o Options) error {
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, max(o.Deadline, minAnswer))
	defer cancel()
	c, path, err := reach(ctx, o)
	if c == nil || err != nil {
		return err
	}
	_ = c.Close()
	err = ask(ctx, path, controlRequest{Verb: verbStop, Version: o.Version})
	if errors.Is(err, rpc.ErrUnreachable) { // it has just left
		return nil
	}
	return err
}

// StopLate is Stop, and stops also an owner that comes within SpawnWait: a window that has ended
// may have started one that does not serve yet. It always takes that long.
func StopLate(ctx context.Context, o Options) error {
	for late := newWait(SpawnWait); ; {
		if err := Stop(ctx, o); err != nil || !late.more(ctx) {
			return err
		}
	}
}

// reach connects to the owner where there is one, and says at which path. An owner that holds
// another store is none: the address in a store that was copied or moved is that of the store it
// came from.
func reach(ctx context.Context, o Options) (*rpc.Client, string, error) {
	for _, path := range o.places() {
		c, err := rpc.Dial(ctx, path, o.Client)
		if err == nil && o.heldBy(c.Owner()) {
			return c, path, nil
		}
		if err == nil {
			o.Logger.Debug("an owner of another store answers", "store", o.Store, "socket", path,
				"holds", c.Owner().Store)
			_ = c.Close()
			continue
		}
		if !errors.Is(err, rpc.ErrUnreachable) {
			return nil, path, err
		}
	}
	return nil, "", nil
}
