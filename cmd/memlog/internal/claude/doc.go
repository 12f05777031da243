// Package claude registers memlog with Claude Code, and reads how it is registered.
//
// # Files
//
// Claude Code keeps MCP servers in JSON objects called mcpServers, by name, in three scopes
// (https://code.claude.com/docs/en/mcp#mcp-installation-scopes); where a name is in several, the
// first of this list counts:
//
//	local    .claude.json   projects.<root>.mcpServers   one user, one project
//	project  .mcp.json      mcpServers, in the root      everybody who has the project
//	user     .claude.json   mcpServers                   one user, every project
//
// .claude.json is in the home directory, or in CLAUDE_CONFIG_DIR where that is set. The root of a
// project is the nearest directory upwards that holds .git, else the working directory. Plugins
// are in settings.json (enabledPlugins), in ~/.claude or CLAUDE_CONFIG_DIR and in .claude of the
// project.
//
// # Invariants
//
//  1. A file that cannot be understood whole is never written.
//  2. An edit changes nothing but the entry: order, numbers and unknown fields stay, byte for byte
//     in a file that is indented throughout, or not at all.
//  3. A file is replaced in one step by one that is on the disk, with its mode, after a copy of the
//     old one was made beside it. Of a symbolic link the file it leads to is replaced.
//  4. What another program wrote since the file was read is seen before the file is replaced, and
//     the edit is made anew on that. Between this look and the replacement lies a moment in which a
//     program that takes no notice of others can still lose a change; the copy has it.
//
// # Concurrency
//
// Nothing is kept between calls; any number of processes may call at the same time.
package claude
