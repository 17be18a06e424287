import { isPublicRegistry } from '../../image/public-registries.ts'
import { parseImageReference, type RegistryReference } from '../../image/reference.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Remark } from './remark.ts'
import { imagesOf, type NamedImage, type Workload } from './workload.ts'

/**
 * What can be said of the images of a workload by their names.
 *
 * @param registries those inside, with their prefixes; none: every registry passes that is not known to be public.
 *   `undefined`: the cluster may ask outside.
 */
export function remarksOnImages(workload: Workload, registries: readonly string[] | undefined): Remark[] {
  return imagesOf(workload).flatMap(named => {
    const reference = parseReference(named.image)
    if (!('registry' in reference)) return [{ ...illegible(named), path: named.path }]
    return [
      ...remarksOnTag(named, reference),
      ...(registries ? remarksOnRegistry(named, { reference, registries }) : []),
    ]
  })
}

function parseReference(image: string): RegistryReference | { refused: true } {
  try {
    const reference = parseImageReference(image)
    return 'registry' in reference ? reference : { refused: true }
  } catch (error) {
    if (error instanceof NimctlError) return { refused: true }
    throw error
  }
}

function illegible({ image }: NamedImage) {
  return {
    name: 'objects.image',
    status: 'failed',
    expected: 'a name such as registry.internal/nim/meta/llama-3.1-8b-instruct:1.8.4',
    found: JSON.stringify(image),
    next: 'Fill in what was left open; a pod with such a name stays at InvalidImageName.',
  } as const
}

function remarksOnTag({ image, path }: NamedImage, { tag, digest }: RegistryReference): Remark[] {
  if (digest !== undefined || tag !== 'latest') return []
  return [
    {
      name: 'objects.image-tag',
      status: 'warning',
      path,
      expected: 'a version, or better a digest',
      found: image,
      next: 'What latest names changes, and profile ids change with it: name a version (IMAGE:1.8.4), or pin the digest (IMAGE@sha256:…) that nimctl mirror printed.',
    },
  ]
}

function remarksOnRegistry(
  { image, path }: NamedImage,
  { reference, registries }: { reference: RegistryReference; registries: readonly string[] },
): Remark[] {
  const name = `${reference.registry}/${reference.repository}`
  const inside =
    registries.length === 0
      ? !isPublicRegistry(reference.registry)
      : registries.some(registry => name.startsWith(`${registry}/`))
  if (inside) return []
  return [
    {
      name: 'objects.registry',
      status: 'failed',
      path,
      expected: registries.length === 0 ? 'an internal registry' : `an image of ${registries.join(' or ')}`,
      found: image,
      next: `Copy it in, and name the copy: nimctl mirror ${image} --to ${registries[0] ?? 'registry.internal:5000'}`,
    },
  ]
}
