import type { ImageCopier } from '../image/mirror.ts'
import type { Store } from '../stores/store.ts'
import type { ContainerEngine } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import { crc32c } from '../system/hash.ts'
import { shownUrl } from '../system/secret.ts'

export interface DoctorFinding {
  name: string
  status: 'ok' | 'warning' | 'failed'
  found: string
  next?: string
}

export interface Examination {
  openSkopeo: () => Promise<ImageCopier>
  openEngine: () => Promise<ContainerEngine>
  /** Whether an NGC key is in the environment. */
  keySet: boolean
  urls: readonly URL[]
  openStore: (url: URL) => Promise<Store>
  /** Try also to change the stores. */
  write: boolean
  signal: AbortSignal
}

/** Looks for what the commands need, all of it, whatever fails. */
export async function examine(examination: Examination): Promise<DoctorFinding[]> {
  return [
    { name: 'Node.js', status: 'ok', found: process.versions.node },
    await look('skopeo', async () => {
      const { version } = await examination.openSkopeo()
      return `version ${version}, for mirror`
    }),
    await look('container engine', async () => {
      const engine = await examination.openEngine()
      const { version, apiVersion } = await engine.version()
      return `version ${version} (API ${apiVersion}) at ${engine.address}, for profiles and cache`
    }),
    findKey(examination.keySet),
    ...(await Promise.all(examination.urls.map(url => look(shownUrl(url), () => examineStore(url, examination))))),
  ]
}

async function look(name: string, examineIt: () => Promise<string>): Promise<DoctorFinding> {
  try {
    return { name, status: 'ok', found: await examineIt() }
  } catch (error) {
    if (!(error instanceof NimctlError)) throw error
    const { message, why, next } = error
    return {
      name,
      status: 'failed',
      found: [message, why].filter(Boolean).join(' '),
      ...(next !== undefined && { next }),
    }
  }
}

function findKey(keySet: boolean): DoctorFinding {
  if (keySet) return { name: 'NGC key', status: 'ok', found: 'set in the environment' }
  return {
    name: 'NGC key',
    status: 'warning',
    found: 'neither NGC_API_KEY nor NGC_CLI_API_KEY is set',
    next: 'nimctl cache needs one in the connected zone: export NGC_API_KEY=…',
  }
}

const probeKey = '.nimctl/doctor'

async function examineStore(url: URL, { openStore, write, signal }: Examination): Promise<string> {
  const store = await openStore(url)
  try {
    const listed = await examineListing(store, signal)
    if (!write) return listed
    const bytes = Buffer.from('nimctl doctor')
    await store.put(probeKey, bytes, { crc32c: crc32c(bytes) }, { signal })
    const { crc32c: sum } = (await store.stat(probeKey, { signal })) ?? {}
    await store.remove(probeKey, { signal })
    return `${listed}, can be written and removed from, ${sum === undefined ? 'keeps no checksum' : 'keeps CRC32C of whole objects'}`
  } finally {
    store.close()
  }
}

async function examineListing(store: Store, signal: AbortSignal): Promise<string> {
  if (store.capabilities.listing === 'none') {
    await store.stat(probeKey, { signal })
    return 'can be read, but not listed: it is asked for each key'
  }
  const { objects, cursor } = await store.list('', undefined, { signal })
  return `can be listed (${objects.length}${cursor === undefined ? '' : ' or more'} objects)`
}
