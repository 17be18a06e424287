import { NimctlError } from '../../system/errors.ts'
import type { StoreOptions } from '../open.ts'

export interface Endpoint {
  /** The origin counts. */
  address: URL
  /** Not one of the servers that speak like it. */
  google: boolean
  /** Requests carry credentials. */
  signed: boolean
}

/** Emulators want none, and must not be shown any: so do Google's own libraries. */
export function findEndpoint({ endpointUrl, signRequests = true, gs: { emulatorHost } = {} }: StoreOptions): Endpoint {
  if (endpointUrl !== undefined)
    return { address: parse(endpointUrl, '--endpoint-url '), google: false, signed: signRequests }
  if (emulatorHost === undefined || emulatorHost === '') {
    return { address: new URL('https://storage.googleapis.com'), google: true, signed: signRequests }
  }
  const withScheme = emulatorHost.includes('://') ? emulatorHost : `http://${emulatorHost}`
  return { address: parse(withScheme, 'STORAGE_EMULATOR_HOST='), google: false, signed: false }
}

/** What is wrong may hold a password, so it is not shown. */
function parse(text: string, setting: string): URL {
  const address = URL.parse(text)
  if (address !== null && /^https?:$/.test(address.protocol)) return address
  throw new NimctlError('usage', 'ENDPOINT_URL_INVALID', {
    what: `What ${setting.slice(0, -1)} says is not the address of a server.`,
    next: `Write it as: ${setting}https://HOST:PORT`,
  })
}
