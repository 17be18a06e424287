import { existsSync } from 'node:fs'

import { Command } from 'commander'

import type { Config } from '../../pipeline/config/schema.ts'
import type { HostQuestion } from '../../pipeline/doctor-host.ts'
import type { ImageQuestion } from '../../pipeline/doctor-image.ts'
import type { ExaminedPlace } from '../../pipeline/doctor.ts'
import type { DoctorFinding } from '../../pipeline/look.ts'
import type { Context } from '../context.ts'
import { addRegistryOptions, registrySettings, type RegistryFlags } from '../options/image.ts'
import { configFile, findPlace } from '../options/place.ts'
import { destinationLogin, findSkopeoLogin } from '../options/registry.ts'
import {
  addStoreOptions,
  addWritingOptions,
  openFlaggedStore,
  serverOf,
  storeConnections,
  type StoreFlags,
} from '../options/store.ts'
import { ngcAddresses, ngcKey, proxySettings, stateDirectory } from '../settings.ts'

interface DoctorFlags extends StoreFlags, RegistryFlags {
  image?: string
  write?: true
  cache?: string
}

export function doctorCommand(context: Context): Command {
  const command = new Command('doctor')
    .description(
      'Checks what the other commands need: Node.js, skopeo, the container engine, key and logins, disk, proxy, CA, and stores.\n' +
        'Nobody is asked over the network but the stores and the image that are named here or in nimctl.yaml.',
    )
    .argument('[url...]', 'stores to ask whether they can be listed (default: those of nimctl.yaml, where it is here)')
    .option('--image <image>', 'whether it may be pulled, and its models fetched from NGC, with the key of NGC_API_KEY')
    .option('--write', 'also write, list, read and remove a small object in each store')
    .option('--cache <directory>', 'what is to be uploaded: measure with --write, and estimate the hours')
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl doctor\n  nimctl doctor --config nimctl.yaml\n  nimctl doctor --image nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4\n  nimctl doctor s3://models/llama --write\n  nimctl doctor s3://models/llama --write --cache ./cache',
    )
    .action(async (urls: string[], flags: DoctorFlags) => {
      const { examine } = await import('../../pipeline/doctor.ts')
      const { openDockerEngine } = await import('../../system/docker.ts')
      const { openSkopeo } = await import('../../image/skopeo.ts')
      const { env, signal } = context
      const config = await findConfig(flags, context)
      const named = urls.length > 0 ? urls : Object.keys(config?.stores ?? {}).map(name => `@${name}`)
      const checks = await examine({
        openSkopeo: () => openSkopeo({ env, signal }),
        openEngine: () => openDockerEngine({ env }),
        keySet: ngcKey(env) !== undefined,
        ...(flags.image !== undefined && { image: await imageQuestion(flags.image, flags, context) }),
        host: await hostQuestion(config, flags, context),
        places: await Promise.all(named.map(place => examinedPlace(place, flags, context))),
        ...(flags.cache !== undefined && { transferBytes: await sumBytes(flags.cache) }),
        write: flags.write === true,
        signal,
      })
      const ok = checks.every(({ status }) => status !== 'failed')
      context.print('DoctorReport', { ok, checks }, () => checks.map(render).join('\n'))
    })
  return addRegistryOptions(addWritingOptions(addStoreOptions(command)))
}

/** Nobody has to have one: what is not named and not here is not asked for. */
async function findConfig(flags: DoctorFlags, context: Context): Promise<Config | undefined> {
  const file = configFile(flags, context)
  if (flags.config === undefined && !existsSync(file)) return undefined
  const { readConfig } = await import('../../pipeline/config/read.ts')
  return await readConfig(file, context.env)
}

async function examinedPlace(text: string, asked: DoctorFlags, context: Context): Promise<ExaminedPlace> {
  const { url, flags } = await findPlace(text, asked, context)
  const server = serverOf(url, flags, context.env)
  return {
    url,
    open: () => openFlaggedStore(url, flags, { context, readOnly: flags.write !== true }),
    ...(server !== undefined && { server }),
    connections: storeConnections(flags, context.env),
  }
}

async function hostQuestion(config: Config | undefined, flags: DoctorFlags, context: Context): Promise<HostQuestion> {
  const { env } = context
  const files = {
    '--ca-file': flags.caFile,
    SSL_CERT_FILE: env.SSL_CERT_FILE,
    NODE_EXTRA_CA_CERTS: env.NODE_EXTRA_CA_CERTS,
  }
  return {
    directories: [process.cwd(), stateDirectory(env)],
    ...proxySettings(env),
    certificates: Object.entries(files).flatMap(([from, path]) => (path ? [{ from, path }] : [])),
    logins: await Promise.all(registriesOf(config).map(registry => findLogin(registry, context))),
  }
}

/** Where images come from, and where they are mirrored to. */
function registriesOf(config: Config | undefined): string[] {
  const targets = [config?.defaults?.mirror, ...(config?.models.map(({ mirror }) => mirror) ?? [])]
  const mirrors = targets.flatMap(mirror => (mirror ? [mirror.to.replace(/^docker:\/\//, '').split('/')[0] ?? ''] : []))
  return [...new Set(['nvcr.io', ...mirrors.filter(registry => !registry.startsWith('oci'))])]
}

async function findLogin(registry: string, context: Context): Promise<{ registry: string; found: boolean }> {
  const own = registry === 'nvcr.io' ? undefined : destinationLogin(context)
  return { registry, found: (own ?? (await findSkopeoLogin(registry, context))) !== undefined }
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
