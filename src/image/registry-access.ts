import { join } from 'node:path'
import { getCACertificates } from 'node:tls'

import { errorCode } from '../system/errors.ts'
import { writeFileAtomically } from '../system/files.ts'
import { type Connections, openConnections } from '../system/http/connections.ts'
import { networkFailure } from '../system/http/network-failure.ts'
import { send } from '../system/http/send.ts'
import type { Report } from '../system/progress.ts'
import { writeAuthFile } from './auth-file.ts'
import type { ImagePlace } from './mirror.ts'
import { withPrivateDirectory } from './private-directory.ts'
import { formatForSkopeo, type RegistryReference } from './reference.ts'
import { readRegistryCas, writeCertificates } from './registry-certificates.ts'
import { openRelay } from './relay.ts'

/** How skopeo is told to reach one side of a copy. */
export interface SkopeoAccess {
  /** In front of the command. */
  global: string[]
  flags: string[]
  name: string
}

interface AccessOptions {
  env: Record<string, string | undefined>
  signal: AbortSignal
  report: Report
}

/** Credentials and certificates lie in a private directory while `use` runs; a relay stands as long. */
export function withRegistryAccess<Result>(
  place: ImagePlace,
  prefix: '' | 'src-' | 'dest-',
  options: AccessOptions,
  use: (access: SkopeoAccess) => Promise<Result>,
): Promise<Result> {
  const { image, credentials, caFile } = place
  if (image.transport !== 'docker') return use({ global: [], flags: [], name: formatForSkopeo(image) })
  const { registry } = image
  return withPrivateDirectory(async directory => {
    if (place.relay !== undefined) return withRelay({ ...place, image }, { ...options, prefix, directory }, use)
    const tls = place.tlsVerify === false ? [`--${prefix}tls-verify=false`] : []
    const certificates = (await writeCertificates(directory, { registry, caFile, env: options.env }))
      ? [`--${prefix}cert-dir`, directory]
      : []
    const authfile = credentials && [`--${prefix}authfile`, await writeAuthFile(directory, [registry], credentials)]
    return use({ global: [], flags: [...tls, ...certificates, ...(authfile ?? [])], name: formatForSkopeo(image) })
  })
}

/**
 * A source keeps its name, so that a policy for signatures counts as it would without the relay; of a destination skopeo
 * reads no such settings, and only a name of its own leads through the relay.
 */
async function withRelay<Result>(
  place: ImagePlace & { image: RegistryReference },
  { env, signal, report, prefix, directory }: AccessOptions & { prefix: string; directory: string },
  use: (access: SkopeoAccess) => Promise<Result>,
): Promise<Result> {
  const { image, side, credentials, relay: settings } = place
  const connections = await openRegistryConnections(place, { env, directory })
  const origin = await findOrigin(place, connections, signal)
  const relay = await openRelay({ origin, connections, maxRetries: settings?.maxRetries ?? 0, signal, report })
  try {
    const registries = [relay.host, image.registry]
    const authfile = credentials && [`--${prefix}authfile`, await writeAuthFile(directory, registries, credentials)]
    const flags = authfile ?? []
    if (side === 'destination') {
      const name = formatForSkopeo({ ...image, registry: relay.host })
      return await use({ global: [], flags: [`--${prefix}tls-verify=false`, ...flags], name })
    }
    const conf = join(directory, 'registries.conf')
    const lines = [
      'unqualified-search-registries = []',
      '[[registry]]',
      `prefix = "${image.registry}"`,
      `location = "${relay.host}"`,
      'insecure = true',
    ]
    await writeFileAtomically(conf, `${lines.join('\n')}\n`, { mode: 0o600 })
    return await use({ global: ['--registries-conf', conf], flags, name: formatForSkopeo(image) })
  } finally {
    relay.close()
    connections.httpAgent.destroy()
    connections.httpsAgent.destroy()
  }
}

async function openRegistryConnections(
  { image, caFile, tlsVerify, proxy }: ImagePlace & { image: RegistryReference },
  { env, directory }: { env: AccessOptions['env']; directory: string },
): Promise<Connections> {
  // skopeo trusts what the system trusts, and Node.js its own list.
  const named = await readRegistryCas(image.registry, caFile, env)
  const bundle = join(directory, 'trusted.pem')
  await writeFileAtomically(bundle, [...getCACertificates('system'), named].join('\n'))
  return openConnections({
    caFile: bundle,
    ...(tlsVerify === false && { insecureSkipTlsVerify: true }),
    ...(proxy !== undefined && { proxy }),
  })
}

/** As skopeo does: plain HTTP only where checking TLS was switched off and TLS is not spoken. */
async function findOrigin(
  { image, tlsVerify }: ImagePlace & { image: RegistryReference },
  connections: Connections,
  signal: AbortSignal,
): Promise<URL> {
  // Docker's name for people is not that of its server.
  const host = image.registry === 'docker.io' ? 'registry-1.docker.io' : image.registry
  const secure = new URL(`https://${host}`)
  if (tlsVerify !== false) return secure
  try {
    const to = { secure: true, hostname: secure.hostname.replace(/^\[|\]$/g, ''), port: secure.port }
    const answer = await send(connections, { to, method: 'GET', path: '/v2/', headers: { host: secure.host }, signal })
    answer.resume()
    return secure
  } catch (error) {
    const failure = networkFailure(errorCode(error))
    return failure === 'tls-not-spoken' || errorCode(error) === 'ECONNREFUSED' ? new URL(`http://${host}`) : secure
  }
}
