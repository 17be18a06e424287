import type { ImageCopier } from '../image/mirror.ts'
import type { Store } from '../stores/store.ts'
import type { ContainerEngine } from '../system/container-engine.ts'
import type { ConnectionOptions } from '../system/http/connections.ts'
import { shownUrl } from '../system/secret.ts'
import { examineHost, type HostQuestion } from './doctor-host.ts'
import { examineImage, type ImageQuestion } from './doctor-image.ts'
import { examineServer } from './doctor-server.ts'
import { examineWriting } from './doctor-write.ts'
import { type DoctorFinding, look } from './look.ts'

export interface Examination {
  openSkopeo: () => Promise<ImageCopier>
  openEngine: () => Promise<ContainerEngine>
  /** Whether an NGC key is in the environment. */
  keySet: boolean
  /** What is to be pulled, if anything. */
  image?: Omit<ImageQuestion, 'signal'>
  host: HostQuestion
  places: readonly ExaminedPlace[]
  /** Try also to change the stores. */
  write: boolean
  /** Bytes that are to be transferred, for which the time is estimated. */
  transferBytes?: number
  signal: AbortSignal
}

/** A store, and how it is reached. */
export interface ExaminedPlace {
  url: URL
  open: () => Promise<Store>
  /** Its server, where it is asked over HTTP. */
  server?: URL
  connections: ConnectionOptions
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
    await examineRuntimes(examination.openEngine),
    findKey(examination.keySet),
    ...(await examineHost(examination.host)),
    ...(examination.image === undefined
      ? []
      : await examineImage({ ...examination.image, signal: examination.signal })),
    ...(await Promise.all(examination.places.map(place => examineStore(place, examination)))).flat(),
  ]
}

async function examineRuntimes(openEngine: Examination['openEngine']): Promise<DoctorFinding> {
  const name = 'GPU runtime'
  const { status, found } = await look(name, async () => (await (await openEngine()).runtimes()).join(', '))
  if (status === 'ok' && found.split(', ').includes('nvidia'))
    return { name, status, found: 'the engine has the runtime nvidia' }
  return {
    name,
    status: 'warning',
    found: status === 'ok' ? `the engine has ${found}` : 'the engine can’t be asked',
    next: 'Only what asks the GPUs of this host needs it (profiles --on docker --gpus all): install the NVIDIA Container Toolkit',
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

/** Looks at one store; whatever can't be told is a finding too. */
async function examineStore(
  { url, open, server: address, connections }: ExaminedPlace,
  { write, transferBytes, signal }: Examination,
): Promise<DoctorFinding[]> {
  const name = shownUrl(url)
  const server = address === undefined ? [] : await examineServer({ name, address, connections, signal })
  let store: Store | undefined
  try {
    const listed = await look(name, async () => {
      store = await open()
      return await examineListing(store, signal)
    })
    const written =
      write && store !== undefined && listed.status !== 'failed'
        ? await examineWriting({ name, store, ...(transferBytes !== undefined && { transferBytes }), signal })
        : []
    return [listed, ...server, ...written, ...(write || transferBytes === undefined ? [] : [notMeasured(name)])]
  } finally {
    store?.close()
  }
}

function notMeasured(name: string): DoctorFinding {
  return {
    name: `${name}: throughput`,
    status: 'warning',
    found: 'not measured',
    next: 'Something has to be written for it: --write',
  }
}

/** Of a store that can't be listed: it does not matter whether this is there. */
const anyKey = '.nimctl/doctor'

async function examineListing(store: Store, signal: AbortSignal): Promise<string> {
  if (store.capabilities.listing === 'none') {
    await store.stat(anyKey, { signal })
    return 'can be read, but not listed: it is asked for each key'
  }
  const { objects, cursor } = await store.list('', undefined, { signal })
  return `can be listed (${objects.length}${cursor === undefined ? '' : ' or more'} objects)`
}
