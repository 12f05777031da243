// The official TypeScript SDK, both lines of it, over stdio and over HTTP:
// node sdk.mjs MEMLOG STORE URL TOKEN
import assert from 'node:assert/strict'
import { Client as V1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as V1Stdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as V1HTTP } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Client as V2, StreamableHTTPClientTransport as V2HTTP } from '@modelcontextprotocol/client'
import { StdioClientTransport as V2Stdio } from '@modelcontextprotocol/client/stdio'
import { drive } from './drive.mjs'

const [memlog, store, address, token] = process.argv.slice(2)
const url = new URL(address)
const started = { command: memlog, args: ['mcp', '--store', store] }
const trusted = { requestInit: { headers: { Authorization: `Bearer ${token}` } } }

async function using(name, client, transport) {
  await client.connect(transport)
  try {
    await drive(name, client)
  } finally {
    await client.close()
  }
}

const v1 = () => Object.assign(new V1({ name: 'ci-ts-v1', version: '1' }), { schemaSecond: true })
const v2 = mode => new V2({ name: 'ci-ts-v2', version: '1' }, { versionNegotiation: { mode } })
await using('TypeScript SDK 1, stdio', v1(), new V1Stdio(started))
await using('TypeScript SDK 1, HTTP', v1(), new V1HTTP(url, trusted))
await using('TypeScript SDK 2, stdio', v2('auto'), new V2Stdio(started))
await using('TypeScript SDK 2, HTTP, 2025-11-25', v2('legacy'), new V2HTTP(url, trusted))
await using('TypeScript SDK 2, HTTP, 2026-07-28', v2({ pin: '2026-07-28' }), new V2HTTP(url, trusted))

for (const [name, headers] of [['no token', {}], ['wrong token', { Authorization: 'Bearer wrong' }]]) {
  await assert.rejects(v1().connect(new V1HTTP(url, { requestInit: { headers } })), name)
}
console.log('ok  a client without the token is refused')
