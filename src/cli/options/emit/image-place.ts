import { type Command, Option } from 'commander'

import type { ImagePlace } from '../../../emit/request.ts'
import { given } from '../values.ts'

export interface ImagePlaceFlags {
  imageRegistry?: string
  pullSecret?: string
}

const heading = 'Images:'

export function addImagePlaceOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--image-registry <host>',
        'registry that the images were mirrored to, such as registry.internal:5000',
      ).helpGroup(heading),
    )
    .addOption(new Option('--pull-secret <name>', 'an existing Secret for the registry').helpGroup(heading))
}

export function imagePlaceFrom({ imageRegistry, pullSecret }: ImagePlaceFlags): ImagePlace {
  return given({ imageRegistry, pullSecret })
}
