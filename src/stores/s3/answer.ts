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

/**
 * An error has a status of 300 and above, or hides in a body that follows a 200: a copy answers early and says later
 * how it went (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
 */
export function isFailure({ status, text }: Answer): boolean {
  return status >= 300 || /^\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]/.test(text)
}

/** Shaped as the SDK's errors, so that one table reads both (errors.ts). */
export function failureOf({ status, headers, text }: Answer): Error {
  const region = element(text, 'Region') ?? element(text, 'BucketRegion')
  const serverTime = element(text, 'ServerTime')
  return Object.assign(new Error(element(text, 'Message') ?? ''), {
    name: element(text, 'Code') ?? 'UnknownError',
    $metadata: { httpStatusCode: status },
    $response: { headers },
    ...(region === undefined ? {} : { Region: region }),
    ...(serverTime === undefined ? {} : { ServerTime: serverTime }),
  })
}

/** An answer that should have had a result. An empty one is a copy that the server gave up. */
export function resultMissing({ status, headers, text }: Answer, result: string): Error {
  const name = text.trim() === '' ? 'InternalError' : 'SyntaxError'
  const message = `The answer has no ${result}.`
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status }, $response: { headers } })
}

/** The text of the first element of this name that holds nothing but text. Answers of S3 have no attributes there. */
export function element(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`)
  if (start < 0) return undefined
  const from = start + name.length + 2
  const end = xml.indexOf('<', from)
  return xml.startsWith(`</${name}>`, end) ? withoutEntities(xml.slice(from, end)) : undefined
}

function withoutEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(quot|apos|lt|gt|amp));/g, (all, decimal, hex, name) => {
    if (typeof name === 'string') return entities[name] ?? all
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : all
  })
}

const entities: Record<string, string> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }
