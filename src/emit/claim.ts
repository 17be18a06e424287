import { checkReferredName } from '../operator/names.ts'
import type { ClaimStorage } from '../operator/objects.ts'
import type { EmitRequest } from './request.ts'

/** The claim that a NIMCache fills: a new one, owned by it and deleted with it, or one that is there. */
export function claimFor({ header, storage }: EmitRequest): ClaimStorage {
  if (storage.claimName !== undefined) return existingClaim(storage.claimName)
  return {
    create: true,
    ...(storage.storageClass !== undefined && { storageClass: storage.storageClass }),
    size: storage.size ?? sizeWithHeadroom(header.bytes),
    volumeAccessMode: storage.accessMode ?? 'ReadWriteMany',
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
