package main

import (
	"context"
	"runtime"
	"runtime/debug"
)

// development is the version of a build that knows no other.
const development = "0.1.0-dev"

// release is the version given to the linker: go build -ldflags "-X main.release=1.2.3".
var release = development

type versionResult struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from a changed checkout
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand() *command {
	return &command{
		name: "version", group: "Processes", summary: "Show the version of this binary",
		run: func(_ context.Context, c *call) error {
			v := buildVersion()
			return c.emit(v, func(p *page) {
				p.line("memlog %s", v.Version)
				p.field("revision", v.Revision)
				p.field("go", v.Go+" "+v.Platform)
			})
		},
	}
}

// version returns the version of this binary.
func version() string { return buildVersion().Version }

func buildVersion() versionResult {
	v := versionResult{
		Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" && release == development {
		v.Version = m
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
