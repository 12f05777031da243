package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"memlog/cmd/memlog/internal/daemon"
)

// residentWindows is how many windows are open while memory is looked at.
const residentWindows = 8

// Resident is the memory that processes have resident, in megabytes of 10^6 bytes. The pages of the
// binary, which all of them share, count once in Together, and in the resident sets of each.
type Resident struct {
	Memories  int     `json:"memories"`
	Windows   int     `json:"windows"`
	Window    float64 `json:"window_mb"`     // what one more takes: its own pages; the median
	WindowSet float64 `json:"window_rss_mb"` // its resident set; the median
	Owner     float64 `json:"owner_mb"`      // its resident set
	Together  float64 `json:"together_mb"`   // of the windows and the owner
}

// resident opens windows that each search and store, and looks at their memory and the owner's. It
// returns nil where the platform does not tell in /proc.
func (w *windows) resident(ctx context.Context, n int) (res *Resident, err error) {
	if runtime.GOOS != "linux" {
		return nil, nil
	}
	var sizes, sets []float64
	var open []*window
	defer func() {
		for _, win := range open {
			err = errors.Join(err, win.close())
		}
	}()
	for i := range residentWindows {
		win, _, err := openWindow(ctx, w.Exe, w.dir)
		if err != nil {
			return nil, err
		}
		open = append(open, win)
		if _, err = win.call("memory_search", map[string]any{"query": "garden"}); err == nil {
			_, err = win.call("memory_store", map[string]any{"content": fmt.Sprint("window ", i)})
		}
		if err != nil {
			return nil, err
		}
	}
	res = &Resident{Memories: n, Windows: residentWindows}
	for _, win := range open {
		alone, part, all, err := residentOf(win.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		sizes, sets = append(sizes, alone), append(sets, all)
		res.Together += part
	}
	st, err := daemon.Status(ctx, w.owner())
	if err != nil {
		return nil, err
	}
	_, part, all, err := residentOf(st.PID)
	res.Window, res.WindowSet = median(sizes), median(sets)
	res.Owner, res.Together = all, res.Together+part
	return res, err
}

// residentOf reads smaps_rollup of proc_pid_smaps(5): what of a process is resident and its alone,
// its part of the pages that several have, and all of it.
func residentOf(pid int) (alone, part, all float64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		name, rest, _ := strings.Cut(line, ":")
		kb, err := strconv.ParseFloat(strings.TrimSpace(
			strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
		if err != nil {
			continue // the first line, which is an address
		}
		mb := kb * 1024 / 1e6
		switch name {
		case "Private_Clean", "Private_Dirty":
			alone += mb
		case "Pss":
			part = mb
		case "Rss":
			all = mb
		}
	}
	return alone, part, all, nil
}
