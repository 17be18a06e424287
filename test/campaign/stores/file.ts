import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { temporaryDirectory } from '../../hub-cache.ts'
import { requireParts } from '../../servers/install.ts'
import { startTracing } from '../tracing.ts'
import type { CampaignStore } from './campaign-store.ts'
import { openDirectoryView } from './directory-view.ts'

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
      // What a killed put or copy left, nobody sees and nothing tells whose it is: `nimctl cleanup` removes it.
      view: openDirectoryView(root, { incomplete, isLeftover: ({ name }) => name.endsWith('.bytes') }),
      async stop() {
        watcher.stop()
        await rm(work, { recursive: true })
      },
    }
  },
}
