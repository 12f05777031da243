// Package mcpserver serves a [memory.Service] to coding agents over the Model Context Protocol.
package mcpserver
