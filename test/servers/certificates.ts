import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { requireProgram } from './locate.ts'

export interface Certificates {
  /** File of the CA that signed. */
  caFile: string
  /** PEM, for a server at 127.0.0.1. */
  key: string
  cert: string
}

/** A CA of one's own, and what it signed, as in a company's network. */
export async function makeCertificates(directory: string, authority: string): Promise<Certificates> {
  const openssl = requireProgram('registry', 'openssl')
  const at = (name: string) => join(directory, name)
  const request = async (subject: string, name: string, ...more: string[]) =>
    await execa(openssl, [
      ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', subject, '-keyout', at(`${name}.key`)],
      ...more,
    ])
  await request(`/CN=${authority}`, 'ca', '-x509', '-days', '2', '-out', at('ca.pem'))
  await request('/CN=storage', 'server', '-out', at('server.csr'))
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1\n')
  await execa(openssl, [
    ...['x509', '-req', '-days', '2', '-in', at('server.csr'), '-extfile', at('names')],
    ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-out', at('server.pem')],
  ])
  const [key, cert] = [readFileSync(at('server.key'), 'utf8'), readFileSync(at('server.pem'), 'utf8')]
  return { caFile: at('ca.pem'), key, cert }
}
