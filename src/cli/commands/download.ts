import { Command, Option } from 'commander'

import { NimctlError } from '../../system/errors.ts'
import type { DownloadResult } from '../../transfer/download.ts'
import type { ImageDigest } from '../../transfer/marker.ts'
import type { Context } from '../context.ts'
import { openPlace } from '../options/place.ts'
import { addStoreOptions, usualConcurrency, type StoreFlags } from '../options/store.ts'
import { parseDigest, parseImageDigest, parseSize } from '../options/values.ts'
import { count, formatBytes } from '../render/format.ts'
import { stateDirectory } from '../settings.ts'

interface DownloadFlags extends StoreFlags {
  inventoryDigest?: string
  image?: ImageDigest
  memory: number
  dryRun?: true
}

export function downloadCommand(context: Context): Command {
  const command = new Command('download')
    .description(
      'Downloads what nimctl uploaded: every file is checked while it arrives, links and modes are made again.\n' +
        'The same command goes on after any interruption.',
    )
    .argument('<url>', 'store and prefix that nimctl uploaded to')
    .argument('<directory>', 'where to; made if it does not exist')
    .addOption(
      new Option('--inventory-digest <digest>', 'refuse another inventory than the one that upload printed').argParser(
        parseDigest,
      ),
    )
    .addOption(
      new Option('--image <image@digest>', 'which one, in a bucket of layout ngc that several images share').argParser(
        parseImageDigest,
      ),
    )
    .addOption(new Option('--memory <size>', 'bytes of buffers').default(48 * 2 ** 20, '48Mi').argParser(parseSize))
    .option('--dry-run', 'say what would be downloaded and change nothing')
    .addHelpText('after', examples)
    .action(async (url: string, directory: string, flags: DownloadFlags) => {
      const { download } = await import('../../transfer/download.ts')
      const { requireInventory } = await import('../../transfer/marker.ts')
      const { concurrency = usualConcurrency, memory } = flags
      const store = await openPlace(url, flags, { context, readOnly: true })
      const { inventory, digest } = await requireInventory(store, flags.image, context.signal)
      checkDigest(digest, flags.inventoryDigest)
      const { files, bytes } = inventory.header
      if (flags.dryRun === true) {
        const plan = { ok: true, dir: directory, files, bytes }
        context.print(
          'DownloadPlan',
          plan,
          () => `Would bring ${count(files, 'file')} (${formatBytes(bytes)}) into ${directory}.`,
        )
        return
      }
      const { signal, report } = context
      const stateDir = stateDirectory(context.env)
      const result = await download({
        store,
        inventory,
        directory,
        stateDirectory: stateDir,
        concurrency,
        memory,
        signal,
        report,
      })
      store.close()
      context.print('DownloadResult', { ok: true, ...result }, () => renderResult(result))
    })
  return addStoreOptions(command)
}

const examples = `
Examples:
  nimctl download s3://models/llama ./cache
  nimctl download s3://models/llama /model-store --inventory-digest sha256:…`

function checkDigest(found: string, expected: string | undefined): void {
  if (expected === undefined || found === expected) return
  throw new NimctlError('check-failed', 'INVENTORY_DIGEST_DIFFERS', {
    what: 'This is not the upload that was meant.',
    why: `The inventory's digest is ${found}; asked for was ${expected}.`,
    next: 'Compare image and time of the upload with: nimctl list URL',
  })
}

function renderResult({ dir, files, bytes, skippedFiles, seconds }: DownloadResult): string {
  return (
    `${dir} is complete: brought ${count(files, 'file')} (${formatBytes(bytes)}), ` +
    `${count(skippedFiles, 'file')} were there already (${seconds.toFixed(1)} s).`
  )
}
