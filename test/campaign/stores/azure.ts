import { azuriteAccount, azuriteClient, startAzurite } from '../../servers/azurite.ts'
import { startWatchingProxy, type Asked, type Understood } from '../watching-proxy.ts'
import type { CampaignStore, View } from './campaign-store.ts'

const containerName = 'models'

/** Blocks of no object are nobody's leftovers: nobody sees them, and Azure drops them after a week. */
export const azure: CampaignStore = {
  name: 'azure',
  tellsContent: true,
  phases: ['create', 'complete', 'copy', 'inventory', 'put'],
  downloads: true,
  async start() {
    const server = await startAzurite({ containers: [containerName] })
    const watcher = await startWatchingProxy(new URL(server.endpoint).origin, { read })
    return {
      url: prefix => `az://${containerName}/${prefix}`,
      env: server.env,
      flags: ['--endpoint-url', `${watcher.endpoint}/${azuriteAccount.name}`],
      watcher,
      view: openView(server.endpoint),
      async stop() {
        watcher.stop()
        await server.stop()
      },
    }
  },
}

function read({ method, path, query, headers }: Asked): Understood {
  const key = path.slice(`${azuriteAccount.name}/${containerName}/`.length)
  const comp = query.get('comp')
  if (method !== 'PUT') return { phase: method === 'GET' && comp === null ? 'range' : 'ask', key }
  if (comp === 'blocklist') return { phase: 'complete', key }
  if (comp === 'block') return readBlock(key, query.get('blockid') ?? '')
  if (comp !== null) return { phase: 'ask', key }
  return { phase: 'x-ms-copy-source' in headers ? 'copy' : 'put', key }
}

/** Its id, which the sender chooses, has the part's number: 0 marks the beginning, the highest one the end. */
function readBlock(key: string, id: string): Understood {
  const number = Number(Buffer.from(id, 'base64').toString().split('-')[1])
  if (number === 0) return { phase: 'create', key }
  return number === 99_999 ? { phase: 'ask', key } : { phase: 'part', key, number }
}

/** With Azure's own client. */
function openView(endpoint: string): View {
  const container = azuriteClient(endpoint).getContainerClient(containerName)
  const sizes = async (prefix: string) => {
    const found = new Map<string, number>()
    for await (const { name, properties } of container.listBlobsFlat({ prefix })) {
      found.set(name.slice(prefix.length), properties.contentLength ?? 0)
    }
    return found
  }
  return {
    sizes,
    read: async key => await container.getBlobClient(key).downloadToBuffer(),
    leftovers: async () => [],
    async clear(prefix) {
      for (const key of (await sizes(prefix)).keys()) await container.deleteBlob(prefix + key)
    },
  }
}
