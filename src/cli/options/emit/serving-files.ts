import { type Command, Option } from 'commander'

import type { ServedFiles } from '../../../emit/nimservice/files.ts'
import { NimctlError } from '../../../system/errors.ts'
import { addGroup } from './group.ts'
import { addOperatorVolumeOptions, type VolumeFlags, volumeFrom } from './volume.ts'

export interface ServingFilesFlags extends VolumeFlags {
  nimcache?: string
  newClaim?: true
  emptyDir?: string | true
  hostPath?: string
  readOnly?: true
}

/** Where a NIMService finds its files. */
export function addServingFilesOptions(command: Command): Command {
  addGroup(command, 'Volume:', [
    new Option('--nimcache <name>', 'a NIMCache (default: the one of the same name)'),
    new Option('--new-claim', 'a new claim, which goes with the NIMService'),
    new Option('--empty-dir [size]', 'a new directory in each pod, of this size at most (operator 3.0.2)'),
    new Option('--host-path <dir>', 'a directory of the nodes (operator 3.0.2)'),
    new Option('--read-only', 'the NIM can not write to its files'),
  ])
  return addOperatorVolumeOptions(command)
}

/**
 * @param bytes of the files, where an inventory knows them.
 * @throws NimctlError `usage` / `STORAGE_CONFLICT`, `CLAIM_FLAGS_IDLE`, and what a claim throws.
 */
export async function servedFilesFrom(
  flags: ServingFilesFlags,
  { name, bytes }: { name: string; bytes: number | undefined },
): Promise<ServedFiles> {
  const { nimcache, claim, newClaim, emptyDir, hostPath } = flags
  const places = {
    '--nimcache': nimcache,
    '--claim': claim,
    '--new-claim': newClaim,
    '--empty-dir': emptyDir,
    '--host-path': hostPath,
  }
  const used = Object.entries(places).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
  if (used.length > 1) throw conflict(used)
  if (claim !== undefined || newClaim === true) {
    const { claimFor } = await import('../../../emit/claim.ts')
    return { from: 'claim', claim: claimFor(volumeFrom(flags), bytes) }
  }
  refuseIdleFlags(flags)
  if (emptyDir !== undefined) return { from: 'empty-dir', ...(emptyDir !== true && { sizeLimit: emptyDir }) }
  if (hostPath !== undefined) return { from: 'host-path', path: hostPath }
  return { from: 'nimcache', name: nimcache ?? name }
}

function refuseIdleFlags({ size, storageClass, accessMode, subPath, claimAnnotation }: VolumeFlags): void {
  const idle = Object.entries({
    '--size': size,
    '--storage-class': storageClass,
    '--access-mode': accessMode,
    '--sub-path': subPath,
    '--claim-annotation': claimAnnotation,
  }).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
  if (idle.length === 0) return
  throw new NimctlError('usage', 'CLAIM_FLAGS_IDLE', {
    what: `${idle.join(', ')} only matter for a claim of the NIMService.`,
    why: 'The volume of a NIMCache is its own: the operator takes it, and its folder, from there.',
    next: 'Add --new-claim or --claim NAME, or leave them out.',
  })
}

function conflict(used: readonly string[]): NimctlError {
  return new NimctlError('usage', 'STORAGE_CONFLICT', {
    what: `${used.join(' and ')} exclude each other.`,
    why: 'A NIMService has its files in one place.',
    next: `Leave out ${used.slice(1).join(' and ')}`,
  })
}
