import { isIP } from 'node:net'
import { connect } from 'node:tls'

import { NimctlError } from '../errors.ts'
import { sanitize } from '../secret.ts'

/**
 * A refused certificate with the name of who signed it, which Node leaves out: the server is asked for it once more.
 * Nothing is sent to it.
 */
export async function namingIssuer(error: NimctlError, endpoint: string): Promise<NimctlError> {
  const issuer = await askIssuer(new URL(endpoint))
  if (issuer === undefined) return error
  const { category, code, message, why, next, mend, cause } = error
  return new NimctlError(category, code, {
    what: message,
    why: `It was issued by "${issuer}". ${why ?? ''}`.trim(),
    next,
    mend,
    cause,
  })
}

const askMs = 5_000

function askIssuer({ hostname, port }: URL): Promise<string | undefined> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const named = isIP(host) === 0 ? { servername: host } : {}
  return new Promise(resolve => {
    const socket = connect({ host, port: Number(port || 443), rejectUnauthorized: false, ...named })
    const end = (issuer?: string) => {
      socket.destroy()
      resolve(issuer)
    }
    socket.setTimeout(askMs, end)
    socket.once('error', () => end())
    socket.once('secureConnect', () => {
      const { issuer } = socket.getPeerCertificate()
      const name = [issuer?.CN ?? issuer?.O].flat()[0]
      end(name === undefined ? undefined : sanitize(name))
    })
  })
}
