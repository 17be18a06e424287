import { type Command, Option } from 'commander'

import type { ImagePlace } from '../../../emit/request.ts'
import { parseMirrorResult } from '../../../image/mirror-result.ts'
import { given } from '../values.ts'
import { readInputFile } from './input-file.ts'

export interface ImagePlaceFlags {
  imageRegistry?: string
  imageDigests?: string
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
    .addOption(
      new Option(
        '--image-digests <file>',
        'result of nimctl mirror --json: images by the digests of their destinations',
      ).helpGroup(heading),
    )
    .addOption(new Option('--pull-secret <name>', 'an existing Secret for the registry').helpGroup(heading))
}

/** @throws NimctlError `usage` / `MIRROR_RESULT_INVALID`; as `readInputFile` says. */
export function imagePlaceFrom({ imageRegistry, imageDigests, pullSecret }: ImagePlaceFlags): ImagePlace {
  const file = imageDigests
  const mirrored = file === undefined ? undefined : parseMirrorResult(readInputFile(file, '--image-digests'), file)
  return given({ imageRegistry, mirrored, pullSecret })
}
