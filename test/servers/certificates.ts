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
  const make = (name: string, subject: string, ...more: string[]) =>
    execa(openssl, [
      ...'req -newkey rsa:2048 -nodes'.split(' '),
      '-subj',
      subject,
      '-keyout',
      at(`${name}.key`),
      ...more,
    ])
  await make('ca', `/CN=${authority}`, '-x509', '-days', '2', '-out', at('ca.pem'))
  await make('server', '/CN=storage', '-out', at('server.csr'))
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1\n')
  const named = ['-in', at('server.csr'), '-extfile', at('names'), '-out', at('server.pem')]
  const signed = ['-days', '2', '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial']
  await execa(openssl, ['x509', '-req', ...named, ...signed])
  const [key, cert] = [readFileSync(at('server.key'), 'utf8'), readFileSync(at('server.pem'), 'utf8')]
  return { caFile: at('ca.pem'), key, cert }
}
