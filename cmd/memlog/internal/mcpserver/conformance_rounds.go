//lint:file-ignore SA1019 the suite asks for what the newest revision deprecates, and rightly so:
// clients still have it.

package mcpserver

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A tool that needs something of its client answers with what it needs, from 2026-07-28 on, and is
// called again with that. What it has to remember travels with the client, signed.

// asks is an answer that asks for more.
func asks(state string, of mcp.InputRequestMap) *mcp.CallToolResult {
	return &mcp.CallToolResult{InputRequests: of, RequestState: state}
}

// question asks the user for a text, or with another type for that.
func question(message, field, kind string) *mcp.ElicitParams {
	return &mcp.ElicitParams{Message: message,
		RequestedSchema: form(`{"` + field + `": {"type": "` + kind + `"}}`)}
}

// given returns what the user answered to a question; nil: not asked yet, or declined.
func given(r mcp.InputResponseMap, name string) map[string]any {
	res, ok := r[name].(*mcp.ElicitResult)
	if !ok || res == nil || res.Action != "accept" {
		return nil
	}
	return res.Content
}

// told returns a text that the user answered; empty: none.
func told(r mcp.InputResponseMap, name, field string) string {
	s, _ := given(r, name)[field].(string)
	return s
}

// sampled returns what the client's model answered; empty: nothing.
func sampled(r mcp.InputResponseMap, name string) string {
	res, ok := r[name].(*mcp.CreateMessageWithToolsResult)
	if !ok || res == nil {
		return ""
	}
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			return t.Text
		}
	}
	return ""
}

// roots returns the client's roots; nil: not told.
func roots(r mcp.InputResponseMap, name string) *mcp.ListRootsResult {
	res, _ := r[name].(*mcp.ListRootsResult)
	return res
}

// signer signs what clients keep for a server.
type signer struct{ key []byte }

func newSigner() signer {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	return signer{key}
}

func (s signer) sign(state string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(state))
	return state + "." + hex.EncodeToString(h.Sum(nil))
}

// open returns a state that was signed here.
func (s signer) open(signed string) (string, error) {
	state, _, _ := strings.Cut(signed, ".")
	if !hmac.Equal([]byte(s.sign(state)), []byte(signed)) {
		return "", &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams,
			Message: "requestState is not what this server gave"}
	}
	return state, nil
}

// roundFixtures ask their client in rounds.
func (s *Server) roundFixtures() []fixtureTool {
	const prefix = "test_input_required_result_"
	sign := newSigner()
	return []fixtureTool{
		{name: prefix + "elicitation", doc: "Asks for a name.", run: askName},
		{name: prefix + "sampling", doc: "Asks the model.", run: askModel},
		{name: prefix + "list_roots", doc: "Asks for the roots.", run: askRoots},
		{name: prefix + "request_state", doc: "Asks for leave, and has its state kept.",
			run: sign.askLeave},
		{name: prefix + "tampered_state", doc: "Likewise, and looks at what comes back.",
			run: sign.askLeave},
		{name: prefix + "multiple_inputs", doc: "Asks for three things at once.", run: askAll},
		{name: prefix + "multi_round", doc: "Asks twice.", run: sign.askTwice},
		{name: prefix + "capabilities", doc: "Asks for what the client can do.", run: askPossible},
	}
}

func askName(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if name := told(r.Params.InputResponses, "user_name", "name"); name != "" {
		return says(text("Hello, %s!", name)), nil
	}
	return asks("", mcp.InputRequestMap{
		"user_name": question("What is your name?", "name", "string")}), nil
}

func askModel(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if answer := sampled(r.Params.InputResponses, "capital_question"); answer != "" {
		return says(text("The model says: %s", answer)), nil
	}
	return asks("", mcp.InputRequestMap{
		"capital_question": prompted("What is the capital of France?")}), nil
}

func askRoots(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if res := roots(r.Params.InputResponses, "client_roots"); res != nil {
		return says(text("The client has %d roots", len(res.Roots))), nil
	}
	return asks("", mcp.InputRequestMap{"client_roots": &mcp.ListRootsParams{}}), nil
}

func (s signer) askLeave(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	if r.Params.RequestState != "" {
		if _, err := s.open(r.Params.RequestState); err != nil {
			return nil, err
		}
		if given(r.Params.InputResponses, "confirm") != nil {
			return says(text("state-ok")), nil
		}
	}
	return asks(s.sign("asked"), mcp.InputRequestMap{
		"confirm": question("Please confirm", "ok", "boolean")}), nil
}

func askAll(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	in := r.Params.InputResponses
	name, greeting, places := told(in, "user_name", "name"), sampled(in, "greeting"),
		roots(in, "client_roots")
	if name != "" && greeting != "" && places != nil {
		return says(text("%s, %s; %d roots", greeting, name, len(places.Roots))), nil
	}
	return asks("asked", mcp.InputRequestMap{
		"user_name":    question("What is your name?", "name", "string"),
		"greeting":     prompted("Generate a greeting"),
		"client_roots": &mcp.ListRootsParams{},
	}), nil
}

func (s signer) askTwice(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	in, state := r.Params.InputResponses, ""
	if r.Params.RequestState != "" {
		var err error
		if state, err = s.open(r.Params.RequestState); err != nil {
			return nil, err
		}
	}
	name := told(in, "step1", "name")
	if state == "" || state == "first" && name == "" {
		return asks(s.sign("first"), mcp.InputRequestMap{
			"step1": question("Step 1: what is your name?", "name", "string")}), nil
	}
	if state != "first" {
		name = strings.TrimPrefix(state, "second ")
	}
	color := told(in, "step2", "color")
	if color == "" {
		return asks(s.sign("second "+strings.ReplaceAll(name, ".", "")), mcp.InputRequestMap{
			"step2": question("Step 2: what is your favorite color?", "color", "string")}), nil
	}
	return says(text("%s likes %s", name, color)), nil
}

func askPossible(_ context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	can, want := r.ClientCapabilities(), mcp.InputRequestMap{}
	if len(r.Params.InputResponses) > 0 || can == nil {
		return says(text("nothing more is needed")), nil
	}
	if can.Elicitation != nil {
		want["user_name"] = question("What is your name?", "name", "string")
	}
	if can.Sampling != nil {
		want["greeting"] = prompted("Generate a greeting")
	}
	if can.RootsV2 != nil {
		want["client_roots"] = &mcp.ListRootsParams{}
	}
	if len(want) == 0 {
		return says(text("the client can answer nothing")), nil
	}
	return asks("", want), nil
}
