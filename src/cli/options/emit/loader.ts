import { type Command, Option } from 'commander'

import { cacheSources, type CacheSource } from '../../../emit/source.ts'
import { given } from '../values.ts'

export interface LoaderFlags {
  source?: CacheSource
  loaderImage?: string
}

const heading = 'How the files get there:'

export function addLoaderOptions(command: Command): Command {
  const options = [
    new Option('--source <how>', 'how the NIMCache gets its files (default: as uploaded)').choices(cacheSources),
    new Option('--loader-image <image>', "nimctl's own image in the internal registry"),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

export function loaderFrom({ source, loaderImage }: LoaderFlags): { source?: CacheSource; loaderImage?: string } {
  return given({ source, loaderImage })
}
