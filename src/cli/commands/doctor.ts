import { Command } from 'commander'

import type { ImageQuestion } from '../../pipeline/doctor-image.ts'
import type { DoctorFinding } from '../../pipeline/look.ts'
import type { Context } from '../context.ts'
import { addRegistryOptions, registrySettings, type RegistryFlags } from '../options/image.ts'
import {
  addStoreOptions,
  addWritingOptions,
  openFlaggedStore,
  serverOf,
  storeConnections,
  type StoreFlags,
} from '../options/store.ts'
import { parseStoreUrl } from '../options/values.ts'
import { ngcAddresses, ngcKey } from '../settings.ts'

interface DoctorFlags extends StoreFlags, RegistryFlags {
  image?: string
  write?: true
  cache?: string
}

export function doctorCommand(context: Context): Command {
  const command = new Command('doctor')
    .description(
      'Checks what the other commands need: Node.js, skopeo, the container engine, the key, and given stores.',
    )
    .argument('[url...]', 'stores to ask whether they can be listed')
    .option('--image <image>', 'whether it may be pulled, and its models fetched from NGC, with the key of NGC_API_KEY')
    .option('--write', 'also write, list, read and remove a small object in each store')
    .option('--cache <directory>', 'what is to be uploaded: measure with --write, and estimate the hours')
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl doctor\n  nimctl doctor --image nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4\n  nimctl doctor s3://models/llama --write\n  nimctl doctor s3://models/llama --write --cache ./cache',
    )
    .action(async (urls: string[], flags: DoctorFlags) => {
      const { examine } = await import('../../pipeline/doctor.ts')
      const { openDockerEngine } = await import('../../system/docker.ts')
      const { openSkopeo } = await import('../../image/skopeo.ts')
      const { env, signal } = context
      const checks = await examine({
        openSkopeo: () => openSkopeo({ env, signal }),
        openEngine: () => openDockerEngine({ env }),
        keySet: ngcKey(env) !== undefined,
        ...(flags.image !== undefined && { image: await imageQuestion(flags.image, flags, context) }),
        urls: urls.map(parseStoreUrl),
        openStore: url => openFlaggedStore(url, flags, { context, readOnly: flags.write !== true }),
        serverOf: url => serverOf(url, flags, env),
        connections: storeConnections(flags, env),
        ...(flags.cache !== undefined && { transferBytes: await sumBytes(flags.cache) }),
        write: flags.write === true,
        signal,
      })
      const ok = checks.every(({ status }) => status !== 'failed')
      context.print('DoctorReport', { ok, checks }, () => checks.map(render).join('\n'))
    })
  return addRegistryOptions(addWritingOptions(addStoreOptions(command)))
}

async function imageQuestion(
  image: string,
  flags: DoctorFlags,
  context: Context,
): Promise<Omit<ImageQuestion, 'signal'>> {
  const { openImageSource } = await import('../../image/find-image.ts')
  const { inspectSource } = await import('../../image/inspect-source.ts')
  const { parseImageReference } = await import('../../image/reference.ts')
  const settings = await registrySettings(flags, context)
  const key = ngcKey(context.env)
  const { connections } = settings.registry
  return {
    image,
    openImage: () => openImageSource(parseImageReference(image), settings),
    inspect: source => inspectSource(source, settings),
    ...(key !== undefined && { ngc: { key, ...ngcAddresses(context.env), connections, signal: context.signal } }),
  }
}

/** Bytes that leave for a store: links are not followed. */
async function sumBytes(directory: string): Promise<number> {
  const { scanCacheTree } = await import('../../cache/scan.ts')
  const { entries } = await scanCacheTree(directory)
  return entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0)
}

const marks = { ok: '✓', warning: '!', failed: '✗' } as const

function render({ name, status, found, next }: DoctorFinding): string {
  return `${marks[status]} ${name}: ${found}${next === undefined ? '' : `\n    ${next}`}`
}
