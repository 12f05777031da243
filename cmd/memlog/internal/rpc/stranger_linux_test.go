package rpc

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestStranger lets another user of the machine knock: the directory keeps them out, and where its
// mode and the socket's were opened by hand, the server hangs up. This user gets an answer.
func TestStranger(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it takes root to be another user")
	}
	top := shortDir(t)
	exe := filepath.Join(top, "knock")
	self, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(exe, self, 0o755)
	}
	if err == nil {
		err = os.Chmod(top, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", top)
	path, err := SocketPath(filepath.Join(top, "store"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, &fake{}, ServerOptions{}, l)
	knock := func(user uint32) string {
		cmd := exec.Command(exe)
		cmd.Dir, cmd.Env = top, []string{envKnock + "=" + path}
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: user, Gid: user}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	const nobody = 65534
	if got := knock(0); !strings.Contains(got, "200 OK") {
		t.Errorf("this user: %s", got)
	}
	if got := knock(nobody); !strings.HasPrefix(got, "dial:") ||
		!strings.Contains(got, fs.ErrPermission.Error()) {
		t.Errorf("another user: %s", got)
	}
	for p, mode := range map[string]fs.FileMode{filepath.Dir(path): 0o755, path: 0o666} {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
	if got := knock(nobody); !strings.HasPrefix(got, `answer: "",`) {
		t.Errorf("another user, with the modes open: %s", got)
	}
}
