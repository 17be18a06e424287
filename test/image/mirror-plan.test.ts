import { expect, it } from 'vitest'

import { parseMirrorTarget, planMirror } from '../../src/image/mirror-plan.ts'
import { formatImageReference, parseImageReference } from '../../src/image/reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

it.each([
  ['nvcr.io/nim/meta/x:1', 'registry.internal:5000/mirror', 'registry.internal:5000/mirror/nim/meta/x:1'],
  ['nvcr.io/nim/meta/x:1', 'docker://registry.internal/', 'registry.internal/nim/meta/x:1'],
  [`nvcr.io/nim/x@${digest}`, 'localhost:5000', `localhost:5000/nim/x@${digest}`],
  [`nvcr.io/nim/x:1@${digest}`, 'localhost:5000', 'localhost:5000/nim/x:1'],
  ['docker-daemon:nim/x:2', 'localhost', 'localhost/nim/x:2'],
  ['nvcr.io/nim/x:1', 'oci:/data/layout', 'oci:/data/layout:nim/x:1'],
  ['nvcr.io/nim/x:1', 'oci-archive:/data/x.tar', 'oci-archive:/data/x.tar:nim/x:1'],
  ['nvcr.io/nim/x:1', 'docker-archive:/data/x.tar', 'docker-archive:/data/x.tar:nim/x:1'],
  ['oci:/data/layout:nim/x:1', 'localhost:5000', 'localhost:5000/nim/x:1'],
  ['oci-archive:/data/My NIM.tar', 'localhost:5000', 'localhost:5000/my-nim:latest'],
  ['oci:/data/layout:1.0', 'localhost:5000', 'localhost:5000/layout:1.0'],
])('mirrors %s to %s as %s', (source, to, destination) => {
  const [copy] = planMirror([parseImageReference(source)], parseMirrorTarget(to))
  expect(copy && formatImageReference(copy.destination)).toBe(destination)
})

it.each([['s3://bucket'], ['plainname'], ['localhost/UPPER'], ['oci:'], ['']])('refuses the target %j', to => {
  expect(() => parseMirrorTarget(to)).toThrow(expect.objectContaining({ category: 'usage' }))
})

it('refuses two images of one name, and two in one archive', () => {
  const images = ['nvcr.io/nim/x:1', 'quay.io/nim/x:1'].map(parseImageReference)
  expect(() => planMirror(images, parseMirrorTarget('localhost:5000'))).toThrow(
    'would both become localhost:5000/nim/x:1',
  )
  expect(() => planMirror(images, parseMirrorTarget('oci-archive:x.tar'))).toThrow('takes one image')
})

it('copies once what is named twice', () => {
  const images = ['nvcr.io/nim/x:1', 'docker://nvcr.io/nim/x:1'].map(parseImageReference)
  expect(planMirror(images, parseMirrorTarget('localhost:5000'))).toHaveLength(1)
})
