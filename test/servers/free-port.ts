import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the kernel's own range, from which any outgoing connection might take the port before the server does. */
const range = { from: 20_000, to: 30_000 }

/** A TCP port that no other test process is given as long as this one runs. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = range.from + Math.floor(Math.random() * (range.to - range.from))
    if ((await reserve(port)) && (await canListen(port))) return port
  }
  throw new Error(`No port between ${range.from} and ${range.to} is free on 127.0.0.1.`)
}

/** By the UDP port of the same number, which the server leaves alone and the kernel frees with the process. */
async function reserve(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref()
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true })
    await once(socket, 'listening')
    return true
  } catch {
    socket.close()
    return false
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
