import { Command } from 'commander'

import { shownUrl } from '../../system/secret.ts'
import type { StoredCache } from '../../transfer/list-caches.ts'
import type { Context } from '../context.ts'
import { openPlace } from '../options/place.ts'
import { addStoreOptions, type StoreFlags } from '../options/store.ts'
import { formatBytes } from '../render/format.ts'

export function listCommand(context: Context): Command {
  const command = new Command('list')
    .description('Lists the caches under a URL: image, profiles, files, bytes, and whether every file is there.')
    .argument('<url>', 'a prefix, or a bucket with many of them')
    .addHelpText('after', '\nExamples:\n  nimctl list s3://models/\n  nimctl list file:///mnt/share --json')
    .action(async (url: string, flags: StoreFlags) => {
      const { listCaches } = await import('../../transfer/list-caches.ts')
      const store = await openPlace(url, flags, { context, readOnly: true })
      const caches = await listCaches(store, context.signal)
      store.close()
      const { renderTable } = await import('../render/table.ts')
      context.print('StoreListing', { caches }, () =>
        caches.length === 0 ? `There is no cache under ${shownUrl(store.url)}.` : renderTable(head, caches.map(row)),
      )
    })
  return addStoreOptions(command)
}

const head = ['PREFIX', 'IMAGE', 'LAYOUT', 'PROFILES', 'FILES', 'BYTES', 'COMPLETE']

function row({ prefix, image, imageDigest, layout, profiles, files, bytes, complete }: StoredCache): string[] {
  const counts = [String(profiles.length), String(files), formatBytes(bytes)]
  return [prefix, nameOf(image, imageDigest), layout ?? '-', ...counts, complete ? 'yes' : 'no']
}

/** As `--image` takes it; twelve digits are what an inventory's key has. */
function nameOf(image: string | undefined, digest: string | undefined): string {
  if (image === undefined) return '-'
  return digest === undefined ? image : `${image}@${digest.slice(0, 'sha256:'.length + 12)}`
}
