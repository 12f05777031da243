package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Detached returns a Spawn that starts the program at path with args in a session of its own, with
// nothing of this process: no terminal, no standard files, the root as working directory. So path
// and all paths in args have to be absolute. The process outlives this one.
//
// On Unix the process says over an inherited pipe that it listens; elsewhere Spawn returns when it
// has run for a moment, and callers look for its socket.
func Detached(path string, args ...string) func() error {
	return func() error {
		cmd := exec.Command(path, args...)
		cmd.Dir = rootOf(path)
		cmd.Env = cleanEnv(os.Environ())
		ended := make(chan error, 1)
		ready, err := startDetached(cmd, ended)
		if err != nil {
			return fmt.Errorf("start %s: %w", path, err)
		}
		late := time.NewTimer(SpawnWait)
		defer late.Stop()
		select {
		case <-ready:
			return nil
		case <-late.C: // it is still opening the store, or waits for its lock
			return nil
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("%s %s: %w", path, strings.Join(args, " "), err)
			}
			return nil // it found an owner
		}
	}
}

// reap takes note of the end of a process, so that none stays behind as a zombie. It lives as long
// as the process, or as this one.
func reap(cmd *exec.Cmd, ended chan<- error) {
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("ended with %s before it served", exit.ProcessState)
		if exit.ExitCode() < 0 {
			err = fmt.Errorf("%w: %w", errKilled, err)
		}
	}
	ended <- err
}

// errKilled is a process that a signal ended: that says nothing of the next one.
var errKilled = errors.New("killed")

// readyEnv names the file descriptor on which a process says that it listens.
const readyEnv = "MEMLOG_READY_FD"

// cleanEnv returns an environment without what is this process's own.
func cleanEnv(env []string) []string {
	var out []string
	for _, e := range env {
		if !strings.HasPrefix(e, readyEnv+"=") {
			out = append(out, e)
		}
	}
	return out
}
