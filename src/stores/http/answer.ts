import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A server's answer, its body read to the end. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** A page of a listing with the longest keys has 4 MiB, all else is short. More is not waited for. */
const longestBody = 16 * 1024 * 1024

export function readAnswer(incoming: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const finish = () => {
      const text = length === 0 ? '' : Buffer.concat(chunks).toString()
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })
    }
    incoming.on('error', reject)
    incoming.on('end', finish)
    incoming.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length <= longestBody) return
      finish()
      incoming.destroy()
    })
  })
}
