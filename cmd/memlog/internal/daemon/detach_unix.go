//go:build unix

package daemon

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// readyFD is where the pipe is in the new process: the first behind the standard files.
const readyFD = 3

func rootOf(string) string { return "/" }

// startDetached starts cmd. ready is closed when it says so; ended gets how it ended.
func startDetached(cmd *exec.Cmd, ended chan<- error) (ready <-chan struct{}, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(cmd.Env, readyEnv+"="+strconv.Itoa(readyFD))
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	said := make(chan struct{})
	go awaitReady(r, said)
	go reap(cmd, ended)
	return said, nil
}

// awaitReady closes said when something comes over the pipe, which ends with the other process, or
// when that has listened for the first time.
func awaitReady(r *os.File, said chan<- struct{}) {
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		close(said)
	}
	_ = r.Close()
}

// sayReady tells the process that started this one that it listens.
func sayReady() {
	fd, err := strconv.Atoi(os.Getenv(readyEnv))
	if err != nil || fd != readyFD {
		return
	}
	_ = os.Unsetenv(readyEnv)
	var st syscall.Stat_t
	if err := syscall.Fstat(readyFD, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return // a variable from elsewhere: whatever the file is, it is not ours
	}
	_, _ = syscall.Write(readyFD, []byte{'\n'})
	_ = syscall.Close(readyFD)
}
