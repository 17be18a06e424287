import type { Readable } from 'node:stream'

/**
 * A stream whose reader comes later: retries and traces stand between. An abort in the meantime is told to the reader
 * when it comes, and must not end the process as an error that nobody listens for.
 */
export function awaitedStream(stream: Readable): Readable {
  return stream.on('error', () => {})
}
