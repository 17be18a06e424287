import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Agent } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'

import type { DockerOptions } from 'dockerode'

import { errorCode, NimctlError } from './errors.ts'

export interface DockerConnection {
  /** As DOCKER_HOST would say it. */
  address: string
  options: DockerOptions & { agent?: Agent }
}

type Environment = Record<string, string | undefined>

const defaultAddress = 'unix:///var/run/docker.sock'

/**
 * Where the engine is, as the docker command line decides: DOCKER_HOST, then the context of DOCKER_CONTEXT or
 * `docker context use`, then the usual socket. TLS from DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or from the context.
 *
 * @throws NimctlError `usage` / `DOCKER_HOST_INVALID`, `DOCKER_CONTEXT_UNKNOWN`.
 */
export async function findDockerConnection(env: Environment): Promise<DockerConnection> {
  const host = env['DOCKER_HOST']
  if (host !== undefined && host !== '') {
    const verify = (env['DOCKER_TLS_VERIFY'] ?? '') !== ''
    const certificates = env['DOCKER_CERT_PATH'] ?? (verify ? configDirectory(env) : undefined)
    return connect(host, verify, certificates, env)
  }
  const context = await currentContext(env)
  if (context === undefined) return connect(defaultAddress, false, undefined, env)
  return connect(context.host, context.certificates !== undefined, context.certificates, env)
}

async function connect(
  address: string,
  verify: boolean,
  certificates: string | undefined,
  env: Environment,
): Promise<DockerConnection> {
  const url = parseAddress(address)
  if (url.protocol === 'unix:') {
    return {
      address,
      options: withoutHost({ socketPath: url.pathname === '' ? '/var/run/docker.sock' : url.pathname }),
    }
  }
  if (url.protocol === 'ssh:') {
    const { openSshAgent } = await import('./docker-ssh.ts')
    // dockerode's own client for ssh asks for no host key. The host is only what stands in the header.
    return { address, options: { protocol: 'http', host: url.hostname, port: 80, agent: openSshAgent(url, env) } }
  }
  const secure = verify || url.protocol === 'https:' || url.port === '2376'
  return {
    address,
    options: {
      protocol: secure ? 'https' : 'http',
      host: url.hostname,
      port: url.port === '' ? (secure ? 2376 : 2375) : Number(url.port),
      ...(secure && certificates !== undefined && (await readCertificates(certificates))),
    },
  }
}

/** dockerode fills in what its own reading of DOCKER_HOST says, unless it is told that there is no host. */
function withoutHost(options: DockerOptions): DockerOptions {
  return Object.assign(options, { host: undefined, port: undefined, protocol: 'http' as const })
}

function parseAddress(address: string): URL {
  const url = URL.parse(address.includes('://') ? address : `tcp://${address}`)
  if (url !== null && ['unix:', 'tcp:', 'http:', 'https:', 'ssh:'].includes(url.protocol)) return url
  throw new NimctlError('usage', 'DOCKER_HOST_INVALID', {
    what: `"${address}" is not the address of a container engine.`,
    next: 'Set DOCKER_HOST to unix:///path/to/docker.sock, tcp://host:port or ssh://user@host.',
  })
}

async function readCertificates(folder: string): Promise<Pick<DockerOptions, 'ca' | 'cert' | 'key'>> {
  try {
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', 'cert.pem', 'key.pem'].map(name => readFile(join(folder, name))),
    )
    return { ca, cert, key }
  } catch (error) {
    throw new NimctlError('usage', 'DOCKER_CERTIFICATES_MISSING', {
      what: `The engine's certificates could not be read from ${folder}.`,
      why: errorCode(error),
      next: 'Set DOCKER_CERT_PATH to the directory that holds ca.pem, cert.pem and key.pem.',
      cause: error,
    })
  }
}

/** `undefined` for the context named `default`. */
async function currentContext(env: Environment): Promise<{ host: string; certificates?: string } | undefined> {
  const config = await readJson(join(configDirectory(env), 'config.json'))
  const name = env['DOCKER_CONTEXT'] ?? textAt(config, 'currentContext')
  if (name === undefined || name === '' || name === 'default') return undefined
  const id = createHash('sha256').update(name).digest('hex')
  const contexts = join(configDirectory(env), 'contexts')
  const meta = await readJson(join(contexts, 'meta', id, 'meta.json'))
  const host = textAt(meta, 'Endpoints', 'docker', 'Host')
  if (host === undefined) {
    throw new NimctlError('usage', 'DOCKER_CONTEXT_UNKNOWN', {
      what: `The Docker context "${name}" is not defined.`,
      next: 'List the contexts with: docker context ls',
    })
  }
  const certificates = join(contexts, 'tls', id, 'docker')
  const secured = await readFile(join(certificates, 'key.pem')).then(
    () => true,
    () => false,
  )
  return { host, ...(secured && { certificates }) }
}

function configDirectory(env: Environment): string {
  return env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker')
}

/** What can't be read or parsed counts as not there, as for the docker command line. */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}

function textAt(value: unknown, ...keys: string[]): string | undefined {
  let current: unknown = value
  for (const key of keys) {
    if (typeof current !== 'object' || current === null) return undefined
    current = Object.entries(current).find(([name]) => name === key)?.[1]
  }
  return typeof current === 'string' ? current : undefined
}
