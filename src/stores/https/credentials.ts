import { readFile } from 'node:fs/promises'

import { errorMessage, NimctlError } from '../../system/errors.ts'
import type { HttpsSettings } from './settings.ts'

/** What proves to a server who asks. */
export interface Credentials {
  /** There are any. */
  readonly given: boolean
  /** They stand in a file, where new ones may stand later. */
  readonly renewable: boolean
  /** The user's name; of a token nobody knows whose it is. */
  readonly identity: string | undefined
  /** Names in lower case. */
  headers(): Promise<Record<string, string>>
  /** Files are read anew for the next request. */
  forget(): void
}

/** User and password of the address come first, then those of the environment, then a token. */
export function findCredentials(url: URL, settings: HttpsSettings): Credentials {
  const { username, password, token, tokenFile, headerFile } = settings
  const basic = basicOf(url) ?? (username === undefined ? undefined : encode(username, password?.unwrap() ?? ''))
  const fixed = basic ?? (token === undefined ? undefined : `Bearer ${token.unwrap()}`)
  const fromFile = fixed === undefined ? tokenFile : undefined
  const readHeaders = async () => ({
    ...(fixed !== undefined && { authorization: fixed }),
    ...(fromFile !== undefined && { authorization: `Bearer ${await readToken(fromFile)}` }),
    ...(headerFile !== undefined && (await readHeaderFile(headerFile))),
  })
  let known: Promise<Record<string, string>> | undefined
  return {
    given: fixed !== undefined || fromFile !== undefined || headerFile !== undefined,
    renewable: fromFile !== undefined || headerFile !== undefined,
    identity: identityOf(url, settings),
    headers: () => (known ??= readHeaders()),
    forget: () => (known = undefined),
  }
}

function identityOf(
  { username: ofAddress }: URL,
  { username = '', token, tokenFile, headerFile }: HttpsSettings,
): string | undefined {
  const name = ofAddress === '' ? username : decodeURIComponent(ofAddress)
  if (name !== '') return `user ${name}`
  if (token !== undefined || tokenFile !== undefined) return 'an access token'
  return headerFile === undefined ? undefined : 'headers of a file'
}

function basicOf({ username, password }: URL): string | undefined {
  return username === '' ? undefined : encode(decodeURIComponent(username), decodeURIComponent(password))
}

function encode(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

async function readToken(path: string): Promise<string> {
  const token = (await readSecretFile(path, 'the access token')).trim()
  if (/^[\x21-\x7E]+$/.test(token)) return token
  throw new NimctlError('auth', 'CREDENTIALS_MISSING', {
    what: `The file for the access token, ${path}, holds none.`,
    next: 'Write the token into it, and nothing else.',
  })
}

/** Messages name the line and never show it: it may hold a secret. */
async function readHeaderFile(path: string): Promise<Record<string, string>> {
  const lines = (await readSecretFile(path, 'headers')).split(/\r?\n/)
  return Object.fromEntries(
    lines.flatMap((line, index) => {
      if (line.trim() === '') return []
      const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7E]+)$/.exec(line.trimEnd()) ?? []
      if (name !== undefined && value !== undefined) return [[name.toLowerCase(), value]]
      throw new NimctlError('usage', 'HEADER_FILE_INVALID', {
        what: `Line ${index + 1} of ${path} is not a header.`,
        next: 'Write one on each line: NAME: VALUE',
      })
    }),
  )
}

async function readSecretFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new NimctlError('auth', 'CREDENTIALS_MISSING', {
      what: `The file for ${what}, ${path}, can't be read.`,
      why: errorMessage(error),
      cause: error,
    })
  }
}
