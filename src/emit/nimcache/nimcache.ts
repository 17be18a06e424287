import type { InventoryProfile } from '../../inventory/inventory.ts'
import type { EnvVariable } from '../../operator/objects.ts'
import type { ProfileChoice } from '../../profiles/choice.ts'
import { loaderContract } from '../loader/contract.ts'
import { loaderEnvironment } from '../loader/env.ts'
import { requireLoaderImage } from '../loader/image.ts'
import { nimImage } from '../nim-image.ts'
import { checkServedForm } from '../nimservice/served-model.ts'
import { chooseProfile } from '../profile.ts'
import type { UploadedCache } from '../request.ts'
import { emitted, joined, type Comment, type EmitResult } from '../result.ts'
import { emitManifestConfigMap } from './config-map.ts'
import { emitNimCacheObject, type NimCachePlace } from './object.ts'
import { overrideEnvironment } from './override.ts'
import { chosenProfiles } from './profiles.ts'
import { cacheSource, type CacheSource } from './source.ts'

export interface NimCacheRequest extends NimCachePlace {
  uploaded: UploadedCache
  /** Follows from the inventory's layout; naming the other one is refused. */
  source?: CacheSource
  /** nimctl's own image, for the loader. */
  loaderImage?: string
  /** Which profiles to hold. Default: all of the inventory. */
  choice?: ProfileChoice
}

/**
 * A NIMCache that fills itself from the uploaded cache: by the loader from layout `cache` (shape E of
 * reference/operator.md section 4), by NIM's own download from layout `ngc` (shape C).
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitNimCache(request: NimCacheRequest): EmitResult {
  const { header } = request.uploaded
  checkServedForm(request)
  const { source, ...surroundings } = sourceOfFiles(request)
  const object = emitNimCacheObject(request, {
    source: {
      ngc: {
        modelPuller: source.modelPuller,
        ...(request.pullSecret !== undefined && { pullSecret: request.pullSecret }),
        authSecret: source.authSecret,
        model: { profiles: cachedProfiles(request).map(({ id }) => id) },
      },
    },
    env: source.env,
    bytes: header.bytes,
    comments: source.comments,
    withoutGpu: header.layout !== 'ngc',
  })
  return joined(surroundings, object)
}

interface FileSource {
  modelPuller: string
  authSecret: string
  env: EnvVariable[]
  comments: Comment[]
}

function sourceOfFiles(request: NimCacheRequest): EmitResult & { source: FileSource } {
  if (cacheSource(request) === 'override') return overrideSource(request)
  const environment = loaderEnvironment({ ...request, secretAlways: true })
  const { env, secretName: authSecret, secretEnv: _, ...surroundings } = environment
  const configMap = emitManifestConfigMap(request, cachedProfiles(request))
  const modelPuller = requireLoaderImage(request)
  const text = `nimctl itself, not the NIM: its ${loaderContract.program} fetches the cache from the store that env names.`
  const comment = { kind: 'NIMCache', path: ['spec', 'source', 'ngc', 'modelPuller'], text }
  return { ...joined(configMap, surroundings), source: { modelPuller, authSecret, env, comments: [comment] } }
}

function overrideSource(request: NimCacheRequest): EmitResult & { source: FileSource } {
  const { env, authSecret, ...surroundings } = overrideEnvironment(request)
  const { reference, warnings } = nimImage(request.uploaded.header.image, request)
  const comment = {
    kind: 'NIMCache',
    path: ['spec', 'env'],
    text: 'The NIM downloads from this bucket what it would ask NGC for.',
  }
  return {
    ...joined(surroundings, emitted({ warnings })),
    source: { modelPuller: reference, authSecret, env, comments: [comment] },
  }
}

/** By id, so that the operator need not choose, and knows them for GPUs and NIMBuilds. */
function cachedProfiles({ uploaded: { header }, choice = {} }: NimCacheRequest): readonly InventoryProfile[] {
  if (header.profiles.length === 0) return [chooseProfile(header, undefined)]
  return chosenProfiles(header.profiles, choice)
}
