import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { temporaryDirectory } from '../../hub-cache.ts'
import { requireParts } from '../../servers/install.ts'
import { startTracing } from '../tracing.ts'
import type { CampaignStore, View } from './campaign-store.ts'

/** Not an object's: parts and what is not whole. */
const incomplete = '.nimctl-incomplete'

/** No requests: what nimctl does to files is seen by strace. */
export const file: CampaignStore = {
  name: 'file',
  tellsContent: false,
  phases: ['create', 'complete', 'copy', 'inventory', 'put'],
  downloads: true,
  async start() {
    await requireParts(['strace'])
    const work = await temporaryDirectory()
    const root = join(work, 'store')
    const watcher = startTracing({ root, incomplete, work })
    return {
      url: prefix => pathToFileURL(join(root, prefix)).href,
      env: {},
      watcher,
      view: openView(root),
      async stop() {
        watcher.stop()
        await rm(work, { recursive: true })
      },
    }
  },
}

function openView(root: string): View {
  const filesBelow = async (prefix: string) => {
    const entries = await readdir(join(root, prefix), { recursive: true, withFileTypes: true }).catch(() => [])
    return entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  }
  return {
    async sizes(prefix) {
      const found = new Map<string, number>()
      for (const path of await filesBelow(prefix)) {
        const key = path.slice(join(root, prefix).length)
        if (!key.startsWith(incomplete)) found.set(key, (await stat(path)).size)
      }
      return found
    },
    read: key => readFile(join(root, key)),
    /** What a killed put or copy left, nobody sees and nothing tells whose it is: `nimctl cleanup` removes it. */
    async leftovers(prefix) {
      const names = await readdir(join(root, prefix, incomplete)).catch((): string[] => [])
      return names.filter(name => name.endsWith('.bytes'))
    },
    clear: prefix => rm(join(root, prefix), { recursive: true }),
  }
}
