package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"memlog/cmd/memlog/internal/memory"
)

// The addresses of resources.
const (
	recentURI     = "memlog://recent"
	tagsURI       = "memlog://tags"
	memoryPrefix  = "memlog://memory/"
	changesPrefix = "memlog://changes/"
)

// recentMemories is how many memories memlog://recent holds at most.
const recentMemories = 20

// resourceType is what all resources are.
const resourceType = "application/json"

// resource is a resource, or, where its address has a variable, a family of them. What it holds is
// the structured content of a tool, so that both are described by one schema, within the budget.
type resource struct {
	uri, name, title, doc string
	tokens                int // of its budget
	read                  func(context.Context, memory.Service, *call, string) (answer, error)
}

// resources are all there are.
func resources() []resource {
	return []resource{
		{uri: recentURI, name: "recent", title: "Recent memories", tokens: DefaultMaxTokens,
			doc: fmt.Sprintf("The newest %d memories, as memory_list shows them.", recentMemories),
			read: func(
				ctx context.Context, svc memory.Service, c *call, _ string,
			) (answer, error) {
				c.args["limit"] = int64(recentMemories)
				return runList(ctx, svc, c)
			}},
		{uri: tagsURI, name: "tags", title: "Tags, types and projects", tokens: DefaultMaxTokens,
			doc:  "The tags, types and projects in use, with how many memories have each.",
			read: readTags},
		{uri: memoryPrefix + "{id}", name: "memory", title: "A memory", tokens: MaxMaxTokens,
			doc: "One memory by its id or an alias, as memory_get shows it, deleted ones included.",
			read: func(
				ctx context.Context, svc memory.Service, c *call, id string,
			) (answer, error) {
				c.args["id"] = id
				return runGet(ctx, svc, c)
			}},
		{uri: changesPrefix + "{seq}", name: "changes", title: "Changes since",
			tokens: DefaultMaxTokens,
			doc:    "What changed after the record seq, as memory_changes shows it.",
			read: func(
				ctx context.Context, svc memory.Service, c *call, seq string,
			) (answer, error) {
				n, err := strconv.ParseInt(seq, 10, 64)
				if err != nil || n < 0 {
					return answer{}, memory.Invalid("seq", "%q is no sequence number",
						clip(seq, maxShown)).WithHint("read memlog://changes/0 for all changes.")
				}
				c.args["since"] = n
				return runChanges(ctx, svc, c)
			}},
	}
}

// addResource registers a resource with the SDK.
func (s *Server) addResource(r resource) {
	read := func(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return s.readResource(ctx, r, req.Params.URI)
	}
	if strings.Contains(r.uri, "{") {
		s.mcp.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: r.uri, Name: r.name,
			Title: r.title, Description: r.doc, MIMEType: resourceType}, read)
		return
	}
	s.mcp.AddResource(&mcp.Resource{URI: r.uri, Name: r.name, Title: r.title, Description: r.doc,
		MIMEType: resourceType}, read)
}

// cacheable has what holds memories kept by nobody but the client that asked.
func cacheable(_ context.Context, req mcp.Request, c *mcp.Cacheable) {
	if _, ok := req.(*mcp.ReadResourceRequest); ok {
		c.CacheScope = "private"
	}
}

func (s *Server) readResource(
	ctx context.Context, r resource, uri string,
) (*mcp.ReadResourceResult, error) {
	c := &call{args: args{}, now: s.o.Now(), session: provenance(s.o.Session),
		budget: r.tokens * bytesPerToken}
	arg, err := url.PathUnescape(uri[strings.LastIndex(uri, "/")+1:])
	if err != nil {
		return nil, asProtocolError(uri, memory.Invalid("uri", "%v", err))
	}
	a, err := r.read(ctx, s.svc, c, arg)
	if err != nil {
		return nil, asProtocolError(uri, err)
	}
	b, err := marshal(a.structured)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", uri, err)
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{
		{URI: uri, MIMEType: resourceType, Text: string(b)},
	}}, nil
}

// asProtocolError words an error for what is no tool: there is no result to put it in.
func asProtocolError(uri string, err error) error {
	var e *memory.Error
	if !errors.As(err, &e) {
		e = memory.Errorf(memory.CodeFailed, "%v", err)
	}
	code, text := int64(jsonrpc.CodeInternalError), clip(e.Error(), maxErrorText)
	switch {
	case e.Code == memory.CodeNotFound && uri != "":
		return mcp.ResourceNotFoundError(uri)
	case e.Code == memory.CodeInvalid || e.Code == memory.CodeNotFound:
		code = jsonrpc.CodeInvalidParams
	}
	if e.Hint != "" {
		text += ". Next: " + clip(inTools(e.Hint), maxErrorText)
	}
	return &jsonrpc.Error{Code: code, Message: text}
}

// tagsAnswer is what memlog://tags holds.
type tagsAnswer struct {
	Tags     []rawJSON      `json:"tags"`
	Total    int            `json:"total"` // tags, also those not shown
	Types    []memory.Count `json:"types"`
	Projects []memory.Count `json:"projects"`
	Memories int            `json:"memories"`
	Seq      memory.Seq     `json:"seq"`
}

// maxCounted bounds the types and the projects in memlog://tags.
const maxCounted = 20

func readTags(ctx context.Context, svc memory.Service, c *call, _ string) (answer, error) {
	tags, err := svc.Tags(ctx, memory.TagsRequest{})
	if err != nil {
		return answer{}, err
	}
	stats, err := svc.Stats(ctx)
	if err != nil {
		return answer{}, err
	}
	out := tagsAnswer{Total: len(tags.Tags), Memories: stats.Memories, Seq: tags.Seq,
		Types: counted(stats.Types), Projects: counted(stats.Projects)}
	p, err := fit(tags.Tags, c.budget/2, func(t memory.TagCount, _ limits) (string, any) {
		return t.Tag, t
	})
	out.Tags = p.entries
	return answer{structured: out}, err
}

func counted(all []memory.Count) []memory.Count {
	out := []memory.Count{}
	for _, n := range all[:min(len(all), maxCounted)] {
		out = append(out, memory.Count{Name: clip(n.Name, maxShown), Count: n.Count})
	}
	return out
}
