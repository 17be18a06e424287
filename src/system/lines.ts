import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { stripVTControlCharacters } from 'node:util'

/** What has no line end for this long is not text that anybody reads line by line. */
const maxLineLength = 64 * 1024

/**
 * Hands on each line of a stream without terminal escapes. A lone CR ends a line too: progress bars draw with it.
 * Resolves when the stream has ended or was destroyed; an incomplete last line counts.
 */
export async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8')
  let pending = ''
  const push = (text: string) => {
    const lines = (pending + text).split(/\r\n|\n|\r(?!$)/)
    pending = lines.pop() ?? ''
    if (pending.length > maxLineLength) lines.push(pending.slice(0, maxLineLength))
    if (pending.length > maxLineLength) pending = ''
    for (const line of lines) onLine(stripVTControlCharacters(line))
  }
  try {
    for await (const chunk of stream) push(typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)))
  } finally {
    push(decoder.end())
    const last = pending.replace(/\r$/, '')
    if (last !== '') onLine(stripVTControlCharacters(last))
  }
}
