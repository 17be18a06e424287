import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { openConnections, silenceMs } from '../../../src/system/http/connections.ts'
import { begin, send } from '../../../src/system/http/send.ts'

let server: Server
beforeEach(async () => {
  server = createServer((request, response) => {
    response.writeHead(200)
    if (request.url === '/whole') response.end('x'.repeat(2000))
    else response.write('x'.repeat(2000))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function ask(path: string, signal: AbortSignal) {
  const { port } = server.address() as AddressInfo
  const to = { secure: false, hostname: '127.0.0.1', port: String(port) }
  return await send(await openConnections({}), { to, method: 'GET', path, headers: { host: 'localhost' }, signal })
}

it('stops an answer that is on its way', async () => {
  const told = new AbortController()
  const pieces = (await ask('/endless', told.signal))[Symbol.asyncIterator]()
  await pieces.next()
  told.abort()
  await expect(pieces.next()).rejects.toThrow('aborted')
})

it('stops one that has come whole and is not read to its end, and harms nobody', async () => {
  const told = new AbortController()
  const incoming = await ask('/whole', told.signal)
  await incoming[Symbol.asyncIterator]().next()
  expect(incoming.complete).toBe(true)
  told.abort()
  // An error that nobody hears of would come now, and end the process.
  await new Promise(resolve => setImmediate(resolve))
  expect(incoming.destroyed).toBe(true)
})

it('waits for each answer as long, also on a connection that the server keeps for a shorter time', async () => {
  server.keepAliveTimeout = 5000
  const connections = await openConnections({})
  const { port } = server.address() as AddressInfo
  const to = { secure: false, hostname: '127.0.0.1', port: String(port) }
  const headers = { host: 'localhost' }
  const { signal } = new AbortController()
  const first = await send(connections, { to, method: 'GET', path: '/whole', headers, signal })
  const { socket } = first
  await once(first.resume(), 'close')
  const request = begin(connections, { to, method: 'GET', path: '/whole', headers, signal })
  request.end()
  const [second] = await once(request, 'response')
  expect(second.socket).toBe(socket)
  expect(socket.timeout).toBe(silenceMs)
  second.resume()
})
