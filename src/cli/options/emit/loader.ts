import { type Command, Option } from 'commander'

import { cacheSources, type CacheSource } from '../../../emit/nimcache/source.ts'
import { given } from '../values.ts'

export interface LoaderFlags {
  source?: CacheSource
  loaderImage?: string
}

export const loaderHeading = 'How the files get there:'

export function addLoaderOptions(command: Command): Command {
  const source = new Option('--source <how>', 'how the NIMCache gets its files (default: as uploaded)')
  return addLoaderImageOption(command.addOption(source.choices(cacheSources).helpGroup(loaderHeading)))
}

export function addLoaderImageOption(command: Command): Command {
  return command.addOption(
    new Option('--loader-image <image>', "nimctl's own image in the internal registry").helpGroup(loaderHeading),
  )
}

export function loaderFrom({ source, loaderImage }: LoaderFlags): { source?: CacheSource; loaderImage?: string } {
  return given({ source, loaderImage })
}
