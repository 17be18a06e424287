import { type Command, Option } from 'commander'

import type { FindOptions } from '../../image/find-image.ts'
import type { NimImage } from '../../image/inspect.ts'
import type { ProfileListing } from '../../profiles/listing.ts'
import type { ModelManifest } from '../../profiles/model-manifest.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { imageCacheDirectory, proxySettings } from '../settings.ts'
import { openHostEngine } from './engine.ts'
import { findRegistryLogin } from './registry.ts'
import { parseRetries } from './values.ts'

export interface RegistryFlags {
  caFile?: string
  plainHttp?: true
  insecureSkipTlsVerify?: true
  retries: number
}

const heading = 'Registry:'

/** Flags of commands that look into images in a registry. Those that a command has for its stores count for both. */
export function addRegistryOptions(command: Command): Command {
  const options = [
    new Option('--ca-file <file>', "certificates in PEM to trust beside the system's").env('NIMCTL_CA_FILE'),
    new Option('--plain-http', 'speak HTTP with the registry'),
    new Option('--insecure-skip-tls-verify', 'do not check TLS certificates'),
    new Option('--retries <n>', 'tries after the first').default(8).argParser(parseRetries).env('NIMCTL_RETRIES'),
  ]
  const known = command.options.map(({ long }) => long)
  for (const option of options) if (!known.includes(option.long)) command.addOption(option.helpGroup(heading))
  return command
}

/** Looks into an image in the engine, in its registry, in a directory or an archive; nothing runs and nothing is pulled. */
export async function lookIntoImage(name: string, flags: RegistryFlags, context: Context): Promise<NimImage> {
  const { findNimImage } = await import('../../image/find-image.ts')
  const settings = await registrySettings(flags, context)
  return await findNimImage(name, { openEngine: () => openHostEngine(context), ...settings })
}

/** How the flags have registries asked, and what is read for this host; warns where certificates are not checked. */
export async function registrySettings(
  flags: RegistryFlags,
  context: Context,
): Promise<Omit<FindOptions, 'openEngine'>> {
  const { openInspectionCache } = await import('../../image/inspection-cache.ts')
  const { defaultRetryPolicy } = await import('../../system/retry.ts')
  const { env, signal, report } = context
  const { caFile, plainHttp, insecureSkipTlsVerify, retries } = flags
  if (insecureSkipTlsVerify === true || plainHttp === true) {
    const flag = plainHttp === true ? '--plain-http' : '--insecure-skip-tls-verify'
    const message = `TLS certificates are not checked (${flag}): anybody on the way could answer for the registry.`
    report({ event: 'warning', code: 'TLS_NOT_VERIFIED', message })
  }
  return {
    findCredentials: registry => findRegistryLogin(registry, context),
    registry: {
      ...(plainHttp === true && { plainHttp }),
      connections: {
        ...(caFile !== undefined && { caFile }),
        ...(insecureSkipTlsVerify === true && { insecureSkipTlsVerify }),
        ...proxySettings(env),
      },
      retry: { ...defaultRetryPolicy, maxRetries: retries },
    },
    platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    cache: openInspectionCache(imageCacheDirectory(env)),
    signal,
    report,
  }
}

/**
 * What an image offers by its manifest, no host asked.
 *
 * @throws NimctlError `usage` / `PROFILES_NOT_LISTABLE` where it has none.
 */
export async function listFromManifest(
  name: string,
  flags: RegistryFlags,
  context: Context,
): Promise<{ listing: ProfileListing; manifest: ModelManifest }> {
  const { listManifest } = await import('../../profiles/manifest-listing.ts')
  const { parseModelManifest } = await import('../../profiles/manifest.ts')
  const image = await lookIntoImage(name, flags, context)
  if (image.manifest === undefined) throw await noManifest(image)
  const manifest = parseModelManifest(image.manifest.text)
  return { listing: { ...listManifest(manifest), ...(await describeImage(image)) }, manifest }
}

async function noManifest({ family, reference }: NimImage): Promise<NimctlError> {
  const { notListable } = await import('../../profiles/not-listed.ts')
  if (family === 'native') return notListable(reference)
  return new NimctlError('usage', 'PROFILES_NOT_LISTABLE', {
    what: `${reference} holds no model manifest.`,
    next: 'Ask the image itself, in a container: --on docker',
  })
}

/** What a listing says of its image. */
export async function describeImage({ reference, digest, family, version, user }: NimImage) {
  const { utilityNames } = await import('../../nim/families.ts')
  return {
    image: reference,
    imageDigest: digest,
    family,
    ...(version !== undefined && { imageVersion: version }),
    imageUser: user,
    utilities: utilityNames(family),
  }
}
