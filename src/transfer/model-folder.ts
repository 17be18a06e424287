import { parseImageReference } from '../image/reference.ts'
import { NimctlError } from '../system/errors.ts'

const placeholder = '{model}'

/** Whether a destination waits for the name of the model's folder, as `s3://models/model-cache/{model}`. */
export function waitsForModel(destination: string): boolean {
  return destination.includes(placeholder)
}

/**
 * The folder of a model as Hybrid Manager's how-to names it: the image's repository from `nim/` on, with `-` for `/`. Of
 * `registry.internal:5000/copies/nim/nvidia/nvclip:latest` that is `nim-nvidia-nvclip`, wherever it was mirrored to; a
 * repository without `nim/` counts whole.
 *
 * @param image as caches and inventories note it.
 * @returns `undefined` where the image has no name in a registry, or this is none.
 */
export function modelFolder(image: string): string | undefined {
  const repository = repositoryOf(image)
  if (repository === undefined) return undefined
  const parts = repository.split('/')
  return parts.slice(Math.max(0, parts.indexOf('nim'))).join('-')
}

/**
 * The destination with the model's folder in it; without a placeholder as it is.
 *
 * @param image absent where nobody noted of which image the source is.
 * @throws NimctlError `usage` / `MODEL_FOLDER_UNKNOWN`.
 */
export function fillModelFolder(destination: string, image: string | undefined): string {
  if (!waitsForModel(destination)) return destination
  const folder = image === undefined ? undefined : modelFolder(image)
  if (folder !== undefined) return destination.replaceAll(placeholder, folder)
  throw new NimctlError('usage', 'MODEL_FOLDER_UNKNOWN', {
    what: `What {model} is in ${destination} can't be known.`,
    why:
      image === undefined ? 'The source does not say of which image it is.' : `Its image, ${image}, has no such name.`,
    next: 'Write the folder in its place, such as nim-nvidia-nvclip.',
  })
}

function repositoryOf(image: string): string | undefined {
  try {
    const reference = parseImageReference(image)
    if (!('path' in reference)) return reference.repository
    return reference.name?.includes('/') === true ? repositoryOf(reference.name) : undefined
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'IMAGE_REFERENCE_INVALID') return undefined
    throw error
  }
}
