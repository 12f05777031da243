package main

import (
	"os/exec"
	"testing"

	"memlog/cmd/memlog/internal/mcpserver"
	"memlog/cmd/memlog/internal/memory"
)

// TestClientsByName: the owner lists who is behind memlog mcp, as the handshake and the environment
// say, on a store that is there and on one that the first call makes.
func TestClientsByName(t *testing.T) {
	d := newDesk(t, "")
	for i := range 2 {
		cmd := exec.Command(d.exe, "mcp", "--store", d.dir)
		cmd.Env = append(cmd.Environ(), "MEMLOG_SESSION=session of a", envProject+"=/a project")
		c, err := mcpserver.Dial(d.ctx, cmd, "agent-a")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.store(c, "a memory"); err != nil {
			t.Fatal(err)
		}
		all := d.status().Clients
		if len(all) != 1 {
			t.Fatalf("%d: clients %+v", i, all)
		}
		want := memory.ClientInfo{Name: "agent-a", Version: "1", Session: "session of a",
			Project: "/a project", PID: cmd.Process.Pid, Since: all[0].Since}
		if all[0] != want {
			t.Errorf("%d: got %+v, want %+v", i, all[0], want)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
