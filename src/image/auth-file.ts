import { join } from 'node:path'

import { writeFileAtomically } from '../system/files.ts'
import type { Secret } from '../system/secret.ts'

export interface RegistryCredentials {
  /** `<token>`, as credential helpers have it, where the password is an identity token. */
  username: string
  password: Secret
}

/**
 * Writes credentials where only this user can read them, in the format of containers-auth.json(5), which skopeo reads.
 *
 * @param registries all names under which the registry is asked.
 * @returns the file's path.
 */
export async function writeAuthFile(
  directory: string,
  registries: readonly string[],
  { username, password }: RegistryCredentials,
): Promise<string> {
  const path = join(directory, 'auth.json')
  const isToken = username === '<token>'
  const auth = Buffer.from(`${username}:${isToken ? '' : password.unwrap()}`).toString('base64')
  const entry = isToken ? { auth, identitytoken: password.unwrap() } : { auth }
  const auths = Object.fromEntries(registries.map(registry => [registry, entry]))
  await writeFileAtomically(path, JSON.stringify({ auths }), { mode: 0o600 })
  return path
}
