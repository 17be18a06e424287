import { checkReferredName } from '../operator/names.ts'
import type { ClaimStorage } from '../operator/objects.ts'
import type { VolumeRequest } from './request.ts'

/** The claim that a NIMCache fills: a new one, owned by it and deleted with it, or one that is there. @param bytes of the cache's files. */
export function claimFor({ claimName, storageClass, size, accessMode }: VolumeRequest, bytes: number): ClaimStorage {
  if (claimName !== undefined) return existingClaim(claimName)
  return {
    create: true,
    ...(storageClass !== undefined && { storageClass }),
    size: size ?? sizeWithHeadroom(bytes),
    volumeAccessMode: accessMode ?? 'ReadWriteMany',
  }
}

/** @throws NimctlError `usage` / `NAME_INVALID`. */
export function existingClaim(name: string): ClaimStorage {
  checkReferredName('PersistentVolumeClaim', name)
  return { create: false, name }
}

const gibibyte = 1024 ** 3

/** File system overhead, the files that a NIM adds at start, and a loader's temporary ones. */
const headroomFactor = 1.2
const headroomGibibytes = 1

/** @param bytes of the cache's files. */
export function sizeWithHeadroom(bytes: number): string {
  return `${Math.ceil((bytes * headroomFactor) / gibibyte) + headroomGibibytes}Gi`
}
