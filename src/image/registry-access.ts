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
import { formatForSkopeo, formatImageReference, type RegistryReference } from './reference.ts'
import { readRegistryCas, writeCertificates } from './registry-certificates.ts'
import { type RegistrySession, registryHost, startSession } from './registry/session.ts'
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
  reach: Reach
}

type RegistryPlace = ImagePlace & { image: RegistryReference }

/** How nimctl itself comes to a registry. */
export type Reach = (place: RegistryPlace, signal: AbortSignal) => Promise<{ origin: URL; connections: Connections }>

/** Certificates are read, and the registry is looked for, once. */
export function openReach(env: AccessOptions['env']): Reach {
  const known = new Map<string, ReturnType<Reach>>()
  return (place, signal) => {
    const key = `${place.side} ${place.image.registry}`
    const opening = known.get(key) ?? openRegistry(place, { env, signal })
    known.set(key, opening)
    opening.catch(() => known.delete(key))
    return opening
  }
}

async function openRegistry(
  place: RegistryPlace,
  { env, signal }: { env: AccessOptions['env']; signal: AbortSignal },
): ReturnType<Reach> {
  const connections = await withPrivateDirectory(directory => openRegistryConnections(place, { env, directory }))
  return { connections, origin: await findOrigin(place, connections, signal) }
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
  place: RegistryPlace,
  { reach, signal, report, prefix, directory }: AccessOptions & { prefix: string; directory: string },
  use: (access: SkopeoAccess) => Promise<Result>,
): Promise<Result> {
  const { image, side, credentials, relay: settings } = place
  const { connections, origin } = await reach(place, signal)
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
  }
}

/** To ask a registry what skopeo can't, with the same credentials and certificates. */
export async function reachRegistry(
  place: RegistryPlace,
  { reach, signal, report }: AccessOptions,
): Promise<RegistrySession> {
  const { image, credentials } = place
  const { repository } = image
  const at = { image: formatImageReference(image), repository, ...(await reach(place, signal)) }
  return startSession(at, { ...(credentials && { credentials }), retry: usualRetry, report })
}

/** A copy is begun anew after this. */
const usualRetry = { maxRetries: 5, firstWaitMs: 100, longestWaitMs: 10_000 }

async function openRegistryConnections(
  { image, caFile, tlsVerify, proxy }: RegistryPlace,
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
  { image, tlsVerify }: RegistryPlace,
  connections: Connections,
  signal: AbortSignal,
): Promise<URL> {
  const host = registryHost(image.registry)
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
