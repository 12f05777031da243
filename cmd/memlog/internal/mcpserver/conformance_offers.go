//lint:file-ignore SA1019 the suite asks for what the newest revision deprecates, and rightly so:
// clients still have it.

package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// conformanceOptions adds to a server's options what the suite's fixtures need. What does not
// concern them goes the usual way.
func conformanceOptions(o *mcp.ServerOptions) {
	o.Capabilities = &mcp.ServerCapabilities{Logging: &mcp.LoggingCapabilities{}}
	complete, subscribe, unsubscribe := o.CompletionHandler, o.SubscribeHandler, o.UnsubscribeHandler
	o.CompletionHandler = func(
		ctx context.Context, r *mcp.CompleteRequest,
	) (*mcp.CompleteResult, error) {
		if !strings.HasPrefix(r.Params.Ref.Name, "test_") {
			return complete(ctx, r)
		}
		return &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: []string{}}}, nil
	}
	o.SubscribeHandler = func(ctx context.Context, r *mcp.SubscribeRequest) error {
		if !strings.HasPrefix(r.Params.URI, fixtureURI) {
			return subscribe(ctx, r)
		}
		return nil
	}
	o.UnsubscribeHandler = func(ctx context.Context, r *mcp.UnsubscribeRequest) error {
		if !strings.HasPrefix(r.Params.URI, fixtureURI) {
			return unsubscribe(ctx, r)
		}
		return nil
	}
}

// fixtureURI begins the addresses of the suite's resources.
const fixtureURI = "test://"

// changeFixtures change what the server offers: adding what is there already counts as a change.
func (s *Server) changeFixtures() []fixtureTool {
	return []fixtureTool{
		{name: "test_trigger_tool_change", doc: "Changes the list of tools.", run: func(
			context.Context, *mcp.CallToolRequest,
		) (*mcp.CallToolResult, error) {
			s.mcp.AddTool(&mcp.Tool{Name: "test_changed", Description: "Was changed.",
				InputSchema: fields{{"type", "object"}}}, always(text("changed")))
			return says(text("the list of tools has changed")), nil
		}},
		{name: "test_trigger_prompt_change", doc: "Changes the list of prompts.", run: func(
			context.Context, *mcp.CallToolRequest,
		) (*mcp.CallToolResult, error) {
			s.mcp.AddPrompt(&mcp.Prompt{Name: "test_changed", Description: "Was changed."},
				fixedPrompt("Was changed.", func(map[string]string) []mcp.Content { return nil }))
			return says(text("the list of prompts has changed")), nil
		}},
	}
}

func (s *Server) addFixtureResources() {
	add := func(name, uri, mime string, contents mcp.ResourceContents) {
		contents.URI, contents.MIMEType = uri, mime
		s.mcp.AddResource(&mcp.Resource{Name: name, URI: uri, MIMEType: mime},
			func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
				return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{&contents}}, nil
			})
	}
	add("static-text", "test://static-text", "text/plain", mcp.ResourceContents{
		Text: "This is the content of the static text resource."})
	add("static-binary", "test://static-binary", "image/png", mcp.ResourceContents{
		Blob: decoded(tinyPNG)})
	add("watched", "test://watched-resource", "text/plain", mcp.ResourceContents{Text: "watched"})

	const before, after = "test://template/", "/data"
	s.mcp.AddResourceTemplate(&mcp.ResourceTemplate{Name: "template", MIMEType: "application/json",
		URITemplate: before + "{id}" + after,
	}, func(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		uri := r.Params.URI
		id := strings.TrimSuffix(strings.TrimPrefix(uri, before), after)
		b, err := marshal(fields{{"id", id}, {"templateTest", true},
			{"data", fmt.Sprintf("Data for ID: %s", id)}})
		if err != nil {
			return nil, err
		}
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{
			{URI: uri, MIMEType: "application/json", Text: string(b)}}}, nil
	})
}

// fixedPrompt is a prompt that the contents are the messages of.
func fixedPrompt(
	doc string, contents func(args map[string]string) []mcp.Content,
) mcp.PromptHandler {
	return func(_ context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		res := &mcp.GetPromptResult{Description: doc, Messages: []*mcp.PromptMessage{}}
		for _, c := range contents(r.Params.Arguments) {
			res.Messages = append(res.Messages, &mcp.PromptMessage{Role: "user", Content: c})
		}
		return res, nil
	}
}

func (s *Server) addFixturePrompts() {
	add := func(name, doc string, contents func(map[string]string) []mcp.Content, args ...string) {
		p := &mcp.Prompt{Name: name, Description: doc}
		for _, a := range args {
			p.Arguments = append(p.Arguments, &mcp.PromptArgument{Name: a, Required: true})
		}
		s.mcp.AddPrompt(p, fixedPrompt(doc, contents))
	}
	add("test_simple_prompt", "A prompt.", func(map[string]string) []mcp.Content {
		return []mcp.Content{text("This is a simple prompt for testing.")}
	})
	add("test_prompt_with_arguments", "A prompt with arguments.",
		func(a map[string]string) []mcp.Content {
			return []mcp.Content{text("Prompt with arguments: arg1='%s', arg2='%s'", a["arg1"],
				a["arg2"])}
		}, "arg1", "arg2")
	add("test_prompt_with_embedded_resource", "A prompt with a resource.",
		func(a map[string]string) []mcp.Content {
			return []mcp.Content{embedded(a["resourceUri"]), text("Please process the embedded resource.")}
		}, "resourceUri")
	add("test_prompt_with_image", "A prompt with a picture.", func(map[string]string) []mcp.Content {
		return []mcp.Content{image(), text("Please analyze the image above.")}
	})
	s.mcp.AddPrompt(&mcp.Prompt{Name: "test_input_required_result_prompt",
		Description: "A prompt that asks for more first."}, askContext)
}

func askContext(_ context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	about := told(r.Params.InputResponses, "user_context", "context")
	if about == "" {
		return &mcp.GetPromptResult{InputRequests: mcp.InputRequestMap{
			"user_context": question("What is it about?", "context", "string")}}, nil
	}
	return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{
		{Role: "user", Content: text("It is about: %s", about)}}}, nil
}
