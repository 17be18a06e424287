import { copyFile, readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

import { errorMessage, NimctlError } from '../system/errors.ts'
import { writeFileAtomically } from '../system/files.ts'

type Environment = Record<string, string | undefined>

/**
 * Puts together what is known of a registry's certificates, as containers-certs.d(5) wants it: the CA that was named and
 * NODE_EXTRA_CA_CERTS as `ca.crt`, beside them what lies for this registry in a certs.d. A directory that is named takes
 * the place of certs.d, so the one has to hold the other.
 *
 * @returns whether there is anything.
 * @throws NimctlError `usage` / `CA_FILE_UNREADABLE`.
 */
export async function writeCertificates(
  directory: string,
  { registry, caFile, env }: { registry: string; caFile?: string | undefined; env: Environment },
): Promise<boolean> {
  const named = [caFile, env['NODE_EXTRA_CA_CERTS']].filter(path => path !== undefined && path !== '')
  if (named.length === 0) return false
  const texts = await Promise.all(named.map(path => readCertificates(path ?? '')))
  await writeFileAtomically(join(directory, 'ca.crt'), texts.join('\n'))
  const known = await findKnown(registry, env)
  for (const [index, { folder, name }] of known.entries()) {
    // client.cert and client.key belong together by their names.
    await copyFile(join(folder, name), join(directory, name.endsWith('.crt') ? `${index}.crt` : name))
  }
  return true
}

/** All CA certificates for a registry in one text, for whoever asks it without skopeo; empty where there are none. */
export async function readRegistryCas(registry: string, caFile: string | undefined, env: Environment): Promise<string> {
  const known = (await findKnown(registry, env)).filter(({ name }) => name.endsWith('.crt'))
  const paths = [caFile, env['SSL_CERT_FILE'], ...known.map(({ folder, name }) => join(folder, name))]
  const texts = await Promise.all(paths.flatMap(path => (path ? [readCertificates(path)] : [])))
  return texts.join('\n')
}

/** As skopeo looks: the first folder that there is. */
async function findKnown(registry: string, env: Environment): Promise<{ folder: string; name: string }[]> {
  const own = join(env['HOME'] ?? homedir(), '.config/containers/certs.d')
  for (const certsDirectory of [own, '/etc/containers/certs.d', '/etc/docker/certs.d']) {
    const folder = join(certsDirectory, registry)
    const names = await readdir(folder).catch(() => undefined)
    if (names !== undefined)
      return names.filter(name => /\.(?:crt|cert|key)$/.test(name)).map(name => ({ folder, name }))
  }
  return []
}

async function readCertificates(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new NimctlError('usage', 'CA_FILE_UNREADABLE', {
      what: `The file with CA certificates, ${path}, can't be read.`,
      why: errorMessage(error),
      next: 'Look at --ca-file, NODE_EXTRA_CA_CERTS and SSL_CERT_FILE.',
      cause: error,
    })
  }
}
