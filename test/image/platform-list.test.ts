import { expect, it } from 'vitest'

import { digestsOfSubset, makeSubset } from '../../src/image/platform-list.ts'

const ofAmd64 = { mediaType: 'application/vnd.docker.distribution.manifest.v2+json', digest: 'sha256:a', size: 1 }
const ofArm64 = { ...ofAmd64, digest: 'sha256:b', annotations: { kept: 'as it is' } }
const attestation = { ...ofAmd64, digest: 'sha256:c', annotations: { 'vnd.docker.reference.digest': 'sha256:b' } }
const listType = 'application/vnd.docker.distribution.manifest.list.v2+json'
const list = { schemaVersion: 2, mediaType: listType, manifests: [ofAmd64, ofArm64, attestation], other: 'field' }
const raw = Buffer.from(JSON.stringify(list))
const arm64 = [{ digest: 'sha256:b', platform: 'linux/arm64' }]

it('keeps the attestations of the chosen images, and what else a list says', () => {
  const digests = digestsOfSubset(raw, arm64)
  expect(digests).toEqual(['sha256:b', 'sha256:c'])
  const { bytes, mediaType } = makeSubset(raw, digests, new Map())
  expect(JSON.parse(bytes.toString())).toEqual({ ...list, manifests: [ofArm64, attestation] })
  expect(mediaType).toBe(listType)
})

it('names what images have become that were converted', () => {
  const copy = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: 'sha256:d', size: 2 }
  const { bytes, mediaType } = makeSubset(raw, ['sha256:b'], new Map([['sha256:b', copy]]))
  expect(mediaType).toBe('application/vnd.oci.image.index.v1+json')
  expect(JSON.parse(bytes.toString())).toMatchObject({
    mediaType,
    manifests: [{ ...copy, annotations: { kept: 'as it is' } }],
  })
})
