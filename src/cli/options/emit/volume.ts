import { type Command, Option } from 'commander'

import type { VolumeRequest } from '../../../emit/request.ts'
import { given } from '../values.ts'
import { collectPair } from './parsers.ts'

export interface VolumeFlags {
  size?: string
  storageClass?: string
  accessMode?: string
  claim?: string
  subPath?: string
  claimAnnotation?: Record<string, string>
}

const heading = 'Volume:'

export function addVolumeOptions(command: Command): Command {
  const options = [
    new Option('--size <quantity>', 'such as 100Gi (default: from the inventory)'),
    new Option('--storage-class <name>', "(default: the cluster's)"),
    new Option('--access-mode <mode>', '(default: ReadWriteMany)'),
    new Option('--claim <name>', 'an existing PersistentVolumeClaim instead of a new one'),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/** Of a claim that the operator mounts, and makes where it is new. */
export function addOperatorVolumeOptions(command: Command): Command {
  const options = [
    new Option('--sub-path <path>', 'folder of the volume where the files are to lie'),
    new Option('--claim-annotation <key=value>', 'of a new claim; may be repeated').argParser(collectPair('team=ml')),
  ]
  addVolumeOptions(command)
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

export function volumeFrom(flags: VolumeFlags): VolumeRequest {
  const { size, storageClass, accessMode, claim, subPath, claimAnnotation } = flags
  return given({ size, storageClass, accessMode, claimName: claim, subPath, annotations: claimAnnotation })
}
