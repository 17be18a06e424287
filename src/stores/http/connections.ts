import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createSecureContext, DEFAULT_CIPHERS, getCACertificates } from 'node:tls'

import { errorMessage, NimctlError } from '../../system/errors.ts'
import type { StoreOptions } from '../open.ts'
import { tunnelThrough } from './proxy.ts'

/** Kept open and used again, by the SDK and by us. */
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

export async function openConnections(options: StoreOptions): Promise<Connections> {
  const common = { keepAlive: true, maxSockets, timeout: silenceMs, noDelay: true }
  const ca =
    options.caFile === undefined ? undefined : [...getCACertificates('default'), await readCaFile(options.caFile)]
  // Certificates given to the agent itself become part of each connection's name, made for each request: 1.5 ms.
  const secureContext = createSecureContext({ ciphers, ...(ca === undefined ? {} : { ca }) })
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
