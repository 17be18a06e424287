import pMap from 'p-map'

import type { ImageSource } from '../image/image-source.ts'
import type { InspectSourceOptions } from '../image/inspect-source.ts'
import { formatImageReference, type ImageReference, parseImageReference } from '../image/reference.ts'
import { type Check, openCheckLog } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import { silent } from '../system/progress.ts'
import { validateImage } from '../validate/image.ts'
import { copyOf, type MirroredDigests } from './mirrored.ts'
import type { HybridManagerModel } from './model-list.ts'

export interface CheckImagesRequest extends InspectSourceOptions {
  /** Opens an image where it is pulled from. */
  open: (reference: ImageReference) => Promise<ImageSource>
  /** Absent: nothing says which digests the copies are to have. */
  mirrored?: MirroredDigests
}

/** `not-provable`: it can be pulled, and nothing says which digest it is to have. */
interface ImageVerdict {
  status: 'ok' | 'failed' | 'not-provable'
  digest?: string
  expectedDigest?: string
  found?: string
  next?: string
}

/** That of a model without an image is absent. */
export type CheckedModel = HybridManagerModel & { check?: ImageVerdict }

const parallel = 2

/**
 * Looks whether each model's image is there whole for every platform, can be pulled, and is the one that was mirrored. What
 * is wrong with one, its registry included, is its own verdict.
 */
export async function checkImages(
  models: readonly HybridManagerModel[],
  request: CheckImagesRequest,
): Promise<CheckedModel[]> {
  const images = [...new Set(models.flatMap(({ image }) => image ?? []))]
  request.report({ event: 'started', task: 'validate' })
  const verdicts = new Map(
    await pMap(images, async image => [image, await checkImage(image, request)] as const, { concurrency: parallel }),
  )
  request.report({ event: 'ended', task: 'validate' })
  return models.map(model => {
    const check = model.image === undefined ? undefined : verdicts.get(model.image)
    return { ...model, ...(check !== undefined && { check }) }
  })
}

async function checkImage(image: string, request: CheckImagesRequest): Promise<ImageVerdict> {
  try {
    const name = formatImageReference(parseImageReference(image))
    const { digest, failure } = await pull(name, request)
    if (failure !== undefined) return { status: 'failed', ...(digest !== undefined && { digest }), ...failure }
    return compare(name, digest, request.mirrored)
  } catch (error) {
    if (!(error instanceof NimctlError)) throw error
    const { message, why, next } = error
    const found = [message, why].filter(text => text !== undefined).join(' ')
    return { status: 'failed', found, ...(next !== undefined && { next }) }
  }
}

/** As a node would pull it. What it is does not matter here: not every model of Hybrid Manager is a NIM. */
const pullable = ['image.exists', 'image.platform', 'image.layer']

async function pull(
  image: string,
  request: CheckImagesRequest,
): Promise<{ digest?: string; failure?: { found: string; next?: string } }> {
  const checks = openCheckLog({ only: pullable, failOn: 'failed' })
  try {
    const report = await validateImage({ ...request, report: silent, image, insecureTls: false, checks })
    const made: Check[] = await Array.fromAsync(report.checks)
    const bad = made.find(({ status }) => status === 'failed')
    const digest = made.find(({ name, status }) => name === 'image.exists' && status === 'ok')?.found
    return { ...(digest !== undefined && { digest }), ...(bad !== undefined && { failure: describe(bad) }) }
  } finally {
    await checks.close()
  }
}

function describe({ name, path, found, next }: Check): { found: string; next?: string } {
  const said = [name === 'image.exists' ? undefined : path, found].filter(text => text !== undefined).join(': ')
  return { found: said, ...(next !== undefined && { next }) }
}

function compare(image: string, digest: string | undefined, mirrored: MirroredDigests | undefined): ImageVerdict {
  const told = digest === undefined ? {} : { digest }
  if (mirrored === undefined) {
    // Read by its digest, it is what was named.
    if (digest !== undefined && image.endsWith(`@${digest}`)) return { status: 'ok', ...told, expectedDigest: digest }
    return { status: 'not-provable', ...told, next: 'Say what was mirrored: --mirrored FILE (nimctl mirror … --json)' }
  }
  const expected = copyOf(image, mirrored)
  if (expected === undefined) {
    const next = 'Mirror it, and give the model the copy: nimctl hm set-image ID IMAGE'
    return { status: 'failed', ...told, found: 'It is none of the mirrored images.', next }
  }
  if (expected === digest) return { status: 'ok', ...told, expectedDigest: expected }
  const next = 'The tag was moved, or something else pushed: mirror it again, or name the image by its digest.'
  return { status: 'failed', ...told, expectedDigest: expected, found: 'It has another digest than the copy.', next }
}
