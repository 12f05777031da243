//go:build amd64 || arm64

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"memlog/cmd/memlog/internal/mcpserver"
)

// Of linux/prctl.h, linux/seccomp.h and linux/filter.h, which package syscall does not have.
const (
	prSetSeccomp    = 22
	prSetNoNewPrivs = 38
	seccompFilter   = 2
	returnErrno     = 0x00050000
	returnAllow     = 0x7fff0000
	sysClone3       = 435
	offNumber       = 0  // in struct seccomp_data
	offFlags        = 16 // the low half of the first argument
)

// alone becomes memlog where the kernel lets it start threads and no processes, as a sandbox does or
// a limit on processes: fork fails with EAGAIN.
func alone() int {
	runtime.LockOSThread()
	load := uint16(syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS)
	equal := uint16(syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K)
	has := uint16(syscall.BPF_JMP | syscall.BPF_JSET | syscall.BPF_K)
	give := uint16(syscall.BPF_RET | syscall.BPF_K)
	filter := []syscall.SockFilter{
		{Code: load, K: offNumber},
		{Code: equal, Jt: 5, K: sysClone3},
		{Code: equal, Jf: 2, K: syscall.SYS_CLONE},
		{Code: load, K: offFlags},
		{Code: has, Jf: 1, K: syscall.CLONE_THREAD},
		{Code: give, K: returnAllow},
		{Code: give, K: returnErrno | uint32(syscall.EAGAIN)},
		{Code: give, K: returnErrno | uint32(syscall.ENOSYS)}, // then libc starts threads by clone
	}
	prog := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		fmt.Fprintln(os.Stderr, "prctl: no new privileges:", e)
		return exitFailed
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, prSetSeccomp, seccompFilter,
		uintptr(unsafe.Pointer(&prog))); e != 0 {
		fmt.Fprintln(os.Stderr, "prctl: seccomp:", e)
		return exitFailed
	}
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, append([]string{"memlog"}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	return exitFailed
}

// TestAlone: a window that may not start an owner owns the store itself, and serves it to others;
// when it goes, what it acknowledged is there.
func TestAlone(t *testing.T) {
	d := newDesk(t, "")
	confined := func(args ...string) *exec.Cmd {
		cmd := exec.Command(d.exe, args...)
		cmd.Args[0] = "memlog-alone"
		return cmd
	}
	out, err := confined("version").CombinedOutput()
	if strings.HasPrefix(string(out), "prctl: ") {
		t.Skipf("no filter can be had here: %s", out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var said strings.Builder
	cmd := confined("mcp", "--store", d.dir)
	cmd.Stderr = &said
	c, err := mcpserver.Dial(d.ctx, cmd, "confined")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.store(c, "of the window itself"); err != nil {
		t.Fatal(err)
	}
	if st := d.status(); st.PID != cmd.Process.Pid {
		t.Errorf("the owner is process %d, not the window %d", st.PID, cmd.Process.Pid)
	}
	other := d.open(d.exe)
	if err := d.store(other, "of another window, through it"); err != nil {
		t.Fatal(err)
	}
	if st := d.status(); st.PID != cmd.Process.Pid || len(st.Clients) != 1 {
		t.Errorf("with another window: %+v", st)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), syscall.EAGAIN.Error()) {
		t.Errorf("it does not say why it owns the store: %s", said.String())
	}
	res, err := other.Call(d.ctx, "memory_list", nil)
	for _, want := range []string{"of the window itself", "of another window, through it"} {
		if err != nil || !strings.Contains(res.Text, want) {
			t.Errorf("afterwards %q is not there: %v, %s", want, err, res.Text)
		}
	}
}
