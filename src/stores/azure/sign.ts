import { createHmac, type KeyObject } from 'node:crypto'

export interface Signable {
  method: string
  /** As it goes over the wire: percent-encoded once, beginning with `/`. */
  path: string
  /** Decoded. */
  query: Readonly<Record<string, string>>
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
}

/** In the order of the rule; `date` stays empty, because `x-ms-date` stands in for it. */
const standardHeaders = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
]

/**
 * The Authorization header of an account's key:
 * https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
 */
export function sharedKeyAuthorization(request: Signable, account: string, key: KeyObject): string {
  const signature = createHmac('sha256', key).update(stringToSign(request, account)).digest('base64')
  return `SharedKey ${account}:${signature}`
}

function stringToSign({ method, path, query, headers }: Signable, account: string): string {
  let text = `${method}\n`
  for (const name of standardHeaders) text += `${valueOf(headers, name)}\n`
  for (const name of Object.keys(headers).toSorted()) {
    if (name.startsWith('x-ms-')) text += `${name}:${headers[name]?.trim()}\n`
  }
  text += `/${account}${path}`
  for (const name of Object.keys(query).toSorted()) text += `\n${name}:${query[name]}`
  return text
}

/** A length of zero is signed as if it were not there. */
function valueOf(headers: Readonly<Record<string, string>>, name: string): string {
  const value = headers[name] ?? ''
  return name === 'content-length' && value === '0' ? '' : value
}
