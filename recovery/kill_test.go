package recovery

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"memlog/projection"
	"memlog/wal"
	"memlog/wal/event"
)

var killRounds = flag.Int("kill-rounds", 6, "how often TestKillNine kills")

// victimDir is the environment variable that makes the test binary a victim.
const victimDir = "MEMLOG_RECOVERY_VICTIM"

// victim appends as fast as it can and prints each request id when it is acknowledged, while it
// makes the index anew in every way there is, until it is killed.
func victim(dir string) {
	ctx := context.Background()
	e, err := Open(ctx, dir, Options{SegmentSize: testSegment})
	if err != nil {
		fmt.Fprintln(os.Stderr, "victim:", err)
		os.Exit(1)
	}
	go churn(ctx, e)
	for i := 0; ; i++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		b, err := event.Encode(event.Envelope{Event: event.Stored{Memory: event.Memory{
			ID: event.NewID(), Version: 1, Content: id, Type: "note"}}})
		if err == nil {
			_, err = e.Append(ctx, func(*projection.Projector) (wal.Entry, error) {
				return wal.Entry{RequestID: id, Events: [][]byte{b}}, nil
			})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "victim:", err)
			os.Exit(1)
		}
		fmt.Println(id)
	}
}

func churn(ctx context.Context, e *Engine) {
	for {
		_, err := e.Rebuild(ctx, nil)
		if err == nil {
			var s SnapshotInfo
			if s, err = e.Snapshot(ctx); err == nil {
				_, err = e.RestoreSnapshot(ctx, s.Name, nil)
			}
		}
		if err == nil {
			_, err = PruneSnapshots(e.Dir(), 1, false)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "victim: churn:", err)
			os.Exit(1)
		}
	}
}

// TestKillNine kills a process that writes and makes its index anew, at random. Every acknowledged
// record is there once, and the index is what a replay gives.
func TestKillNine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	var acked []string
	for range *killRounds {
		acked = append(acked, killOne(t, dir)...)
		e := mustOpen(t, dir, Options{SegmentSize: testSegment})
		seen := map[string]int{}
		for rec, err := range e.Log.Records(1, 0) {
			if err != nil {
				t.Fatalf("records: %v", err)
			}
			seen[rec.RequestID]++
		}
		for _, id := range acked {
			if seen[id] != 1 {
				t.Errorf("acknowledged %s is there %d times", id, seen[id])
			}
		}
		wantFold(t, e)
		mustClose(t, e)
	}
	if len(acked) == 0 {
		t.Error("nothing was ever acknowledged")
	}
	if r := mustVerify(t, dir, true); !r.OK() {
		t.Errorf("verify: %s", problems(r))
	}
}

// killOne runs a victim until some time after its first acknowledgement, and returns all of them.
func killOne(t *testing.T, dir string) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acked []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if len(acked) == 0 {
			time.AfterFunc(time.Duration(rand.IntN(300))*time.Millisecond, func() {
				_ = cmd.Process.Kill()
			})
		}
		acked = append(acked, lines.Text())
	}
	// Windows has no signals: who is killed there exits with 1, as who fails does.
	if cmd.Wait(); cmd.ProcessState.Exited() && runtime.GOOS != "windows" {
		t.Errorf("the victim ended by itself: %v", cmd.ProcessState)
	}
	return acked
}
