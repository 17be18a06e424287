import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import {
  createSecureContext,
  DEFAULT_CIPHERS,
  getCACertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls'

import { errorMessage, NimctlError } from '../errors.ts'
import { type ProxySettings, tunnelThrough } from './proxy.ts'

export interface ConnectionOptions {
  /** Certificates in PEM, trusted beside those of the system. */
  caFile?: string
  insecureSkipTlsVerify?: boolean
  /** Files in PEM with which this side proves who it is, where a server asks for it (mutual TLS). */
  clientCertificate?: string
  clientKey?: string
  /** For requests over TLS. */
  proxy?: ProxySettings
}

/** Kept open and used again, by SDKs and by us. */
export interface Connections {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
}

/** How long a connection may stay silent before it is given up. */
export const silenceMs = 60_000
/** The same where the server puts an object together or copies one, which may take minutes. */
export const longSilenceMs = 300_000
export const connectMs = 10_000

const maxSockets = 64

export async function openConnections(options: ConnectionOptions): Promise<Connections> {
  const common = { keepAlive: true, maxSockets, timeout: silenceMs, noDelay: true }
  const ca =
    options.caFile === undefined ? undefined : [...getCACertificates('default'), await readCaFile(options.caFile)]
  const identity = await readIdentity(options)
  // Certificates given to the agent itself become part of each connection's name, made for each request: 1.5 ms.
  const secureContext = openSecureContext({ ciphers, ...(ca === undefined ? {} : { ca }), ...identity })
  const unchecked = options.insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}
  const httpsAgent = new HttpsAgent({ ...common, ...unchecked, secureContext })
  if (options.proxy !== undefined) tunnelThrough(httpsAgent, options.proxy)
  return { httpAgent: new HttpAgent(common), httpsAgent }
}

/**
 * Node's own, with AES-128 before AES-256: a server that leaves the choice to us is sent to with 13% less CPU, and Amazon
 * chooses it anyway. None is added or left out.
 */
const cheapest = 'TLS_AES_128_GCM_SHA256'
const ciphers = DEFAULT_CIPHERS.split(':')
  .toSorted((a, b) => Number(b === cheapest) - Number(a === cheapest))
  .join(':')

/** Who this side is, where the server asks for it. */
async function readIdentity({
  clientCertificate,
  clientKey,
}: ConnectionOptions): Promise<{ cert?: string; key?: string }> {
  if (clientCertificate === undefined && clientKey === undefined) return {}
  if (clientCertificate === undefined || clientKey === undefined) {
    throw new NimctlError('usage', 'CLIENT_CERTIFICATE_INVALID', {
      what: 'A client certificate and its key belong together, and one of them was not named.',
      next: 'Name both: --client-certificate FILE --client-key FILE',
    })
  }
  const read = async (path: string): Promise<string> => {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      throw clientCertificateInvalid(`${path} can't be read.`, error)
    }
  }
  return { cert: await read(clientCertificate), key: await read(clientKey) }
}

function openSecureContext(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options)
  } catch (error) {
    if (options.cert === undefined) throw error
    throw clientCertificateInvalid('The client certificate and its key are not PEM, or do not belong together.', error)
  }
}

function clientCertificateInvalid(what: string, cause: unknown): NimctlError {
  const next = 'Name files in PEM, the key without a passphrase: --client-certificate FILE --client-key FILE'
  return new NimctlError('usage', 'CLIENT_CERTIFICATE_INVALID', { what, why: errorMessage(cause), next, cause })
}

async function readCaFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new NimctlError('usage', 'CA_FILE_UNREADABLE', {
      what: `The file with CA certificates, ${path}, can't be read.`,
      why: errorMessage(error),
      cause: error,
    })
  }
}
