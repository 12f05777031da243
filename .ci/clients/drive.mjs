// What every client does with memlog here, whatever SDK and transport it is made of: hello, list,
// store, search, get, resources, and a call taken back while it is under way.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

export async function drive(name, client) {
  const { tools } = await client.listTools()
  const names = tools.map(t => t.name)
  for (const want of ['memory_store', 'memory_search', 'memory_get']) {
    assert.ok(names.includes(want), `${name}: ${want} is not listed`)
  }
  const call = async (tool, args) => {
    const res = await client.callTool({ name: tool, arguments: args })
    assert.ok(!res.isError, `${name}: ${tool}: ${JSON.stringify(res.content)}`)
    assert.ok(res.content[0].text, `${name}: ${tool} answered no text`)
    return res.structuredContent
  }
  const word = `zebra${randomUUID().slice(0, 8)}`
  const stored = await call('memory_store', { content: `The ${word} was seen by ${name}`, tags: ['ci'] })
  const id = stored.stored[0].id
  const found = await call('memory_search', { query: word })
  assert.equal(found.hits[0].id, id, `${name}: the memory was not found`)
  const got = await call('memory_get', { id })
  assert.match(JSON.stringify(got), new RegExp(word))

  const bad = await client.callTool({ name: 'memory_search', arguments: {} })
  assert.ok(bad.isError && /query/.test(bad.content[0].text), `${name}: no error without a query`)
  await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }))

  const { resources } = await client.listResources()
  assert.ok(resources.some(r => r.uri === 'memlog://recent'), `${name}: memlog://recent is not listed`)
  const { contents } = await client.readResource({ uri: `memlog://memory/${id}` })
  assert.match(contents[0].text, new RegExp(word))

  const taken = new AbortController()
  const memories = Array.from({ length: 5000 }, (_, i) => ({ content: `${word} number ${i}` }))
  const long = client.callTool({ name: 'memory_store', arguments: { memories } }, ...cancel(client, taken))
  setTimeout(() => taken.abort('enough'), 1)
  await assert.rejects(long, undefined, `${name}: a call that was cancelled was answered`)
  await call('memory_search', { query: word }) // and the connection is as good as before
  console.log(`ok  ${name}: ${names.length} tools, ${resources.length} resources`)
}

// cancel gives the options of a call, which the first SDK takes behind the result's schema.
function cancel(client, controller) {
  const options = { signal: controller.signal }
  return client.schemaSecond ? [undefined, options] : [options]
}
