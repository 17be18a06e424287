import { resolve } from 'node:path'

import { Command, Option } from 'commander'

import type { CacheRecord } from '../../cache/cache-tree.ts'
import { archiveKey, type Layout, type Links } from '../../inventory/inventory.ts'
import type { Proof, Store } from '../../stores/store.ts'
import type { ImageDigest } from '../../transfer/marker.ts'
import type { CopyStep } from '../../transfer/plan.ts'
import type { PreparedUpload } from '../../transfer/prepare-upload.ts'
import type { Source } from '../../transfer/source.ts'
import type { UploadedDestination } from '../../transfer/upload.ts'
import type { Context } from '../context.ts'
import { openPlace } from '../options/place.ts'
import { addStoreOptions, addWritingOptions, type StoreFlags } from '../options/store.ts'
import { parseImageDigest, parseSize } from '../options/values.ts'
import { count, formatBytes } from '../render/format.ts'
import { stateDirectory, toolName } from '../settings.ts'

interface UploadFlags extends StoreFlags {
  layout?: Layout
  links?: Links
  require?: Proof
  replace?: true
  delete?: true
  partSize?: number
  limitRate?: number
  image?: ImageDigest
  memory: number
  dryRun?: true
}

export function uploadCommand(context: Context): Command {
  const command = new Command('upload')
    .description(
      'Uploads a cache, each byte once, verifies what arrived, and publishes the inventory that makes it complete.\n' +
        'What a store already holds is not sent again, so the same command goes on after any interruption.\n' +
        'From one bucket to another of the same service, the server copies.',
    )
    .argument('<source>', "a cache, any directory with --layout plain, or a store's URL")
    .argument(
      '<url...>',
      'stores and prefixes, such as s3://models/llama, or @NAME/PREFIX of nimctl.yaml; {model} in it: a folder named for the image',
    )
    .addOption(
      new Option(
        '--layout <layout>',
        'ngc: keys as NIM_REPOSITORY_OVERRIDE asks for them; tar: one archive, cache.tar ' +
          '(default: cache, or tar where SRC is such an archive)',
      ).choices(['cache', 'ngc', 'tar', 'plain']),
    )
    .addOption(
      new Option(
        '--links <how>',
        'links: copied in the store, sent as files, or only recorded (default: copy where the store can; ' +
          'layout tar keeps them)',
      ).choices(['copy', 'follow', 'record']),
    )
    .addOption(
      new Option('--require <level>', 'fail when arrival is proved less well').choices([
        'full-checksum',
        'parts',
        'etag',
        'size',
      ]),
    )
    .option('--replace', 'another image lies there: put this one in its place')
    .option('--delete', 'remove objects under the prefix that the directory does not have')
    .addOption(
      new Option('--part-size <size>', 'bytes of a part (default: 8Mi, more where the store needs it)').argParser(
        parseSize,
      ),
    )
    .addOption(new Option('--memory <size>', 'bytes of buffers').default(48 * 2 ** 20, '48Mi').argParser(parseSize))
    .addOption(new Option('--limit-rate <size>', 'bytes a second, over all destinations').argParser(parseSize))
    .addOption(
      new Option('--image <image@digest>', 'which one, where SRC is a bucket that several images share').argParser(
        parseImageDigest,
      ),
    )
    .option('--dry-run', 'print the plan and change nothing')
    .addHelpText('after', examples)
    .action((source: string, urls: string[], flags: UploadFlags) => uploadAll(source, urls, { flags, context }))
  return addWritingOptions(addStoreOptions(command))
}

const examples = `
Examples:
  nimctl upload ./cache s3://models/llama --dry-run
  nimctl upload ./cache s3://models/llama --endpoint-url https://s3.internal:9000 --require full-checksum
  nimctl upload ./cache s3://nim-mirror/ --layout ngc
  nimctl upload ./cache 's3://models/model-cache/{model}'
  nimctl upload s3://models/llama s3://models-copy/llama
  nimctl upload ./cache s3://models/llama-tar --layout tar
  nimctl upload s3://models/llama s3://models-copy/llama file:///mnt/share/llama
  nimctl upload ./adapters s3://models/adapters --layout plain`

async function uploadAll(
  from: string,
  urls: readonly string[],
  { flags, context }: { flags: UploadFlags; context: Context },
): Promise<void> {
  const opened: Store[] = []
  for (const url of await fillModelFolders(urls, from, { flags, context })) {
    opened.push(await openPlace(url, flags, { context, readOnly: flags.dryRun === true }))
  }
  if (flags.dryRun === true) {
    printPlan(from, (await prepareAll(from, opened, { flags, context })).prepared, context)
    return
  }
  const { holdDestinations } = await import('../../transfer/upload.ts')
  await holdDestinations(opened, stateDirectory(context.env), async () => {
    const { source, prepared } = await prepareAll(from, opened, { flags, context })
    await carryOut(source, prepared, { flags, context })
  })
}

/** The image is asked for only where a destination has to know it: a source in a store is far away. */
async function fillModelFolders(
  urls: readonly string[],
  from: string,
  { flags, context }: { flags: UploadFlags; context: Context },
): Promise<string[]> {
  const { fillModelFolder, waitsForModel } = await import('../../transfer/model-folder.ts')
  if (!urls.some(waitsForModel)) return [...urls]
  const { image } = (await readSourceRecord(from, { flags, context })) ?? {}
  return urls.map(url => fillModelFolder(url, image))
}

async function readSourceRecord(
  from: string,
  { flags, context }: { flags: UploadFlags; context: Context },
): Promise<Pick<CacheRecord, 'image'> | undefined> {
  if (!isUrl(from)) {
    const { readCacheRecord } = await import('../../cache/record.ts')
    return await readCacheRecord(resolve(from))
  }
  const { recordOf } = await import('../../transfer/store-source.ts')
  const { requireInventory } = await import('../../transfer/marker.ts')
  const store = await openPlace(from, flags, { context, readOnly: true })
  const { inventory } = await requireInventory(store, flags.image, context.signal)
  store.close()
  return recordOf(inventory.header)
}

async function prepareAll(
  from: string,
  stores: readonly Store[],
  { flags, context }: { flags: UploadFlags; context: Context },
): Promise<{ source: Source; prepared: PreparedUpload[] }> {
  const { prepareUpload } = await import('../../transfer/prepare-upload.ts')
  const { source, record, layout } = await openSource(from, { flags, context })
  const { links } = flags
  const prepared: PreparedUpload[] = []
  for (const store of stores) {
    prepared.push(
      await prepareUpload({
        source,
        record,
        store,
        layout,
        ...(links !== undefined && { links }),
        replace: flags.replace === true,
        delete: flags.delete === true,
        stateDirectory: stateDirectory(context.env),
        tool: toolName(),
        signal: context.signal,
      }),
    )
  }
  return { source, prepared }
}

interface OpenedSource {
  source: Source
  record: CacheRecord | undefined
  layout: Layout
}

/** A directory, or a store's URL. */
async function openSource(
  from: string,
  { flags, context }: { flags: UploadFlags; context: Context },
): Promise<OpenedSource> {
  if (isUrl(from)) return await openStoredSource(from, { flags, context })
  const { readCacheRecord } = await import('../../cache/record.ts')
  const { scanCacheTree } = await import('../../cache/scan.ts')
  const { openDirectorySource } = await import('../../transfer/source.ts')
  const root = resolve(from)
  const source = await openDirectorySource(await scanCacheTree(root), stateDirectory(context.env))
  const { layout = 'cache' } = flags
  return { source: await inLayout(source, layout), record: await readCacheRecord(root), layout }
}

function isUrl(source: string): boolean {
  return /^(?:@|[a-z][a-z0-9+.-]*:\/\/)/i.test(source)
}

async function openStoredSource(
  from: string,
  { flags, context }: { flags: UploadFlags; context: Context },
): Promise<OpenedSource> {
  const { openStoreArchive, openStoreSource, recordOf } = await import('../../transfer/store-source.ts')
  const { requireInventory } = await import('../../transfer/marker.ts')
  const store = await openPlace(from, flags, { context, readOnly: true })
  const published = await requireInventory(store, flags.image, context.signal)
  const { header } = published.inventory
  const { archive } = header
  const { report } = context
  const record = recordOf(header)
  const { layout = archive === undefined ? 'cache' : 'tar' } = flags
  if (layout === 'tar' && archive !== undefined) {
    return { source: openStoreArchive(store, { published, archive, report }), record, layout }
  }
  return { source: await inLayout(openStoreSource(store, published, report), layout), record, layout }
}

/** node-tar is loaded for archives alone. */
async function inLayout(source: Source, layout: Layout): Promise<Source> {
  if (layout !== 'tar') return source
  const { openTarSource } = await import('../../transfer/tar-source.ts')
  return openTarSource(source)
}

function printPlan(source: string, prepared: readonly PreparedUpload[], context: Context): void {
  const destinations = prepared.map(one => ({
    url: one.url,
    layout: one.layout,
    links: one.links,
    ...describePlan(one),
  }))
  context.print('TransferPlan', { source, destinations }, () => destinations.map(renderPlan).join('\n'))
}

/** The document names keys, and by URL what another store has; from which file of ours the bytes are is no matter. */
function describePlan({ plan, tree }: Pick<PreparedUpload, 'plan' | 'tree'>) {
  const original = (step: CopyStep) => (step.origin === 'source' ? `${tree.root}${step.from}` : step.from)
  return {
    steps: plan.steps.map(step => {
      const { action, key, bytes, reason } = step
      return { action, key, bytes, reason, ...(step.action === 'copy' && { from: original(step) }) }
    }),
    totals: plan.totals,
  }
}

function renderPlan({ url, steps, totals }: { url: string } & ReturnType<typeof describePlan>): string {
  const lines = steps
    .filter(({ action }) => action !== 'skip')
    .map(
      step =>
        `${step.action.padEnd(6)} ${formatBytes(step.bytes).padStart(9)}  ${step.key}${'from' in step ? `  (from ${step.from})` : ''}`,
    )
  const summary =
    `Would send ${formatBytes(totals.uploadBytes)} to ${url}, have the store copy ${formatBytes(totals.copyBytes)}` +
    `, leave ${formatBytes(totals.skipBytes)} as it is${totals.deleteBytes > 0 ? `, delete ${formatBytes(totals.deleteBytes)}` : ''}.`
  return [...lines, summary].join('\n')
}

async function carryOut(
  source: Source,
  prepared: readonly PreparedUpload[],
  { flags, context }: { flags: UploadFlags; context: Context },
): Promise<void> {
  const { upload } = await import('../../transfer/upload.ts')
  const { concurrency, memory, partSize, limitRate, require } = flags
  const destinations = await upload(source, prepared, {
    ...(concurrency !== undefined && { concurrency }),
    memory,
    ...(partSize !== undefined && { partSize }),
    ...(limitRate !== undefined && { limitRate }),
    ...(require !== undefined && { require }),
    signal: context.signal,
    report: context.report,
  })
  for (const { store } of prepared) store.close()
  context.print('UploadResult', { ok: true, destinations }, () => destinations.map(renderDestination).join('\n\n'))
}

function renderDestination(done: UploadedDestination): string {
  // Other images may come to lie beside it, and then it has to be named.
  const imageFlag = done.layout === 'ngc' && done.image !== undefined ? ` --image ${done.image}` : ''
  const proofs = Object.entries(done.proof).filter(([, files]) => files > 0)
  return [
    `${done.url} is complete: sent ${formatBytes(done.uploadedBytes)} in ${count(done.uploadedFiles, 'file')}, ` +
      `had the store copy ${count(done.copiedFiles, 'file')}, left ${count(done.skippedFiles, 'file')} as they were ` +
      `(${done.seconds.toFixed(1)} s).`,
    `Proved by ${proofs.map(([proof, files]) => `${proof}: ${count(files, 'file')}`).join(', ')}.`,
    `Inventory: ${done.inventoryDigest}`,
    `On the other side: nimctl validate store ${done.url} --inventory-digest ${done.inventoryDigest}${imageFlag}`,
    whereToRead(done),
  ].join('\n')
}

function whereToRead({ layout, url }: UploadedDestination): string {
  if (layout === 'ngc') return `For NIM_REPOSITORY_OVERRIDE: ${url}`
  if (layout === 'tar') return `For KServe: ${url}${archiveKey}; for nimctl emit: ${url}`
  return `Path for KServe, Hybrid Manager and nimctl emit: ${url}`
}
