package rpc

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"memlog/cmd/memlog/internal/memory"
)

// fake is a service that writes down what it is asked and answers with full values. The functions
// that are set answer instead.
type fake struct {
	memory.Service // nil: a method that is missing here panics
	plain          bool
	onSearch       func(context.Context, memory.SearchRequest) (memory.SearchResult, error)
	onLog          func(context.Context, func(memory.LogRecord, error) bool)
	onExport       func(context.Context, io.Writer) error
	onImport       func(context.Context, io.Reader) (memory.ImportResult, error)

	mu    sync.Mutex
	asked map[string]any // guarded by mu
}

// errFull comes with every answer of a fake, to show that both arrive.
var errFull = memory.Errorf(memory.CodeConflict, "left \"alone\"\n\xff").
	WithHint("use %s", "--force")

func reply[R any](f *fake, method string, q any, p memory.Progress) (R, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked == nil {
		f.asked = map[string]any{}
	}
	f.asked[method] = q
	if p != nil {
		p("begin", 0, 2)
		p("go on", 1, 2)
		p("go on", 2, 2)
	}
	if f.plain {
		return filledBy[R](&filler{plain: true}), memory.Errorf(memory.CodeConflict, "left alone").
			WithHint("use --force")
	}
	return filled[R](), errFull
}

func (f *fake) Search(ctx context.Context, r memory.SearchRequest) (memory.SearchResult, error) {
	if f.onSearch != nil {
		return f.onSearch(ctx, r)
	}
	return reply[memory.SearchResult](f, "Search", r, nil)
}

func (f *fake) List(_ context.Context, r memory.ListRequest) (memory.ListResult, error) {
	return reply[memory.ListResult](f, "List", r, nil)
}

func (f *fake) Get(_ context.Context, r memory.GetRequest) (memory.Memory, error) {
	return reply[memory.Memory](f, "Get", r, nil)
}

func (f *fake) History(_ context.Context, id string) (memory.History, error) {
	return reply[memory.History](f, "History", id, nil)
}

func (f *fake) Tags(_ context.Context, r memory.TagsRequest) (memory.TagsResult, error) {
	return reply[memory.TagsResult](f, "Tags", r, nil)
}

func (f *fake) Stats(context.Context) (memory.StatsResult, error) {
	return reply[memory.StatsResult](f, "Stats", nil, nil)
}

func (f *fake) Health(context.Context) (memory.HealthResult, error) {
	return reply[memory.HealthResult](f, "Health", nil, nil)
}

func (f *fake) Store(_ context.Context, r memory.StoreRequest) (memory.StoreResult, error) {
	return reply[memory.StoreResult](f, "Store", r, nil)
}

func (f *fake) Update(_ context.Context, r memory.UpdateRequest) (memory.Change, error) {
	return reply[memory.Change](f, "Update", r, nil)
}

func (f *fake) Delete(_ context.Context, r memory.DeleteRequest) (memory.Change, error) {
	return reply[memory.Change](f, "Delete", r, nil)
}

func (f *fake) Restore(_ context.Context, r memory.RestoreRequest) (memory.Change, error) {
	return reply[memory.Change](f, "Restore", r, nil)
}

func (f *fake) Link(_ context.Context, r memory.LinkRequest) (memory.Change, error) {
	return reply[memory.Change](f, "Link", r, nil)
}

func (f *fake) Duplicates(_ context.Context, r memory.DuplicatesRequest) (
	memory.DuplicatesResult, error) {
	return reply[memory.DuplicatesResult](f, "Duplicates", r, nil)
}

func (f *fake) Undo(_ context.Context, r memory.UndoRequest) (memory.UndoResult, error) {
	return reply[memory.UndoResult](f, "Undo", r, nil)
}

func (f *fake) Revert(_ context.Context, r memory.RevertRequest) (memory.RevertResult, error) {
	return reply[memory.RevertResult](f, "Revert", r, nil)
}

func (f *fake) Replay(_ context.Context, r memory.ReplayRequest) (memory.ReplayResult, error) {
	return reply[memory.ReplayResult](f, "Replay", r, r.Progress)
}

func (f *fake) Moments(context.Context) (memory.Moments, error) {
	return reply[memory.Moments](f, "Moments", nil, nil)
}

func (f *fake) Verify(_ context.Context, r memory.VerifyRequest) (memory.VerifyResult, error) {
	return reply[memory.VerifyResult](f, "Verify", r, r.Progress)
}

func (f *fake) Repair(_ context.Context, r memory.RepairRequest) (memory.RepairResult, error) {
	return reply[memory.RepairResult](f, "Repair", r, r.Progress)
}

func (f *fake) Rebuild(_ context.Context, r memory.RebuildRequest) (memory.RebuildResult, error) {
	return reply[memory.RebuildResult](f, "Rebuild", r, r.Progress)
}

func (f *fake) SnapshotCreate(context.Context) (memory.SnapshotInfo, error) {
	return reply[memory.SnapshotInfo](f, "SnapshotCreate", nil, nil)
}

func (f *fake) SnapshotList(context.Context) ([]memory.SnapshotInfo, error) {
	return reply[[]memory.SnapshotInfo](f, "SnapshotList", nil, nil)
}

func (f *fake) SnapshotPrune(_ context.Context, r memory.PruneRequest) (memory.PruneResult, error) {
	return reply[memory.PruneResult](f, "SnapshotPrune", r, nil)
}

func (f *fake) SnapshotRestore(_ context.Context, name string) (memory.RebuildResult, error) {
	return reply[memory.RebuildResult](f, "SnapshotRestore", name, nil)
}

func (f *fake) Archive(_ context.Context, r memory.ArchiveRequest) (memory.ArchiveResult, error) {
	return reply[memory.ArchiveResult](f, "Archive", r, r.Progress)
}

func (f *fake) ArchiveList(context.Context) (memory.ArchiveResult, error) {
	return reply[memory.ArchiveResult](f, "ArchiveList", nil, nil)
}

func (f *fake) ArchiveVerify(context.Context) (memory.ArchiveResult, error) {
	return reply[memory.ArchiveResult](f, "ArchiveVerify", nil, nil)
}

func (f *fake) ArchiveRestore(context.Context) (memory.ArchiveResult, error) {
	return reply[memory.ArchiveResult](f, "ArchiveRestore", nil, nil)
}

func (f *fake) Metrics(_ context.Context, r memory.MetricsRequest) (memory.MetricsResult, error) {
	return reply[memory.MetricsResult](f, "Metrics", r, nil)
}

func (f *fake) ClearMetrics(_ context.Context, r memory.ClearMetricsRequest) (
	memory.ClearMetricsResult, error) {
	return reply[memory.ClearMetricsResult](f, "ClearMetrics", r, nil)
}

func (f *fake) Models(context.Context) (memory.ModelsResult, error) {
	return reply[memory.ModelsResult](f, "Models", nil, nil)
}

func (f *fake) ModelAdd(_ context.Context, r memory.ModelAddRequest) (memory.ModelInfo, error) {
	return reply[memory.ModelInfo](f, "ModelAdd", r, nil)
}

func (f *fake) ModelUse(_ context.Context, r memory.ModelUseRequest) (memory.ModelsResult, error) {
	return reply[memory.ModelsResult](f, "ModelUse", r, nil)
}

func (f *fake) Log(ctx context.Context, r memory.LogRequest) iter.Seq2[memory.LogRecord, error] {
	return func(yield func(memory.LogRecord, error) bool) {
		if f.onLog != nil {
			f.onLog(ctx, yield)
			return
		}
		rec, err := reply[memory.LogRecord](f, "Log", r, nil)
		if yield(rec, nil) && yield(rec, err) {
			yield(memory.LogRecord{}, errors.New("plain"))
		}
	}
}

func (f *fake) Export(ctx context.Context, w io.Writer, r memory.ExportRequest) (
	memory.ExportResult, error) {
	if f.onExport != nil {
		return memory.ExportResult{}, f.onExport(ctx, w)
	}
	if _, err := io.WriteString(w, exported); err != nil {
		return memory.ExportResult{}, err
	}
	return reply[memory.ExportResult](f, "Export", r, r.Progress)
}

func (f *fake) Import(ctx context.Context, src io.Reader, r memory.ImportRequest) (
	memory.ImportResult, error) {
	if f.onImport != nil {
		return f.onImport(ctx, src)
	}
	text, err := io.ReadAll(src)
	if err != nil {
		return memory.ImportResult{}, err
	}
	res, err := reply[memory.ImportResult](f, "Import", r, r.Progress)
	res.Group = string(text)
	return res, err
}

// exported is what a fake exports: frames of its own within, and no line end.
const exported = "{\"end\":true}\n\x00\xff{\"result\":1}\n{\"chunk\":5}"
