import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { temporaryDirectory } from '../../hub-cache.ts'
import { makeCertificates } from '../../servers/certificates.ts'
import { installParts } from '../../servers/install.ts'
import { startNginx } from '../../servers/nginx.ts'
import { startWatchingProxy, type Language } from '../watching-proxy.ts'
import type { CampaignStore } from './campaign-store.ts'
import { openDirectoryView } from './directory-view.ts'

/** Where nimctl has the server put what is not whole. */
const incomplete = '.nimctl/incomplete'

/** Of nimctl: what is larger goes in parts, which here are one body. */
const partSize = 5 * 2 ** 20

/** WebDAV by nginx, over TLS. A file begins anew: HTTP knows no way to go on with a body. */
export const https: CampaignStore = {
  name: 'https',
  tellsContent: false,
  // maxOpenUploads, and requests in flight are one for each.
  mostBegun: 8,
  phases: ['complete', 'copy', 'inventory', 'put'],
  downloads: true,
  async start() {
    await installParts(['registry'])
    const work = await temporaryDirectory()
    const { caFile, ...tls } = await makeCertificates(work, 'Test Authority')
    const server = await startNginx({ tls: { caFile, ...tls } })
    const watcher = await startWatchingProxy(server.secureEndpoint, openLanguage(), {
      ...tls,
      ca: await readFile(caFile),
    })
    // A small file that was whole and did not get its name, nothing tells whose it is.
    const isLeftover = ({ size }: { size: number }) => size > partSize
    return {
      url: prefix => `${watcher.endpoint}/dav/${prefix}`,
      env: { NIMCTL_CA_FILE: caFile },
      watcher,
      view: openDirectoryView(join(server.directory, 'dav'), { incomplete, isLeftover }),
      async stop() {
        watcher.stop()
        await server.stop()
        await rm(work, { recursive: true })
      },
    }
  },
}

function openLanguage(): Language {
  const large = new Set<string>()
  return {
    read({ method, path, headers }) {
      const key = keyOf(path)
      if (method === 'GET') return { phase: 'range', key }
      if (method === 'PUT' && Number(headers['content-length']) > partSize) {
        large.add(key)
        // No part of it is ever kept, so it has the number of none.
        return { phase: 'part', key, number: 0 }
      }
      if (method === 'PUT') return { phase: 'put', key }
      const to = keyOf(decodeURIComponent(URL.parse(String(headers.destination))?.pathname ?? '').slice(1))
      if (method === 'COPY') return { phase: 'copy', key: to }
      if (method !== 'MOVE') return { phase: 'ask', key }
      if (large.has(key)) return { phase: 'complete', key: to, sentAs: key }
      return { phase: to.includes('/.nimctl/') ? 'inventory' : 'ask', key: to, sentAs: key }
    },
  }
}

/** What is not whole lies beside the inventory, and is none. */
function keyOf(path: string): string {
  return path.replace(/^dav\//, '').replace(`/${incomplete}/`, '/incomplete/')
}
