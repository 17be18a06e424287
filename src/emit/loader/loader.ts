import { checkNamespace } from '../../operator/names.ts'
import { NimctlError } from '../../system/errors.ts'
import { claimFor } from '../claim.ts'
import { checkLoaderLayout } from '../nimcache/source.ts'
import { pullSecretPrerequisites } from '../pull-secret.ts'
import type { ImagePlace, Target, UploadedCache, VolumeRequest } from '../request.ts'
import { type Comment, emitted, type EmitResult, joined } from '../result.ts'
import { storeAccess, urlInCluster } from '../stores/access.ts'
import { loaderContract } from './contract.ts'
import { loaderEnvironment, type LoaderEnvironment, storeEnvironment } from './env.ts'
import { requireLoaderImage } from './image.ts'
import { type JobSettings, ownJob } from './own-job.ts'
import { emitVolumeClaim } from './volume-claim.ts'

/** An uploaded cache, and where in the volume it goes. */
export interface CacheToLoad {
  uploaded: UploadedCache
  /** Below the volume's root; absent: the root itself. */
  folder?: string
}

export interface LoaderRequest extends Target, ImagePlace {
  /** At least one. */
  caches: readonly CacheToLoad[]
  /** nimctl's own image. */
  loaderImage?: string
  volume: VolumeRequest
  /** Of the claim that is made, where `volume` names no existing one. */
  newClaimName: string
  job: JobSettings
  /** Of several caches, how many are fetched at a time. */
  parallelism?: number
}

/** Where the loader's Job has the volume: as the operator's Jobs do (reference/operator.md 3). */
const mountPath = '/model-store'

/**
 * A claim, unless there is one, and the Job that fills it: one pod for one cache, an Indexed Job for several. Each pod
 * goes on where another one was killed, and checks every file.
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitLoader(request: LoaderRequest): EmitResult {
  const { name, namespace, caches, volume, pullSecret } = request
  if (namespace !== undefined) checkNamespace(namespace)
  for (const { uploaded } of caches) checkLoaderLayout(request, uploaded)
  const { env, secretName, secretEnv, ...surroundings } = environmentOf(request)
  const { subPath } = claimFor(volume, bytesOf(caches))
  const claimName = volume.claimName ?? request.newClaimName
  const { serviceAccount } = request.job
  const object = ownJob({
    name,
    namespace,
    task: 'loader',
    image: requireLoaderImage(request),
    pullSecret,
    entrypoint: [loaderContract.program],
    env: [{ name: loaderContract.targetVariable, value: targetOf(caches, subPath) }, ...env],
    // A pod that is somebody by its service account may need no Secret.
    envFrom:
      secretEnv.length === 0 ? [] : [{ secretRef: { name: secretName, ...(serviceAccount && { optional: true }) } }],
    mounts: [{ name: 'model-store', mountPath }],
    volumes: [{ name: 'model-store', persistentVolumeClaim: { claimName } }],
    settings: request.job,
    ...(caches.length > 1 && { indexes: { count: caches.length, parallelism: request.parallelism ?? caches.length } }),
  })
  return joined(
    volume.claimName === undefined
      ? emitVolumeClaim({ name: claimName, namespace, volume, bytes: bytesOf(caches) })
      : emitted({}),
    surroundings,
    emitted({ objects: [object], comments: comments(caches), prerequisites: pullSecretPrerequisites(request) }),
  )
}

function bytesOf(caches: readonly CacheToLoad[]): number {
  return caches.reduce((sum, { uploaded }) => sum + uploaded.header.bytes, 0)
}

/** One pod is told its folder by its target; pods of several find theirs in their line. */
function targetOf(caches: readonly CacheToLoad[], subPath: string | undefined): string {
  const [only, second] = caches
  const folder = second === undefined ? only?.folder : undefined
  return [mountPath, subPath, folder].filter(part => part !== undefined).join('/')
}

function environmentOf(request: LoaderRequest): LoaderEnvironment {
  const [first, ...others] = request.caches
  if (first === undefined) throw new Error('A loader without caches.')
  if (others.length === 0) return loaderEnvironment({ ...request, uploaded: first.uploaded })
  checkFolders(request.caches)
  for (const { uploaded } of others) checkSameStore(first.uploaded, uploaded)
  const lines = request.caches.map(({ uploaded, folder }) =>
    [folder, urlInCluster(uploaded).href, uploaded.inventoryDigest].filter(word => word !== undefined).join(' '),
  )
  const value = `${lines.join('\n')}\n`
  return storeEnvironment({ ...request, uploaded: first.uploaded }, [{ name: loaderContract.variables.caches, value }])
}

const folderName = /^[a-zA-Z0-9][\w.-]*$/

function checkFolders(caches: readonly CacheToLoad[]): void {
  const seen = new Set<string>()
  for (const { folder = '', uploaded } of caches) {
    const problem = folderName.test(folder)
      ? seen.has(folder) && `Two caches would go to the folder ${folder}.`
      : `"${folder}" can't be the folder of ${uploaded.cacheUrl.href}: letters, digits, -, _ and . make one.`
    if (problem !== false)
      throw new NimctlError('usage', 'LOADER_FOLDER', {
        what: problem,
        next: `Name the folder of each: --cache FOLDER=${uploaded.cacheUrl.href}`,
      })
    seen.add(folder)
  }
}

/** All pods of a Job have one environment, and one Secret. */
function checkSameStore(first: UploadedCache, other: UploadedCache): void {
  const placeOf = (uploaded: UploadedCache) => {
    const { protocol, host } = urlInCluster(uploaded)
    const { env, flags } = storeAccess(uploaded)
    return JSON.stringify([protocol, /^(s3|gs):$/.test(protocol) ? '' : host, env, flags])
  }
  if (placeOf(first) === placeOf(other)) return
  throw new NimctlError('usage', 'LOADER_STORES_DIFFER', {
    what: `${urlInCluster(first).href} and ${urlInCluster(other).href} are in different stores.`,
    why: 'All pods of a Job have one environment and one Secret with credentials.',
    next: 'Write a loader for each: nimctl emit loader NAME --cache URL --claim CLAIM',
  })
}

function comments(caches: readonly CacheToLoad[]): Comment[] {
  const container = ['spec', 'template', 'spec', 'containers', 'loader']
  return [
    {
      kind: 'Job',
      path: ['spec'],
      text: 'A Job can not be changed: delete it before another upload is applied. What lies in the volume already is kept.',
    },
    ...(caches.length > 1
      ? [
          {
            kind: 'Job',
            path: [...container, 'env', loaderContract.variables.caches],
            text: 'Of each index: folder, URL, digest of the inventory.',
          },
        ]
      : []),
    {
      kind: 'Job',
      path: ['spec', 'podFailurePolicy'],
      text: 'Tried again unless nimctl’s exit code says that another try ends the same: 2 usage, 3 check failed, 4 not permitted, 5 not found, 7 tool missing.',
    },
  ]
}
