import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** A connection that breaks while a body is read fails as it does while one is waited for. */
export function translating(body: IncomingMessage, translate: (error: unknown) => unknown): Readable {
  const readable = new Readable({
    highWaterMark: 1024 * 1024,
    read: () => void body.resume(),
    destroy(error, done) {
      body.destroy()
      done(error)
    },
  })
  body.on('data', chunk => {
    if (!readable.push(chunk)) body.pause()
  })
  body.on('end', () => readable.push(null))
  body.on('error', error => {
    const translated = translate(error)
    readable.destroy(translated instanceof Error ? translated : new Error(String(translated), { cause: translated }))
  })
  body.pause()
  return readable
}
