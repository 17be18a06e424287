import type { MirroredImage } from '../image/mirror-result.ts'
import { formatImageReference } from '../image/reference.ts'

/** The digest of each copy, by its reference. */
export type MirroredDigests = ReadonlyMap<string, string>

export function digestsOf(images: readonly MirroredImage[]): MirroredDigests {
  return new Map(images.map(({ destination, digest }) => [formatImageReference(destination), digest]))
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
