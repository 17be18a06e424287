import { checkReferredName } from '../../operator/names.ts'
import type { ClaimStorage, EnvVariable, NimService } from '../../operator/objects.ts'
import type { OperatorVersion } from '../../operator/versions.ts'
import { NimctlError } from '../../system/errors.ts'
import { emitted, type EmitResult } from '../result.ts'
import { requireSince } from '../since.ts'

/** Where the pods find the model: exactly one. */
export type ServedFiles =
  | { from: 'nimcache'; name: string }
  | { from: 'claim'; claim: ClaimStorage }
  /** Gone with each pod. @param sizeLimit a quantity. */
  | { from: 'empty-dir'; sizeLimit?: string }
  | { from: 'host-path'; path: string }

interface FilesRequest {
  files: ServedFiles
  readOnly: boolean
  sharedMemory: string | undefined
  profileId: string | undefined
  version: OperatorVersion
}

export interface FilesFields extends EmitResult {
  storage: NimService['spec']['storage']
  env: EnvVariable[]
}

/**
 * With a NIMCache the operator sets NIM_MODEL_PROFILE from `storage.nimCache.profile`; with the others it doesn't.
 *
 * @throws NimctlError `usage` / `OPERATOR_TOO_OLD`, `HOST_PATH_INVALID`, `READ_ONLY_IDLE`.
 */
export function filesFields({ files, readOnly, sharedMemory, profileId, version }: FilesRequest): FilesFields {
  if (readOnly && files.from !== 'nimcache' && files.from !== 'claim') throw readOnlyIdle()
  const shared = {
    ...(readOnly && { readOnly }),
    ...(sharedMemory !== undefined && { sharedMemorySizeLimit: sharedMemory }),
  }
  const pinned = profileId === undefined ? [] : [{ name: 'NIM_MODEL_PROFILE', value: profileId }]
  const warnings = readOnly ? [readOnlyWarning] : []
  switch (files.from) {
    case 'nimcache': {
      checkReferredName('NIMCache', files.name)
      const nimCache = { name: files.name, ...(profileId !== undefined && { profile: profileId }) }
      return { ...emitted({ warnings }), storage: { nimCache, ...shared }, env: [] }
    }
    case 'claim':
      return { ...emitted({ warnings }), storage: { pvc: files.claim, ...shared }, env: pinned }
    case 'empty-dir': {
      requireSince(version, '3.0.2', { field: '--empty-dir', next: 'Use --claim with a PersistentVolumeClaim' })
      const emptyDir = files.sizeLimit === undefined ? {} : { sizeLimit: files.sizeLimit }
      return { ...emitted({ warnings: [emptyDirWarning] }), storage: { emptyDir, ...shared }, env: pinned }
    }
    case 'host-path': {
      requireSince(version, '3.0.2', {
        field: '--host-path in practice: its CRD has the field and its controller ignores it',
        next: 'Use --claim with a claim on a PersistentVolume of type local or hostPath',
      })
      if (!files.path.startsWith('/')) throw hostPathInvalid(files.path)
      return {
        ...emitted({ warnings: [hostPathWarning(files.path)] }),
        storage: { hostPath: files.path, ...shared },
        env: pinned,
      }
    }
  }
}

/** nim-deploy issue 16: "Unable to write to NIM_CACHE_PATH". */
const readOnlyWarning =
  'NIMs of LLM 1.x refuse a cache that they can not write to: try --read-only with this image before you rely on it.'

const emptyDirWarning = 'An emptyDir is empty again in each new pod: its model is fetched at every start.'

/** reference/operator.md, section 4: DirectoryOrCreate, and no fsGroup. */
function hostPathWarning(path: string): string {
  return (
    `${path} must lie on every node that the pods may run on, readable and writable for 1000:2000. ` +
    'Where it is missing it is made, empty and of root, without an error. Pin the node with --node-selector.'
  )
}

function hostPathInvalid(path: string): NimctlError {
  return new NimctlError('usage', 'HOST_PATH_INVALID', {
    what: `"${path}" is no directory of a node.`,
    next: 'Give its whole path, such as --host-path /var/lib/nim/llama',
  })
}

function readOnlyIdle(): NimctlError {
  return new NimctlError('usage', 'READ_ONLY_IDLE', {
    what: '--read-only only matters for a claim.',
    why: 'The operator sets it on the volume of a PersistentVolumeClaim alone.',
    next: 'Leave it out, or give --claim or --nimcache.',
  })
}
