import { startHdfs } from '../../servers/hdfs.ts'
import { startWatchingProxy, type Asked, type Language, type Understood } from '../watching-proxy.ts'
import type { CampaignStore, View } from './campaign-store.ts'

const base = 'webhdfs/v1/models/'

const incomplete = '.nimctl-incomplete'

/** Of nimctl, and of the blocks: parts are appended one behind the other. */
const partSize = 5 * 2 ** 20

/** Namenode and datanode behind one proxy. */
export const hdfs: CampaignStore = {
  name: 'hdfs',
  tellsContent: true,
  phases: ['create', 'complete', 'inventory', 'put'],
  downloads: true,
  async start() {
    const server = await startHdfs()
    const watcher = await startWatchingProxy(`http://${server.httpAddress}`, openLanguage(server))
    return {
      url: prefix => `webhdfs://${new URL(watcher.endpoint).host}/models/${prefix}`,
      env: { HADOOP_USER_NAME: server.superuser },
      flags: ['--hdfs-block-size', String(partSize)],
      watcher,
      view: openView(`http://${server.httpAddress}`, server.superuser),
      async stop() {
        watcher.stop()
        await server.stop()
      },
    }
  },
}

/** A question to the namenode goes ahead of what brings or takes bytes, which names it to the datanode. */
const isForDatanode = ({ query }: Asked) => query.has('namenoderpcaddress')

function openLanguage({ datanodeOrigin }: { datanodeOrigin: string }): Language {
  /** Bytes by path of an upload: no request says where its bytes go. */
  const arrived = new Map<string, number>()
  return {
    besides: asked => (isForDatanode(asked) ? datanodeOrigin : undefined),
    reword: (body, endpoint) => Buffer.from(body.toString().replaceAll(datanodeOrigin, endpoint)),
    read: asked => readRequest(asked, arrived),
    learn(_key, { statusCode = 0 }, { asked, body }) {
      if (statusCode >= 300) return
      const op = asked.query.get('op')
      const known = arrived.get(asked.path) ?? 0
      if (op === 'GETFILESTATUS' && body !== undefined)
        arrived.set(asked.path, JSON.parse(String(body)).FileStatus.length)
      if (op === 'APPEND') arrived.set(asked.path, known + Number(asked.headers['content-length'] ?? 0))
    },
  }
}

function readRequest(asked: Asked, arrived: ReadonlyMap<string, number>): Understood {
  const { path, query, headers } = asked
  const whole = path.slice(base.length)
  const [, prefix = '', ofUpload] = /^(.*\/)\.nimctl-incomplete\/[^/]+(?:\/(.*))?$/.exec(whole) ?? []
  const key = ofUpload === undefined ? whole : prefix + ofUpload
  const op = query.get('op')
  if (op === 'RENAME') {
    const to = (query.get('destination') ?? '').slice('/models/'.length)
    if (ofUpload !== undefined) return { phase: 'complete', key: to }
    return { phase: to.includes('/.nimctl/') ? 'inventory' : 'ask', key: to, sentAs: whole }
  }
  if (!isForDatanode(asked)) return { phase: 'ask', key }
  if (op === 'OPEN') return { phase: 'range', key, start: Number(query.get('offset') ?? 0) }
  if (op === 'CREATE') return { phase: ofUpload === undefined ? 'put' : 'create', key }
  // Without bytes it asks whether somebody else is writing.
  if (op !== 'APPEND' || Number(headers['content-length'] ?? 0) === 0) return { phase: 'ask', key }
  return { phase: 'part', key, number: Math.floor((arrived.get(path) ?? 0) / partSize) + 1 }
}

interface Status {
  pathSuffix: string
  type: 'FILE' | 'DIRECTORY'
  length: number
}

/** By plain requests: https://hadoop.apache.org/docs/r3.4.2/hadoop-project-dist/hadoop-hdfs/WebHDFS.html */
function openView(namenode: string, user: string): View {
  const ask = async (path: string, query: Record<string, string>, method = 'GET') => {
    const address = `${namenode}/${base}${path.split('/').map(encodeURIComponent).join('/')}`
    const answer = await fetch(`${address}?${new URLSearchParams({ ...query, 'user.name': user }).toString()}`, {
      method,
    })
    if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status}`)
    return answer
  }
  const list = async (folder: string): Promise<Status[]> => {
    const { FileStatuses } = (await (await ask(folder, { op: 'LISTSTATUS' })).json()) as {
      FileStatuses?: { FileStatus: Status[] }
    }
    return FileStatuses?.FileStatus ?? []
  }
  const addBelow = async (found: Map<string, number>, prefix: string, folder: string): Promise<void> => {
    for (const { pathSuffix, type, length } of await list(prefix + folder)) {
      const key = folder + pathSuffix
      if (type === 'FILE') found.set(key, length)
      else if (key !== incomplete) await addBelow(found, prefix, `${key}/`)
    }
  }
  return {
    async sizes(prefix) {
      const found = new Map<string, number>()
      await addBelow(found, prefix, '')
      return found
    },
    read: async key => new Uint8Array(await (await ask(key, { op: 'OPEN' })).arrayBuffer()),
    /** What a killed put left, nothing tells whose it is: `nimctl cleanup` removes it. */
    async leftovers(prefix) {
      const left = await list(prefix + incomplete)
      return left.flatMap(({ pathSuffix, type }) => (type === 'DIRECTORY' ? [pathSuffix] : []))
    },
    clear: async prefix => void (await ask(prefix, { op: 'DELETE', recursive: 'true' }, 'DELETE')),
  }
}
