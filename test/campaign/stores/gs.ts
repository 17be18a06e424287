import { startGcpStorageEmulator } from '../../servers/gcs.ts'
import { startWatchingProxy, type Asked, type Language, type Understood } from '../watching-proxy.ts'
import type { CampaignStore, View } from './campaign-store.ts'

const bucketName = 'models'

/** Of nimctl: they divide a stream that Google counts in bytes. */
interface Parts {
  partSize: number
}

/** fake-gcs-server ends an upload when it is asked how far it came. What is open, neither server nor Google can list. */
export const gs: CampaignStore = {
  name: 'gs',
  tellsContent: true,
  phases: ['create', 'complete', 'copy', 'inventory', 'put'],
  downloads: true,
  async start() {
    const server = await startGcpStorageEmulator({ buckets: [bucketName] })
    const watcher = await startWatchingProxy(server.endpoint, openLanguage({ partSize: 5 * 2 ** 20 }))
    return {
      url: prefix => `gs://${bucketName}/${prefix}`,
      env: { STORAGE_EMULATOR_HOST: watcher.endpoint, METADATA_SERVER_DETECTION: 'none' },
      watcher,
      view: openView(server.endpoint),
      async stop() {
        watcher.stop()
        await server.stop()
      },
    }
  },
}

function openLanguage({ partSize }: Parts): Language {
  const keys = new Map<string, string>()
  return {
    // Google keeps whole pieces of 256 KiB of what breaks off. The emulator keeps the last odd byte and goes on from it.
    wholeBodies: true,
    read: asked => (asked.path.startsWith('upload/') ? readUpload(asked, { partSize, keys }) : readRequest(asked)),
    learn(key, { headers }) {
      const upload = URL.parse(headers.location ?? '')?.searchParams.get('upload_id')
      if (typeof upload === 'string') keys.set(upload, key)
    },
  }
}

/** Names stand in the bodies. A resumable upload has an address of its own, and its last bytes make the object. */
function readUpload(
  { query, headers, body }: Asked,
  { partSize, keys }: Parts & { keys: ReadonlyMap<string, string> },
): Understood | undefined {
  const upload = query.get('upload_id')
  if (upload === null) {
    const key = /"name":("(?:[^"\\]|\\.)*")/.exec(body?.toString() ?? '')?.[1]
    if (key === undefined) return body === undefined ? undefined : { phase: 'ask', key: '' }
    return { phase: query.get('uploadType') === 'resumable' ? 'create' : 'put', key: JSON.parse(key) }
  }
  const key = keys.get(upload) ?? upload
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
  if (first === undefined) return { phase: 'ask', key }
  if (Number(last) + 1 === Number(size)) return { phase: 'complete', key }
  return { phase: 'part', key, number: Math.floor(Number(first) / partSize) + 1 }
}

const objects = `storage/v1/b/${bucketName}/o`

function readRequest({ method, path, query }: Asked): Understood {
  const [from = '', to] = path.slice(objects.length + 1).split(`/rewriteTo/b/${bucketName}/o/`)
  if (to !== undefined) return { phase: 'copy', key: to }
  return { phase: method === 'GET' && query.get('alt') === 'media' ? 'range' : 'ask', key: from }
}

/** By plain requests of the JSON API: https://docs.cloud.google.com/storage/docs/json_api/v1/objects */
function openView(endpoint: string): View {
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`${endpoint}/${objects}${path}`, { method })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`)
    return answer
  }
  const sizes = async (prefix: string) => {
    const found = new Map<string, number>()
    let token: string | undefined
    do {
      const query = new URLSearchParams({ prefix, ...(token !== undefined && { pageToken: token }) })
      const page = (await (await ask(`?${query.toString()}`)).json()) as Page
      for (const { name, size } of page.items ?? []) found.set(name.slice(prefix.length), Number(size))
      token = page.nextPageToken
    } while (token !== undefined)
    return found
  }
  return {
    sizes,
    read: async key => new Uint8Array(await (await ask(`/${encodeURIComponent(key)}?alt=media`)).arrayBuffer()),
    leftovers: async () => [],
    async clear(prefix) {
      for (const key of (await sizes(prefix)).keys()) await ask(`/${encodeURIComponent(prefix + key)}`, 'DELETE')
    },
  }
}

interface Page {
  items?: { name: string; size: string }[]
  nextPageToken?: string
}
