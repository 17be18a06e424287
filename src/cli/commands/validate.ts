import { availableParallelism } from 'node:os'

import { Command, Option } from 'commander'

import type { ServingUser } from '../../cache/check-access.ts'
import type { ImageDigest } from '../../transfer/marker.ts'
import type { ReaderName } from '../../validate/readers/reader.ts'
import type { Sample } from '../../validate/sample.ts'
import type { Context } from '../context.ts'
import { openAgainst, parseSample } from '../options/against.ts'
import { addCheckOptions, runChecks, type CheckFlags } from '../options/checks.ts'
import { addEngineOptions, type EngineFlags } from '../options/engine.ts'
import { addRegistryOptions, lookIntoImage, type RegistryFlags } from '../options/image.ts'
import { findPlace } from '../options/place.ts'
import { addStoreOptions, openFlaggedStore, usualConcurrency, type StoreFlags } from '../options/store.ts'
import {
  collect,
  parseCount,
  parseDigest,
  parseImageDigest,
  parseServingUser,
  parseStoreUrl,
} from '../options/values.ts'
import { validateEndpointCommand } from './validate-endpoint.ts'
import { validateImageCommand } from './validate-image.ts'
import { validateObjectsCommand } from './validate-objects.ts'
import { validatePodCommand } from './validate-pod.ts'

export function validateCommand(context: Context): Command {
  return new Command('validate')
    .description(
      'Checks caches, stores, images, objects, pods and endpoints, changes nothing, and exits with 3 when a check failed.',
    )
    .option('--list-checks', 'list what is checked, by name')
    .action((flags: { listChecks?: true }, command: Command) => listChecks(flags, { command, context }))
    .addCommand(validateCacheCommand(context))
    .addCommand(validateStoreCommand(context))
    .addCommand(validateImageCommand(context))
    .addCommand(validateObjectsCommand(context))
    .addCommand(validatePodCommand(context))
    .addCommand(validateEndpointCommand(context))
}

/** As the NIM Operator's pods run (reference/operator.md 4). */
const operatorsUser: ServingUser = { uid: 1000, gid: 2000 }

interface CacheFlags extends RegistryFlags, EngineFlags, CheckFlags {
  against?: string
  profile?: string[]
  serveAs: ServingUser
  deep?: true
  concurrency?: number
}

function validateCacheCommand(context: Context): Command {
  const command = new Command('cache')
    .summary('check a cache directory')
    .description(
      'Checks a cache on disk: layout, links, names, modes, leftovers; against an image, whether its profiles are whole.\n' +
        'Contents are looked at with --deep alone.',
    )
    .argument('<directory>', 'a cache')
    .option(
      '--against <image>',
      'whose model manifest says which files belong to a profile: in the engine, its registry, oci:, oci-archive:, docker-archive:',
    )
    .option(
      '--profile <profile>',
      'must be complete; may be repeated (default with --against: those of the cache)',
      collect,
    )
    .addOption(
      new Option('--serve-as <uid:gid>', 'who must be able to read it')
        .default(operatorsUser, '1000:2000, as the NIM Operator serves')
        .argParser(parseServingUser),
    )
    .option('--deep', "read every file: MD5 from blob names, BLAKE3 from checksums.blake3, Hugging Face's names")
    .addOption(
      new Option('--concurrency <n>', 'files read at once with --deep (default: as many as there are cores)').argParser(
        parseCount,
      ),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl validate cache ./cache --deep\n  nimctl validate cache ./cache --against nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4',
    )
    .action(async (directory: string, flags: CacheFlags) => {
      const { validateCache } = await import('../../validate/cache.ts')
      const { readExpectedProfiles } = await import('../../validate/expected-profiles.ts')
      const { signal, report } = context
      await runChecks(flags, context, async checks => {
        const image = flags.against === undefined ? undefined : await lookIntoImage(flags.against, flags, context)
        const asked = flags.profile ?? []
        return await validateCache({
          directory,
          expected: await readExpectedProfiles({ directory, asked, ...(image !== undefined && { image }) }),
          serveAs: flags.serveAs,
          deep: flags.deep === true,
          checks,
          concurrency: flags.concurrency ?? availableParallelism(),
          signal,
          report,
        })
      })
    })
  return addCheckOptions(addRegistryOptions(addEngineOptions(command)))
}

interface StoreCheckFlags extends StoreFlags, RegistryFlags, CheckFlags {
  against?: string
  sample?: Sample
  profile?: string[]
  inventoryDigest?: string
  image?: ImageDigest
  reader?: ReaderName
  deep?: true
}

const readerNames: readonly ReaderName[] = ['nim', 'kserve', 'hm', 'aws-sync']

function validateStoreCommand(context: Context): Command {
  const command = new Command('store')
    .summary('check what was uploaded')
    .description(
      "Checks a prefix against its inventory by listing and the store's own checksums. Only objects that\n" +
        'another tool put among those of nimctl, without a checksum, are read back.\n' +
        'A directory (file://) keeps no checksums, so its files are read.\n' +
        'With --against, what something else than nimctl uploaded can be checked, too: no inventory is needed.',
    )
    .argument('<url>', 'store and prefix')
    .option(
      '--against <what>',
      "a directory (/…, ./…, ../…), another store's URL, or an image whose model manifest says which files there should be",
    )
    .option('--profile <profile>', 'must be complete; may be repeated (default: those that lie there)', collect)
    .addOption(new Option('--inventory-digest <digest>', 'the one that upload printed').argParser(parseDigest))
    .addOption(
      new Option('--image <image@digest>', 'which one, in a bucket of layout ngc that several images share').argParser(
        parseImageDigest,
      ),
    )
    .addOption(
      new Option(
        '--reader <reader>',
        'complete as this one reads it: NIM_REPOSITORY_OVERRIDE, KServe, Hybrid Manager, aws s3 sync',
      ).choices(readerNames),
    )
    .option('--deep', 'read all contents back instead of trusting the store')
    .addOption(
      new Option('--sample <size>', 'read some of the objects back, chosen at random: 5%, or a number')
        .argParser(parseSample)
        .conflicts('deep'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl validate store s3://models/llama\n  nimctl validate store s3://models/llama --inventory-digest sha256:… --json\n' +
        '  nimctl validate store s3://models/llama --against ./cache --sample 5%\n' +
        '  nimctl validate store s3://models/llama --against nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4\n' +
        '  nimctl validate store s3://models/llama/ --reader kserve',
    )
    .action(async (target: string, flags: StoreCheckFlags) => {
      const { validateStore } = await import('../../validate/store.ts')
      const { storeUrlFor } = await import('../../validate/readers/check-reader.ts')
      await runChecks(flags, context, async checks => {
        const { reader } = flags
        const place = await findPlace(target, flags, context)
        // A reader's own writing of a URL is kept: it may mean another place.
        const url = target.startsWith('@') ? place.url.href : target
        const open = (at: URL) => openFlaggedStore(at, place.flags, { context, readOnly: true })
        const store = await open(reader === undefined ? place.url : parseStoreUrl(storeUrlFor(reader, url)))
        let against: Awaited<ReturnType<typeof openAgainst>> | undefined
        try {
          if (flags.against !== undefined) against = await openAgainst(flags.against, flags, context)
          return await validateStore({
            store,
            ...(against !== undefined && { against }),
            ...(flags.sample !== undefined && { sample: { size: flags.sample, random: Math.random } }),
            ...(flags.inventoryDigest !== undefined && { inventoryDigest: flags.inventoryDigest }),
            profiles: flags.profile ?? [],
            ...(flags.image !== undefined && { image: flags.image }),
            ...(reader !== undefined && { readAs: { name: reader, url, openFolder: open } }),
            deep: flags.deep === true,
            checks,
            concurrency: flags.concurrency ?? usualConcurrency,
            signal: context.signal,
            report: context.report,
          })
        } finally {
          against?.close()
          store.close()
        }
      })
    })
  return addCheckOptions(addRegistryOptions(addStoreOptions(command)))
}

/** `nimctl validate` alone says, as any command with subcommands, which there are. */
async function listChecks(
  { listChecks: asked }: { listChecks?: true },
  { command, context }: { command: Command; context: Context },
): Promise<void> {
  if (asked !== true) command.help({ error: true })
  const { knownChecks } = await import('../../validate/catalogue.ts')
  const { renderTable } = await import('../render/table.ts')
  const rows = knownChecks.map(({ name, worst, when }) => [name, worst, when.replaceAll('`', '')])
  context.print('CheckList', { checks: knownChecks }, () => renderTable(['CHECK', 'AT WORST', 'WHEN'], rows))
}
