import { createServer } from 'node:net'

/** Below the kernel's own range, from which any outgoing connection might take the port before the server does. */
const range = { from: 20_000, to: 30_000 }

const given = new Set<number>()

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = range.from + Math.floor(Math.random() * (range.to - range.from))
    if (given.has(port)) continue
    given.add(port)
    if (await canListen(port)) return port
  }
  throw new Error(`No port between ${range.from} and ${range.to} is free on 127.0.0.1.`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
