//lint:file-ignore SA1019 the suite asks for what the newest revision deprecates, and rightly so:
// clients still have it.

package mcpserver

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// What follows answers the protocol's official conformance suite. It drives a server through tools,
// resources and prompts of given names and contents, which a real server has no use for; they stand
// beside the real ones, so that what is measured is the very server that agents talk to.
//
// Contents that the suite compares are its own words.

// fixtureTool is a tool of the suite.
type fixtureTool struct {
	name, doc string
	schema    string // of its input; empty: no arguments
	run       func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error)
}

// The smallest picture and the shortest sound.
const (
	tinyPNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0g" +
		"AAAABJRU5ErkJggg=="
	tinyWAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
)

func decoded(base string) []byte {
	b, err := base64.StdEncoding.DecodeString(base)
	if err != nil {
		panic(err)
	}
	return b
}

func text(format string, args ...any) mcp.Content {
	return &mcp.TextContent{Text: fmt.Sprintf(format, args...)}
}

func image() mcp.Content { return &mcp.ImageContent{Data: decoded(tinyPNG), MIMEType: "image/png"} }

func embedded(uri string) mcp.Content {
	return &mcp.EmbeddedResource{Resource: &mcp.ResourceContents{
		URI: uri, MIMEType: "text/plain", Text: "This is an embedded resource content."}}
}

func says(content ...mcp.Content) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: content}
}

// always is a tool that answers the same.
func always(content ...mcp.Content) func(
	context.Context, *mcp.CallToolRequest,
) (*mcp.CallToolResult, error) {
	return func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return says(content...), nil
	}
}

// addConformance adds what the suite asks for.
func (s *Server) addConformance() {
	all := append(contentFixtures(), talkFixtures()...)
	all = append(append(all, s.changeFixtures()...), s.roundFixtures()...)
	for _, f := range all {
		schema := f.schema
		if schema == "" {
			schema = `{"type": "object"}`
		}
		s.mcp.AddTool(&mcp.Tool{Name: f.name, Description: f.doc,
			InputSchema: json.RawMessage(schema)}, f.run)
	}
	s.addFixtureResources()
	s.addFixturePrompts()
}

func contentFixtures() []fixtureTool {
	return []fixtureTool{
		{name: "test_simple_text", doc: "Answers a text.",
			run: always(text("This is a simple text response for testing."))},
		{name: "test_image_content", doc: "Answers a picture.", run: always(image())},
		{name: "test_audio_content", doc: "Answers a sound.",
			run: always(&mcp.AudioContent{Data: decoded(tinyWAV), MIMEType: "audio/wav"})},
		{name: "test_embedded_resource", doc: "Answers an embedded resource.",
			run: always(embedded("test://embedded-resource"))},
		{name: "test_multiple_content_types", doc: "Answers a text, a picture and a resource.",
			run: always(text("Multiple content types test:"), image(),
				embedded("test://mixed-content-resource"))},
		{name: "test_error_handling", doc: "Fails.",
			run: func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				res := says(text("This tool intentionally returns an error for testing"))
				res.IsError = true
				return res, nil
			}},
		{name: "test_streaming_elicitation", doc: "Answers on a stream with nothing else in it.",
			run: always(text("nothing was asked"))},
		{name: "json_schema_2020_12_tool", doc: "Has a schema with much of JSON Schema 2020-12 in it.",
			schema: schema2020, run: always(text("done"))},
		{name: "test_x_mcp_header", doc: "Has an argument that is repeated in a header.",
			schema: `{"type": "object", "properties": {"region": {"type": "string", ` +
				`"x-mcp-header": "Region"}, "level": {"type": "integer"}}}`,
			run: always(text("done"))},
	}
}

// schema2020 has to come through to the client as it is.
const schema2020 = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "$defs": {"address": {"$anchor": "addressDef", "type": "object",
    "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
  "properties": {
    "name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
    "contactMethod": {"type": "string", "enum": ["phone", "email"]},
    "phone": {"type": "string"}, "email": {"type": "string"}},
  "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
  "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
  "then": {"required": ["phone"]},
  "else": {"required": ["email"]},
  "additionalProperties": false
}`

// fixturePause lies between the messages of a call that sends several.
const fixturePause = 50 * time.Millisecond

// talkFixtures speak to the client while they are called.
func talkFixtures() []fixtureTool {
	return []fixtureTool{
		{name: "test_tool_with_logging", doc: "Logs three messages.", run: logThrice},
		{name: "test_logging_tool", doc: "Logs a message, if the client wants to hear it.",
			run: func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				return says(text("done")), log(ctx, r, "test_logging_tool was called")
			}},
		{name: "test_tool_with_progress", doc: "Reports progress three times.", run: progressThrice},
		{name: "test_reconnection", doc: "Closes its stream before it answers.", run: closeStream},
		{name: "test_missing_capability", doc: "Needs a client that samples.", run: needSampling},
		{name: "test_sampling", doc: "Has the client's model answer a prompt.",
			schema: `{"type": "object", "properties": {"prompt": {"type": "string"}}, ` +
				`"required": ["prompt"]}`, run: sample},
		{name: "test_elicitation", doc: "Asks the user.",
			schema: `{"type": "object", "properties": {"message": {"type": "string"}}, ` +
				`"required": ["message"]}`, run: func(
				ctx context.Context, r *mcp.CallToolRequest,
			) (*mcp.CallToolResult, error) {
				return elicit(ctx, r, argument(r, "message"), `{"username": {"type": "string"}}`)
			}},
		{name: "test_elicitation_sep1034_defaults", doc: "Asks the user, with defaults.", run: func(
			ctx context.Context, r *mcp.CallToolRequest,
		) (*mcp.CallToolResult, error) {
			return elicit(ctx, r, "Please review", elicitDefaults)
		}},
		{name: "test_elicitation_sep1330_enums", doc: "Asks the user to choose.", run: func(
			ctx context.Context, r *mcp.CallToolRequest,
		) (*mcp.CallToolResult, error) {
			return elicit(ctx, r, "Please choose", elicitEnums)
		}},
	}
}

const elicitDefaults = `{
  "name": {"type": "string", "default": "John Doe"},
  "age": {"type": "integer", "default": 30},
  "score": {"type": "number", "default": 95.5},
  "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
  "verified": {"type": "boolean", "default": true}
}`

const elicitEnums = `{
  "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
  "titledSingle": {"type": "string", "oneOf": [{"const": "value1", "title": "First Option"},
    {"const": "value2", "title": "Second Option"}, {"const": "value3", "title": "Third Option"}]},
  "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
    "enumNames": ["Option One", "Option Two", "Option Three"]},
  "untitledMulti": {"type": "array", "items": {"type": "string",
    "enum": ["option1", "option2", "option3"]}},
  "titledMulti": {"type": "array", "items": {"anyOf": [
    {"const": "value1", "title": "First Choice"}, {"const": "value2", "title": "Second Choice"},
    {"const": "value3", "title": "Third Choice"}]}}
}`

// argument returns an argument that is a text.
func argument(r *mcp.CallToolRequest, name string) string {
	var args map[string]json.RawMessage
	var value string
	if json.Unmarshal(r.Params.Arguments, &args) == nil {
		_ = json.Unmarshal(args[name], &value) // what is no text counts as none
	}
	return value
}

func log(ctx context.Context, r *mcp.CallToolRequest, message string) error {
	return r.Session.Log(ctx, &mcp.LoggingMessageParams{Level: "info", Data: message})
}

func logThrice(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	for _, m := range []string{"started", "processing data", "completed"} {
		if err := log(ctx, r, "Tool execution "+m); err != nil {
			return nil, err
		}
		time.Sleep(fixturePause)
	}
	return says(text("Tool with logging executed successfully")), nil
}

func progressThrice(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	token := r.Params.GetProgressToken()
	for _, done := range []float64{0, 50, 100} {
		if err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
			ProgressToken: token, Progress: done, Total: 100,
		}); err != nil {
			return nil, err
		}
		time.Sleep(fixturePause)
	}
	return says(text("%v", token)), nil
}

func closeStream(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if r.Extra != nil && r.Extra.CloseSSEStream != nil {
		r.Extra.CloseSSEStream(mcp.CloseSSEStreamArgs{RetryAfter: 10 * time.Millisecond})
	}
	time.Sleep(2 * fixturePause)
	return says(text("the client came back")), nil
}

func needSampling(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if can := r.ClientCapabilities(); can != nil && can.Sampling != nil {
		return says(text("the client samples")), nil
	}
	data, err := json.Marshal(mcp.MissingRequiredClientCapabilityData{
		RequiredCapabilities: &mcp.ClientCapabilities{Sampling: &mcp.SamplingCapabilities{}}})
	if err != nil {
		return nil, err
	}
	return nil, &jsonrpc.Error{Code: mcp.CodeMissingRequiredClientCapabilities,
		Message: "the client has to offer sampling", Data: data}
}

func sample(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	res, err := r.Session.CreateMessage(ctx, prompted(argument(r, "prompt")))
	if err != nil {
		return nil, err
	}
	t, ok := res.Content.(*mcp.TextContent)
	if !ok {
		return nil, errors.New("the model did not answer a text")
	}
	return says(text("LLM response: %s", t.Text)), nil
}

// prompted asks a client's model for an answer.
func prompted(prompt string) *mcp.CreateMessageParams {
	return &mcp.CreateMessageParams{MaxTokens: 100, Messages: []*mcp.SamplingMessage{
		{Role: "user", Content: text("%s", prompt)}}}
}

// elicit asks the user for values of the given properties.
func elicit(
	ctx context.Context, r *mcp.CallToolRequest, message, properties string,
) (*mcp.CallToolResult, error) {
	res, err := r.Session.Elicit(ctx, &mcp.ElicitParams{Message: message,
		RequestedSchema: form(properties)})
	if err != nil {
		return nil, err
	}
	content, err := json.Marshal(res.Content)
	if err != nil {
		return nil, err
	}
	return says(text("User response: action=%s, content=%s", res.Action, content)), nil
}

// form is the schema of an object with the given properties, all of them required that have no
// default.
func form(properties string) map[string]any {
	var props map[string]map[string]any
	if err := json.NewDecoder(strings.NewReader(properties)).Decode(&props); err != nil {
		panic(err)
	}
	required := []string{}
	for name, p := range props {
		if _, has := p["default"]; !has {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": props, "required": required}
}
