package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

// defaultTimeout is how long a command waits its turn.
const defaultTimeout = 30 * time.Second

// The environment that settings come from where no flag says otherwise.
const (
	envStore    = "MEMLOG_STORE"
	envTimeout  = "MEMLOG_TIMEOUT"
	envLogLevel = "LOG_LEVEL"
	envSession  = "MEMLOG_SESSION"
	envClaude   = "CLAUDE_CODE_SESSION_ID"
	envProject  = "CLAUDE_PROJECT_DIR"
)

// settings are the global flags.
type settings struct {
	store       string
	json        bool
	level       slog.Level
	timeout     time.Duration
	acceptClock bool
	holder      string // what others are told who wait for the store
}

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "store", Usage: "directory of the store, `DIR` (" + envStore +
			"; default: in the platform's data directory)"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON document on stdout"},
		&cli.StringFlag{Name: "log-level", Usage: "`LEVEL` of what is logged on stderr: debug, " +
			"info, warn or error (" + envLogLevel + "; default: warn)"},
		&cli.StringFlag{Name: "timeout", Usage: "how long to wait for the store, as `DURATION` (" +
			envTimeout + "; default: 30s)"},
		&cli.BoolFlag{Name: "accept-clock", Usage: "believe a clock far ahead of the last record"},
	}
}

// readSettings takes the global flags from their flag set, and what they leave open from the
// environment.
func readSettings(c *cli.Context, env func(string) string) (settings, error) {
	s := settings{json: c.Bool("json"), acceptClock: c.Bool("accept-clock"), level: slog.LevelWarn}
	var err error
	if s.store, err = storeDir(c, env); err != nil {
		return s, err
	}
	if c.IsSet("log-level") {
		if s.level, err = parseLevel(c.String("log-level")); err != nil {
			return s, err
		}
	} else if l, err := parseLevel(env(envLogLevel)); err == nil {
		s.level = l
	}
	s.timeout = defaultTimeout
	if c.IsSet("timeout") {
		s.timeout, err = parseTimeout("--timeout", c.String("timeout"))
	} else if v := env(envTimeout); v != "" {
		s.timeout, err = parseTimeout(envTimeout, v)
	}
	return s, err
}

// storeDir returns the absolute path of the store.
func storeDir(c *cli.Context, env func(string) string) (string, error) {
	dir := env(envStore)
	if c.IsSet("store") {
		if dir = c.String("store"); dir == "" {
			return "", memory.Invalid("--store", "is empty")
		}
	}
	if dir == "" {
		var err error
		if dir, err = dataDir(runtime.GOOS, env); err != nil {
			return "", err
		}
	}
	return filepath.Abs(dir)
}

// dataDir returns the default directory of the store on an operating system.
func dataDir(goos string, env func(string) string) (string, error) {
	home := env("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	switch goos {
	case "windows":
		if d := env("LOCALAPPDATA"); d != "" {
			return filepath.Join(d, "memlog"), nil
		}
	case "darwin":
		if home != "" {
			return filepath.Join(home, "Library", "Application Support", "memlog"), nil
		}
	default:
		// The XDG specification has relative paths ignored.
		if d := env("XDG_DATA_HOME"); filepath.IsAbs(d) {
			return filepath.Join(d, "memlog"), nil
		}
		if home != "" {
			return filepath.Join(home, ".local", "share", "memlog"), nil
		}
	}
	return "", usage("no data directory is known here").
		WithHint("name the store with --store DIR or %s", envStore)
}

func parseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "debug", "trace":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error", "fatal", "critical":
		return slog.LevelError, nil
	}
	return slog.LevelWarn, memory.Invalid("--log-level", "unknown level %q", s).
		WithHint("debug, info, warn or error")
}

// parseTimeout reads a duration; a bare number means seconds.
func parseTimeout(name, s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if n, nerr := strconv.ParseUint(s, 10, 31); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 {
		return 0, memory.Invalid(name, "not a duration: %q", s).
			WithHint("write 30s, 2m or 500ms; 0 does not wait")
	}
	return d, nil
}
