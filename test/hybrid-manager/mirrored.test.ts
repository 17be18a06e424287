import { expect, it } from 'vitest'

import { copyOf, digestsOf } from '../../src/hybrid-manager/mirrored.ts'
import { parseMirrorResult } from '../../src/image/mirror-result.ts'

const digests = ['a', 'b'].map(digit => `sha256:${digit.repeat(64)}`)
const [first = '', second = ''] = digests
const result = {
  formatVersion: 1,
  kind: 'MirrorResult',
  images: [
    { source: 'nvcr.io/nim/any:1', destination: 'registry.internal:5000/nim/nvidia/nvclip:1', digest: first },
    { source: 'nvcr.io/nim/any:1', destination: 'registry.internal:5000/nim/nvidia/nvclip:2', digest: second },
    {
      source: 'nvcr.io/nim/any:1',
      destination: 'registry.internal:5000/nim/baidu/paddleocr:latest',
      digest: '',
      status: 'failed',
    },
  ],
}
const mirrored = digestsOf(parseMirrorResult(JSON.stringify(result), 'mirrored.json'))

it.each([
  ['nvclip:1', first],
  ['nvclip:2', second],
  [`nvclip@${second}`, second],
  [`nvclip:1@${first}`, first],
  ['nvclip:3', undefined],
  [`nvclip@sha256:${'c'.repeat(64)}`, undefined],
])('says which digest %s is to have', (name, digest) => {
  expect(copyOf(`registry.internal:5000/nim/nvidia/${name}`, mirrored)).toBe(digest)
})

it('takes an image that could not be mirrored for none, and no digest of another repository', () => {
  expect(copyOf('registry.internal:5000/nim/baidu/paddleocr:latest', mirrored)).toBeUndefined()
  expect(copyOf(`registry.internal:5000/nim/other@${first}`, mirrored)).toBeUndefined()
})

it.each(['', '[]', '{"kind":"MirrorPlan","images":[]}', '{"kind":"MirrorResult"}'])('refuses %j', text => {
  const refused = { category: 'usage', code: 'MIRROR_RESULT_INVALID' }
  expect(() => parseMirrorResult(text, 'mirrored.json')).toThrow(expect.objectContaining(refused))
})
