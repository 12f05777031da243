package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// window is one `memlog mcp` process, spoken to line by line: nothing but the process and the pipe
// is between a request and its answer. It is for one goroutine.
type window struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err bytes.Buffer
	id  int
}

// windowEnd is how long a window may take to end by itself when its input ends.
const windowEnd = 5 * time.Second

// openWindow starts a window on the store at dir and shakes hands. took is the time from the start
// of the process to the answer of initialize.
func openWindow(ctx context.Context, exe, dir string) (w *window, took time.Duration, err error) {
	w = &window{cmd: exec.CommandContext(ctx, exe, "mcp", "--store", dir)}
	w.cmd.Stderr = &w.err
	w.cmd.WaitDelay = windowEnd
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, 0, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	w.out = bufio.NewReaderSize(out, 64<<10)
	began := time.Now()
	if err := w.cmd.Start(); err != nil {
		return nil, 0, fmt.Errorf("start a window: %w", err)
	}
	_, err = w.ask("initialize", map[string]any{
		"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
		"clientInfo": map[string]any{"name": "memlog bench", "version": "1"},
	})
	took = time.Since(began)
	if err == nil {
		err = w.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
	}
	if err != nil {
		return nil, 0, errors.Join(err, w.close())
	}
	return w, took, nil
}

// send writes one message.
func (w *window) send(message map[string]any) error {
	b, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = w.in.Write(append(b, '\n'))
	return err
}

// reply is an answer of the server.
type reply struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// ask sends a request and returns its result. Messages of the server in between are passed over.
func (w *window) ask(method string, params any) (json.RawMessage, error) {
	w.id++
	err := w.send(map[string]any{"jsonrpc": "2.0", "id": w.id, "method": method, "params": params})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	for {
		line, err := w.out.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("%s: read the answer: %w: %s", method, err,
				strings.TrimSpace(w.err.String()))
		}
		var r reply
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s: read the answer: %w", method, err)
		}
		switch {
		case r.ID != w.id:
			continue
		case r.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		return r.Result, nil
	}
}

// call calls a tool and returns its structured answer. A refusal is an error.
func (w *window) call(tool string, args map[string]any) (json.RawMessage, error) {
	b, err := w.ask("tools/call", map[string]any{"name": tool, "arguments": args})
	if err != nil {
		return nil, err
	}
	var res struct {
		IsError    bool            `json:"isError"`
		Structured json.RawMessage `json:"structuredContent"`
		Content    []struct{ Text string }
	}
	if err := json.Unmarshal(b, &res); err != nil {
		return nil, fmt.Errorf("%s: read the answer: %w", tool, err)
	}
	if res.IsError {
		return nil, fmt.Errorf("%s: %v", tool, res.Content)
	}
	return res.Structured, nil
}

// close ends the window: its input ends, and it with it.
func (w *window) close() error {
	_ = w.in.Close()
	late := time.AfterFunc(windowEnd, func() { _ = w.cmd.Process.Kill() })
	defer late.Stop()
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("window %d: %w: %s", w.cmd.Process.Pid, err, strings.TrimSpace(w.err.String()))
	}
	return nil
}
