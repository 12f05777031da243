package claude

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Name is what memlog is registered as.
const Name = "memlog"

// Scope says for whom a server is registered.
type Scope string

// The scopes, see the package's comment.
const (
	ScopeLocal   Scope = "local"
	ScopeProject Scope = "project"
	ScopeUser    Scope = "user"
)

// Scopes lists the scopes, the one that counts first first.
var Scopes = []Scope{ScopeLocal, ScopeProject, ScopeUser}

// Server is how a server is started. Its fields are those of the files.
type Server struct {
	Type    string            `json:"type,omitempty"` // stdio where it is empty
	Command string            `json:"command,omitempty"`
	Args    []string          `json:"args"`
	Env     map[string]string `json:"env,omitempty"`
	URL     string            `json:"url,omitempty"`
}

// Words returns the command line, or the address of a server that is not started.
func (s Server) Words() []string {
	if s.URL != "" {
		return []string{s.URL}
	}
	return append([]string{s.Command}, s.Args...)
}

// Starts reports whether s starts what other does.
func (s Server) Starts(other Server) bool { return slices.Equal(s.Words(), other.Words()) }

// Registration is a server as it is registered.
type Registration struct {
	Scope  Scope  `json:"scope"`
	File   string `json:"file"`
	Server Server `json:"server"`
}

// Find returns where memlog is registered, the one that counts first. A file that cannot be
// understood is an error beside what the others hold.
func (p Places) Find() ([]Registration, error) {
	var out []Registration
	var errs []error
	for _, s := range Scopes {
		r, err := p.find(s)
		if err != nil && (s != ScopeUser || len(errs) == 0 || p.file(s) != p.file(ScopeLocal)) {
			errs = append(errs, err)
		}
		if r != nil {
			out = append(out, *r)
		}
	}
	return out, errors.Join(errs...)
}

// find returns how memlog is registered in a scope, nil where it is not.
func (p Places) find(s Scope) (*Registration, error) {
	d, err := readDocument(p.file(s))
	if err != nil {
		return nil, err
	}
	raw, err := d.at(append(p.key(s), Name))
	if raw == nil || err != nil {
		return nil, err
	}
	r := &Registration{Scope: s, File: d.path}
	if err := json.Unmarshal(raw, &r.Server); err != nil {
		return nil, fmt.Errorf("%s: server %s cannot be understood: %w", d.path, Name, err)
	}
	return r, nil
}

// Plugin is memlog's plugin as the settings name it.
type Plugin struct {
	ID      string `json:"id"` // memlog@<marketplace>
	File    string `json:"file"`
	Enabled bool   `json:"enabled"`
}

// Plugins returns the plugins called memlog that the settings of the user and the project name.
func (p Places) Plugins() ([]Plugin, error) {
	var out []Plugin
	var errs []error
	for _, file := range p.settings() {
		d, err := readDocument(file)
		var raw json.RawMessage
		if err == nil {
			raw, err = d.at([]string{"enabledPlugins"})
		}
		if err != nil || raw == nil {
			errs = append(errs, err)
			continue
		}
		var enabled map[string]any
		if err := json.Unmarshal(raw, &enabled); err != nil {
			errs = append(errs, fmt.Errorf("%s: enabledPlugins cannot be understood: %w", file, err))
		}
		for id, on := range enabled {
			if strings.HasPrefix(id, Name+"@") {
				out = append(out, Plugin{ID: id, File: file, Enabled: on != false})
			}
		}
	}
	slices.SortFunc(out, func(a, b Plugin) int { return strings.Compare(a.ID, b.ID) })
	return out, errors.Join(errs...)
}
