import { readFile } from 'node:fs/promises'

import { errorMessage, NimctlError } from '../../system/errors.ts'
import { secret, type Secret } from '../../system/secret.ts'
import type { HdfsSettings } from './settings.ts'

/** Who asks. */
export interface Caller {
  /** What each question to a namenode says of it. */
  query(): Promise<Record<string, string>>
  /** What must not be shown, once it is known. */
  token(): Secret | undefined
  /** What was used is no longer accepted: the file is read anew. */
  renew(): Promise<void>
}

export function openCaller({ user, token: given, tokenFile }: HdfsSettings): Caller {
  let token = given
  const find = async (): Promise<Secret | undefined> => {
    if (token === undefined && tokenFile !== undefined) token = await readToken(tokenFile)
    return token
  }
  return {
    async query() {
      const found = await find()
      if (found !== undefined) return { delegation: found.unwrap() }
      return user === undefined ? {} : { 'user.name': user }
    },
    token: () => token,
    async renew() {
      if (tokenFile !== undefined) token = await readToken(tokenFile)
    },
  }
}

/** @throws NimctlError `auth` / `TOKEN_FILE_UNREADABLE`. */
async function readToken(path: string): Promise<Secret> {
  try {
    return secret(await readFile(path, 'utf8'))
  } catch (error) {
    throw new NimctlError('auth', 'TOKEN_FILE_UNREADABLE', {
      what: `The file with the delegation token, ${path}, can't be read.`,
      why: errorMessage(error),
      cause: error,
    })
  }
}
