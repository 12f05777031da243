package mcpserver

import (
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// header returns the headers of the HTTP request that brought a call, nil where none did.
func header(req *mcp.CallToolRequest) http.Header {
	if req.Extra == nil {
		return nil
	}
	return req.Extra.Header
}

// sessionOf names the session that a call belongs to, for the log and for what is undone: the one
// that the client names, else the protocol's, else this server's, there apart by the client's name.
func (s *Server) sessionOf(req *mcp.CallToolRequest) string {
	h := header(req)
	if h == nil {
		return s.o.Session
	}
	if named := h.Get(HeaderSession); named != "" {
		return named
	}
	if id := req.Session.ID(); id != "" {
		return id
	}
	if client := req.ClientInfo(); client != nil {
		return s.o.Session + "/" + client.Name
	}
	return s.o.Session
}

// projectOf names the directory that a call comes from.
func (s *Server) projectOf(req *mcp.CallToolRequest) string {
	if named := header(req).Get(HeaderProject); named != "" {
		return named
	}
	return s.o.ProjectDir
}
