import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { writeFileAtomically } from '../system/files.ts'
import type { Secret } from '../system/secret.ts'

export interface RegistryCredentials {
  username: string
  password: Secret
}

/**
 * Writes credentials where only this user can read them, hands the path on, and removes it whatever happens.
 * The format is that of containers-auth.json(5), which skopeo reads.
 */
export async function withAuthFile<Result>(
  registry: string,
  { username, password }: RegistryCredentials,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-auth-'))
  try {
    const path = join(directory, 'auth.json')
    const auth = Buffer.from(`${username}:${password.unwrap()}`).toString('base64')
    await writeFileAtomically(path, JSON.stringify({ auths: { [registry]: { auth } } }), { mode: 0o600 })
    return await use(path)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
