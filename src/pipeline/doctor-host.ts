import { readFile, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

import { errorCode, NimctlError } from '../system/errors.ts'
import { shownUrl } from '../system/secret.ts'
import { type DoctorFinding, look } from './look.ts'

export interface HostQuestion {
  /** Where caches, and what nimctl keeps, will lie. */
  directories: readonly string[]
  proxy?: { url: string; except?: string }
  /** Files with certificates, by the variable or flag that names them. */
  certificates: readonly { from: string; path: string }[]
  /** Registries, and whether credentials for them are on this host. */
  logins: readonly { registry: string; found: boolean }[]
}

/** Looks at this machine alone: nobody is asked over the network. */
export async function examineHost({
  directories,
  proxy,
  certificates,
  logins,
}: HostQuestion): Promise<DoctorFinding[]> {
  return [
    ...(await Promise.all(directories.map(examineDisk))),
    examineProxy(proxy),
    ...(await Promise.all(certificates.map(examineCertificates))),
    ...logins.map(examineLogin),
  ]
}

/** The weights of one small model in bf16. */
const littleBytes = 20 * 2 ** 30

async function examineDisk(directory: string): Promise<DoctorFinding> {
  const { path, freeBytes } = await findFree(directory)
  const found = `${(freeBytes / 2 ** 30).toFixed(1)} GiB free at ${path}`
  const name = `disk: ${directory}`
  if (freeBytes >= littleBytes) return { name, status: 'ok', found }
  return { name, status: 'warning', found, next: 'A model takes tens of gigabytes: free some, or work elsewhere.' }
}

/** Of the directory, or of the nearest one above it that is there. */
async function findFree(path: string): Promise<{ path: string; freeBytes: number }> {
  try {
    const { bavail, bsize } = await statfs(path)
    return { path, freeBytes: bavail * bsize }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    return await findFree(dirname(path))
  }
}

function examineProxy(proxy: HostQuestion['proxy']): DoctorFinding {
  const name = 'proxy'
  if (proxy === undefined) return { name, status: 'ok', found: 'none: HTTPS_PROXY is not set' }
  const url = URL.parse(proxy.url)
  if (url === null || !/^https?:$/.test(url.protocol))
    return { name, status: 'failed', found: 'HTTPS_PROXY is no address', next: 'Write it as http://HOST:PORT' }
  const except = proxy.except ? `, but for ${proxy.except}` : ', for every host: NO_PROXY is not set'
  return { name, status: 'ok', found: `${shownUrl(url)}${except}` }
}

async function examineCertificates({ from, path }: { from: string; path: string }): Promise<DoctorFinding> {
  return await look(`CA: ${from}`, async () => {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw new NimctlError('usage', 'CA_FILE_UNREADABLE', {
        what: `${path} can't be read: ${errorCode(error) ?? 'unknown'}.`,
        next: `Name a file with certificates in PEM with ${from}`,
      })
    })
    const count = text.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0
    if (count > 0) return `${count} ${count === 1 ? 'certificate' : 'certificates'} in ${path}`
    throw new NimctlError('usage', 'CA_FILE_UNREADABLE', {
      what: `${path} holds no certificate in PEM.`,
      next: 'It begins with -----BEGIN CERTIFICATE-----',
    })
  })
}

function examineLogin({ registry, found }: { registry: string; found: boolean }): DoctorFinding {
  const name = `login: ${registry}`
  if (found)
    return { name, status: 'ok', found: 'credentials are there; whether they are right shows the first request' }
  const next =
    registry === 'nvcr.io'
      ? 'export NGC_API_KEY=…, or: skopeo login nvcr.io'
      : `skopeo login ${registry}, if it asks for one`
  return { name, status: 'warning', found: 'no credentials on this host', next }
}
