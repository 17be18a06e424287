import type { ContainerEngine } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import type { ImageSource } from './image-source.ts'
import { inspectSource, type InspectSourceOptions } from './inspect-source.ts'
import { type FindCredentials, inspectImage, type NimImage } from './inspect.ts'
import { type ImageReference, parseImageReference } from './reference.ts'
import type { RegistryOptions } from './registry/session.ts'

export interface FindOptions extends InspectSourceOptions {
  openEngine: () => Promise<ContainerEngine>
  registry: Omit<RegistryOptions, 'credentials' | 'report'>
  findCredentials: FindCredentials
}

/**
 * Looks into an image where it lies: in the engine if that has it, else in its registry; with a transport in front there
 * alone (`docker://` is the registry). No engine is no obstacle. Nothing runs and nothing is pulled.
 *
 * @throws NimctlError `usage` / `NOT_A_NIM_IMAGE`, `PLATFORMS_DISAGREE`; `not-found` / `IMAGE_NOT_FOUND`; and what the
 * place throws.
 */
export async function findNimImage(name: string, options: FindOptions): Promise<NimImage> {
  const reference = parseImageReference(name)
  if (reference.transport === 'docker-daemon') return await inspectImage(await options.openEngine(), name, options)
  if (reference.transport === 'docker' && !name.trim().startsWith('docker://')) {
    const local = await findInEngine(name, options)
    if (local !== undefined) return local
  }
  return await inspectSource(await openImageSource(reference, options), options)
}

async function findInEngine(name: string, options: FindOptions): Promise<NimImage | undefined> {
  try {
    return await inspectImage(await options.openEngine(), name, options)
  } catch (error) {
    const notThere = ['ENGINE_UNREACHABLE', 'ENGINE_FORBIDDEN', 'IMAGE_NOT_FOUND']
    if (error instanceof NimctlError && notThere.includes(error.code)) return undefined
    throw error
  }
}

/**
 * An image in its registry, in a directory or an archive; never in the engine.
 *
 * @throws NimctlError as `findNimImage`.
 */
export async function openImageSource(
  reference: ImageReference,
  options: Pick<FindOptions, 'registry' | 'findCredentials' | 'signal' | 'report'>,
): Promise<ImageSource> {
  switch (reference.transport) {
    case 'docker':
    case 'docker-daemon': {
      const { openRegistryImage } = await import('./registry/image.ts')
      const credentials = await options.findCredentials(reference.registry)
      const { report, signal } = options
      const registry = reachedAs(reference.registry, options.registry)
      return await openRegistryImage(reference, { ...registry, report, signal, ...(credentials && { credentials }) })
    }
    case 'oci':
    case 'oci-archive': {
      const { openOciLayout } = await import('./oci-image.ts')
      return await openOciLayout(reference, options)
    }
    case 'docker-archive': {
      const { openDockerArchive } = await import('./docker-archive.ts')
      return await openDockerArchive(reference, options)
    }
  }
}

/** What is for the registry next door is not for those that are given keys: these are asked over TLS all the same. */
function reachedAs(registry: string, { plainHttp, ...settings }: FindOptions['registry']): FindOptions['registry'] {
  return plainHttp === true && !['nvcr.io', 'docker.io'].includes(registry) ? { ...settings, plainHttp } : settings
}
