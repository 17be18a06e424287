import { connect, createServer } from 'node:net'

import type { Sent } from './counting-proxy.ts'

/** node counting-proxy-main.ts http://HOST:PORT, by startCountingProxy. */
const { hostname, port } = new URL(process.argv[2] ?? '')
const nothing = (): Sent => ({ bytes: 0, requests: {} })
let sent = nothing()

/** A client waits for an answer before it makes its next request, so a head is always the first of a chunk. */
const requestLine = /^([A-Z]+) \/\S* HTTP\/1\.1\r\n/
const longestLine = 4096

const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
  const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true })
  client.on('data', chunk => {
    sent.bytes += chunk.length
    const method = requestLine.exec(chunk.toString('latin1', 0, longestLine))?.[1]
    if (method !== undefined) sent.requests[method] = (sent.requests[method] ?? 0) + 1
  })
  client.on('error', () => upstream.destroy())
  upstream.on('error', () => client.destroy())
  client.pipe(upstream)
  upstream.pipe(client)
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.send?.(`http://127.0.0.1:${address.port}`)
})
process.on('message', () => {
  process.send?.(sent)
  sent = nothing()
})
// The bench stopped it, or is no more. Ctrl-C comes here too, before the bench has ended its clients.
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
