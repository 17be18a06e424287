import { requireParts } from '../../servers/install.ts'
import { startSeaweedfs } from '../../servers/seaweedfs.ts'
import { openBucket } from '../bucket.ts'
import { startWatchingProxy, type Asked, type Language, type Understood } from '../watching-proxy.ts'
import type { CampaignStore, RunningStore } from './campaign-store.ts'

const bucketName = 'models'

/** No secret: the server listens on loopback and lives as long as the campaign. */
const credentials = { accessKeyId: 'nimctl-test', secretAccessKey: 'nimctl-test-secret' }

export const s3: CampaignStore = {
  name: 's3',
  tellsContent: true,
  phases: ['create', 'complete', 'copy', 'inventory', 'put'],
  downloads: true,
  async start() {
    await requireParts(['seaweedfs'])
    const server = await startSeaweedfs({ credentials, buckets: [bucketName] })
    const running = await runOn(server.env)
    return {
      ...running,
      async stop() {
        await running.stop()
        await server.stop()
      },
    }
  },
}

/** One large object: neither copies nor small ones. */
export const tar: CampaignStore = {
  ...s3,
  name: 'tar',
  layout: 'tar',
  phases: ['create', 'complete', 'inventory'],
  // The files come out of one object, so that its ranges are not those of files.
  downloads: false,
}

/** A server that runs already. @param env of a client of it. */
export function s3At(env: Record<string, string>): CampaignStore {
  return { ...s3, start: () => runOn(env) }
}

async function runOn(env: Record<string, string>): Promise<RunningStore> {
  const bucket = openBucket(env, bucketName)
  const watcher = await startWatchingProxy(env.AWS_ENDPOINT_URL ?? '', language)
  return {
    url: prefix => `s3://${bucketName}/${prefix}`,
    env: { ...env, AWS_ENDPOINT_URL: watcher.endpoint, AWS_EC2_METADATA_DISABLED: 'true' },
    watcher,
    view: { ...bucket, leftovers: prefix => bucket.openUploads(prefix) },
    async stop() {
      watcher.stop()
      bucket.close()
    },
  }
}

const language: Language = { read }

function read({ method, path, query, headers }: Asked): Understood {
  const key = path.slice(bucketName.length + 1)
  const number = Number(query.get('partNumber') ?? 0)
  if (method === 'POST')
    return { phase: query.has('uploads') ? 'create' : query.has('uploadId') ? 'complete' : 'ask', key }
  if (method === 'PUT' && 'x-amz-copy-source' in headers) return { phase: 'copy', key }
  if (method === 'PUT') return number > 0 ? { phase: 'part', key, number } : { phase: 'put', key }
  const asks = ['list-type', 'uploads', 'uploadId'].some(name => query.has(name))
  return { phase: method === 'GET' && !asks ? 'range' : 'ask', key }
}
