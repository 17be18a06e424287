import { formatImageReference, parseImageReference } from '../image/reference.ts'
import { NimctlError } from '../system/errors.ts'
import { parseJson, read, textAt } from '../system/json.ts'

/** The digest of each copy, by its reference. */
export type MirroredDigests = ReadonlyMap<string, string>

/**
 * Reads what `nimctl mirror --json` printed. Images that failed are not among them.
 *
 * @throws NimctlError `usage` / `MIRROR_RESULT_INVALID`.
 */
export function parseMirrorResult(text: string): MirroredDigests {
  const json = parseJson(text)
  const images = read(json, 'images')
  if (textAt(json, 'kind') !== 'MirrorResult' || !Array.isArray(images)) {
    throw new NimctlError('usage', 'MIRROR_RESULT_INVALID', {
      what: 'The list of mirrored images is not what nimctl mirror --json prints.',
      next: 'Keep it when mirroring: nimctl mirror … --json > mirrored.json',
    })
  }
  const copies = images.flatMap((image: unknown): [string, string][] => {
    const [destination, digest] = [textAt(image, 'destination'), textAt(image, 'digest')]
    return destination === undefined || digest === undefined ? [] : [[destination, digest]]
  })
  return new Map(copies.map(([destination, digest]) => [canonical(destination), digest]))
}

function canonical(image: string): string {
  return formatImageReference(parseImageReference(image))
}

/** The digest that an image has to have, as its tag was copied, or as a copy of its repository has it; absent: there is none. */
export function copyOf(image: string, mirrored: MirroredDigests): string | undefined {
  const [name = '', digest] = image.split('@')
  const repository = withoutTag(name)
  const copies = [...mirrored].filter(([copy]) => withoutTag(copy) === repository)
  return mirrored.get(name) ?? copies.find(([, each]) => each === digest)?.[1]
}

function withoutTag(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
}
