package mcpserver

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Each result says that it is complete to those who must be told, and to nobody else: of a tool
// that is listed, of one that is not, of one that is gone, and of a refusal.
func TestResultsAreComplete(t *testing.T) {
	for _, v := range []string{"2025-06-18", "2025-11-25", "2026-07-28"} {
		c := sessionAt(t, &fake{memories: some(1, "x")}, Options{}, v)
		for name, arguments := range map[string]string{
			"memory_list": `{}`, "memory_search": `{"query": "x"}`, "retrieve_memory": `{"query": "x"}`,
			"optimize_db": `{}`, "memory_get": `{"nothing": 1}`,
		} {
			params := &mcp.CallToolParams{Name: name, Arguments: json.RawMessage(arguments)}
			res, err := c.session.CallTool(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(res)
			if err != nil {
				t.Fatal(err)
			}
			says := strings.Contains(string(b), `"resultType":"complete"`)
			if want := v >= firstStateless; says != want || len(res.Content) != 1 {
				t.Errorf("%s, %s: says that it is complete: %v, want %v: %s", v, name, says, want, b)
			}
		}
	}
}
