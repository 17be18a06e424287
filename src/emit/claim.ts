import { checkReferredName } from '../operator/names.ts'
import type { ClaimStorage } from '../operator/objects.ts'
import { NimctlError } from '../system/errors.ts'
import type { VolumeRequest } from './request.ts'

/**
 * The claim that a NIMCache fills, or a NIMService serves: a new one, owned by it and deleted with it, or one that is there.
 *
 * @param bytes of the files; unknown: the size must be given.
 * @throws NimctlError `usage` / `CLAIM_FLAGS_IDLE`, `CLAIM_SIZE_REQUIRED`, `NAME_INVALID`, `SUB_PATH_INVALID`.
 */
export function claimFor(volume: VolumeRequest, bytes: number | undefined): ClaimStorage {
  const { claimName, storageClass, size, accessMode, annotations } = volume
  if (claimName !== undefined) {
    if (storageClass ?? size ?? accessMode ?? annotations) throw idle(claimName)
    return { ...existingClaim(claimName), ...subPathOf(volume) }
  }
  const wanted = size ?? (bytes === undefined ? undefined : sizeWithHeadroom(bytes))
  if (wanted === undefined) throw sizeRequired()
  return {
    create: true,
    ...(storageClass !== undefined && { storageClass }),
    size: wanted,
    volumeAccessMode: accessMode ?? 'ReadWriteMany',
    ...subPathOf(volume),
    ...(annotations && { annotations }),
  }
}

/** @throws NimctlError `usage` / `NAME_INVALID`. */
function existingClaim(name: string): ClaimStorage {
  checkReferredName('PersistentVolumeClaim', name)
  return { create: false, name }
}

/** Kubernetes refuses the pod, not the claim, where it leads out of the volume. */
function subPathOf({ subPath }: VolumeRequest): { subPath?: string } {
  if (subPath === undefined) return {}
  if (!subPath.startsWith('/') && !subPath.split('/').includes('..')) return { subPath }
  throw new NimctlError('usage', 'SUB_PATH_INVALID', {
    what: `"${subPath}" is no folder within a volume.`,
    next: 'Give it without / in front and without .., such as --sub-path models/llama',
  })
}

function idle(claimName: string): NimctlError {
  return new NimctlError('usage', 'CLAIM_FLAGS_IDLE', {
    what: `The claim ${claimName} is there already: size, class, access mode and annotations are its own.`,
    next: 'Leave out --size, --storage-class, --access-mode and --claim-annotation, or --claim',
  })
}

function sizeRequired(): NimctlError {
  return new NimctlError('usage', 'CLAIM_SIZE_REQUIRED', {
    what: 'Nothing says how large the new claim is to be.',
    why: 'Only an inventory (--cache, --inventory) knows how many bytes come.',
    next: 'Give it, such as --size 100Gi',
  })
}

const gibibyte = 1024 ** 3

/** File system overhead, the files that a NIM adds at start, and a loader's temporary ones. */
const headroomFactor = 1.2
const headroomGibibytes = 1

/** @param bytes of the cache's files. */
export function sizeWithHeadroom(bytes: number): string {
  return `${Math.ceil((bytes * headroomFactor) / gibibyte) + headroomGibibytes}Gi`
}
