package mcpserver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

const (
	// maxCompletions is how many values the protocol allows in one answer.
	maxCompletions = 100
	// completedIDs is among how many of the newest memories an id is completed.
	completedIDs = 2000
)

// complete proposes values for an argument of a prompt or a variable of a resource's address.
func (s *Server) complete(
	ctx context.Context, req *mcp.CompleteRequest,
) (*mcp.CompleteResult, error) {
	name, err := completed(req.Params)
	if err != nil {
		return nil, asProtocolError("", err)
	}
	value := req.Params.Argument.Value
	before := ""
	if name == "tags" { // the last of several
		i := strings.LastIndex(value, ",") + 1
		rest := strings.TrimLeft(value[i:], " ")
		before, value = value[:len(value)-len(rest)], rest
	}
	all, err := s.values(ctx, name)
	if err != nil {
		return nil, asProtocolError("", err)
	}
	matching := match(all, value)
	out := mcp.CompletionResultDetails{Total: len(matching), Values: []string{}}
	out.HasMore = len(matching) > maxCompletions
	for _, v := range matching[:min(len(matching), maxCompletions)] {
		out.Values = append(out.Values, before+v)
	}
	return &mcp.CompleteResult{Completion: out}, nil
}

// completed finds the argument that is asked about.
func completed(p *mcp.CompleteParams) (string, error) {
	name := p.Argument.Name
	if p.Ref.Type == "ref/resource" {
		for _, r := range resources() {
			if r.uri == p.Ref.URI && strings.Contains(r.uri, "{"+name+"}") {
				return name, nil
			}
		}
		return "", memory.Invalid("ref", "no resource %q with a variable %q",
			clip(p.Ref.URI, maxShown), clip(name, maxShown))
	}
	for _, pr := range prompts() {
		if _, ok := find(pr.params, name); ok && pr.name == p.Ref.Name {
			return name, nil
		}
	}
	return "", memory.Invalid("ref", "no prompt %q with an argument %q",
		clip(p.Ref.Name, maxShown), clip(name, maxShown))
}

// values are those an argument can have, the likeliest first; none where it can be anything.
func (s *Server) values(ctx context.Context, name string) ([]string, error) {
	switch name {
	case "tags":
		res, err := s.svc.Tags(ctx, memory.TagsRequest{})
		return list(res.Tags, func(t memory.TagCount) string { return t.Tag }), err
	case "type", "project":
		res, err := s.svc.Stats(ctx)
		if name == "project" {
			res.Types = res.Projects
		}
		return list(res.Types, func(n memory.Count) string { return n.Name }), err
	case "id":
		res, err := s.svc.List(ctx, memory.ListRequest{Limit: completedIDs})
		return list(res.Memories, func(m memory.Memory) string { return m.ID.String() }), err
	case "seq":
		res, err := s.svc.Health(ctx)
		return []string{fmt.Sprint(res.Seq), "0"}, err
	case "since":
		return []string{"today", "yesterday", "last week", "last month"}, nil
	}
	return nil, nil
}

func list[T any](all []T, name func(T) string) []string {
	var out []string
	for _, v := range all {
		out = append(out, name(v))
	}
	return out
}

// match returns the values that begin with a text, then those that hold it elsewhere; letter case
// does not matter.
func match(all []string, text string) []string {
	text = strings.ToLower(text)
	var begin, hold []string
	for _, v := range all {
		switch i := strings.Index(strings.ToLower(v), text); {
		case i == 0:
			begin = append(begin, v)
		case i > 0:
			hold = append(hold, v)
		}
	}
	return slices.Concat(begin, hold)
}
