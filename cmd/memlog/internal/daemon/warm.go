package daemon

import (
	"context"
	"os"
	"path/filepath"

	"memlog/cmd/memlog/internal/memory"
	"memlog/cmd/memlog/internal/rpc"
)

// Warm has a service of [Front] find or start the owner now, in the background, so that the first
// call need not wait for that. who calls through it is what an owner is told from the next
// connection on. Warm returns at once. Where there is no store yet it looks for no owner: only a
// call makes one. An error is left to the first call, which meets it too. Other services need no
// warming.
func Warm(svc memory.Service, who rpc.ClientOptions) {
	f, ok := svc.(*front)
	if !ok {
		return
	}
	f.mu.Lock()
	who.Allow = f.who.Allow
	f.who = who
	f.mu.Unlock()
	if _, err := os.Stat(filepath.Join(f.o.Store, lockName)); err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended.Err() == nil {
		f.leaves.Add(1)
		go f.warm()
	}
}

// warm connects. Close ends it.
func (f *front) warm() {
	defer f.leaves.Done()
	if _, err := f.connect(context.Background()); err != nil {
		f.o.Logger.Debug("look for the owner before the first call", "err", err)
	}
}
