import { type Command, Option } from 'commander'

import type { VolumeRequest } from '../../../emit/request.ts'
import { given } from '../values.ts'

export interface VolumeFlags {
  size?: string
  storageClass?: string
  accessMode?: string
  claim?: string
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

export function volumeFrom({ size, storageClass, accessMode, claim }: VolumeFlags): VolumeRequest {
  return given({ size, storageClass, accessMode, claimName: claim })
}
