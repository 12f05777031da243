package daemon

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// detachedProcess is DETACHED_PROCESS of CreateProcess: no console.
const detachedProcess = 0x00000008

// settle is how long a process has to run to count as started.
const settle = 50 * time.Millisecond

func rootOf(path string) string { return filepath.VolumeName(path) + `\` }

// startDetached starts cmd. ready is closed when it has run for a moment; ended gets how it ended.
func startDetached(cmd *exec.Cmd, ended chan<- error) (ready <-chan struct{}, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags: detachedProcess | syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said := make(chan struct{})
	time.AfterFunc(settle, func() { close(said) })
	go reap(cmd, ended)
	return said, nil
}

// sayReady has nobody to tell.
func sayReady() {}
