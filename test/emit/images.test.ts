import { describe, expect, it } from 'vitest'

import { imagesOf, sourcesOf } from '../../src/emit/images.ts'
import { emitStack } from '../../src/emit/stack.ts'
import { parseMirrorResult } from '../../src/image/mirror-result.ts'
import { failureOf } from './failure.ts'
import { aHeader, anNgcRequest, aRequest } from './request.ts'

const loader = 'registry.internal:5000/nimctl:0.1.0'
const nim = 'registry.internal:5000/mirror/nim/meta/llama-3.2-1b-instruct:1.12.0'
const digest = `sha256:${'ef'.repeat(32)}`

describe('the images that objects need', () => {
  it.each([
    ['a NIMCache and a NIMService', aRequest(), [loader, nim]],
    ['a Job', aRequest({ loader: 'job' }), [loader, nim]],
    ['an init container', aRequest({ loader: 'init' }), [nim, loader]],
    ['one image for both', anNgcRequest(), [nim]],
    [
      'an image by digest',
      anNgcRequest({ header: aHeader({ layout: 'ngc', image: `nvcr.io/nim/asr@${digest}` }) }),
      [`registry.internal:5000/mirror/nim/asr@${digest}`],
    ],
  ])('of %s', (_case, request, images) => {
    expect(imagesOf(emitStack(request).objects).toSorted()).toEqual(images.toSorted())
  })

  it('are told by the names that they had before they were mirrored', () => {
    const place = { imageRegistry: 'registry.internal:5000/mirror' }
    const sourceImage = 'nvcr.io/nim/meta/llama-3.2-1b-instruct:1.12.0'
    expect(sourcesOf([loader, nim], { place, sourceImage })).toEqual([loader, sourceImage])
  })
})

describe('after a result of nimctl mirror', () => {
  const result = (images: object[]) => JSON.stringify({ kind: 'MirrorResult', images })
  const llama = {
    source: 'docker://nvcr.io/nim/meta/llama-3.2-1b-instruct:1.12.0',
    destination: 'other.internal/a/llama:1.12.0',
    digest,
    status: 'copied',
  }
  const nimctlImage = { ...llama, source: 'ghcr.io/x/nimctl:0.1.0', destination: loader }

  it('images are named by the digests of their destinations', () => {
    const mirrored = parseMirrorResult(result([llama, nimctlImage]), 'm.json')
    const objects = emitStack(aRequest({ mirrored, loader: 'init' })).objects
    const images = [`other.internal/a/llama@${digest}`, `registry.internal:5000/nimctl@${digest}`]
    expect(imagesOf(objects).toSorted()).toEqual(images.toSorted())
    expect(objects).toMatchObject([
      { spec: { image: { repository: 'other.internal/a/llama@sha256', tag: 'ef'.repeat(32) } } },
    ])
    const sources = ['nvcr.io/nim/meta/llama-3.2-1b-instruct:1.12.0', 'ghcr.io/x/nimctl:0.1.0']
    expect(sourcesOf(images, { place: { mirrored } })).toEqual(sources)
  })

  it.each([
    ['of another tag', [{ ...llama, source: 'nvcr.io/nim/meta/llama-3.2-1b-instruct:1.13.0' }]],
    ['into a directory', [{ ...llama, destination: 'oci:dir:llama' }]],
    ['that failed', [{ ...llama, status: 'failed' }]],
  ])('an image %s is not taken for it', (_case, images) => {
    const mirrored = parseMirrorResult(result(images), 'm.json')
    const failure = failureOf(() => emitStack(aRequest({ mirrored })))
    expect(failure).toMatchObject({
      code: 'IMAGE_NOT_MIRRORED',
      next: expect.stringContaining('nimctl mirror nvcr.io'),
    })
  })

  it.each(['', '[]', '{"kind":"MirrorPlan","images":[]}', result([{ source: 1 }])])('%j is none', text => {
    expect(failureOf(() => parseMirrorResult(text, 'm.json'))).toMatchObject({ code: 'MIRROR_RESULT_INVALID' })
  })
})
