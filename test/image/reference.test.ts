import { describe, expect, it } from 'vitest'

import { formatForSkopeo, formatImageReference, parseImageReference } from '../../src/image/reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('an image reference', () => {
  it.each([
    ['nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4', 'nvcr.io', 'nim/meta/llama-3.1-8b-instruct', '1.8.4', undefined],
    ['nvcr.io/nim/meta/llama', 'nvcr.io', 'nim/meta/llama', 'latest', undefined],
    [`nvcr.io/nim/x@${digest}`, 'nvcr.io', 'nim/x', undefined, digest],
    [`nvcr.io/nim/x:1@${digest}`, 'nvcr.io', 'nim/x', '1', digest],
    ['registry:5000/x', 'registry:5000', 'x', 'latest', undefined],
    ['127.0.0.1:5000/a/b:c', '127.0.0.1:5000', 'a/b', 'c', undefined],
    ['localhost/x:1', 'localhost', 'x', '1', undefined],
    ['[::1]:5000/x:1', '[::1]:5000', 'x', '1', undefined],
    ['busybox', 'docker.io', 'library/busybox', 'latest', undefined],
    ['busybox:1.36', 'docker.io', 'library/busybox', '1.36', undefined],
    ['me/thing', 'docker.io', 'me/thing', 'latest', undefined],
    ['docker://quay.io/a/b:1', 'quay.io', 'a/b', '1', undefined],
  ])('reads %s', (text, registry, repository, tag, wanted) => {
    const expected = {
      transport: 'docker',
      registry,
      repository,
      ...(tag && { tag }),
      ...(wanted && { digest: wanted }),
    }
    expect(parseImageReference(text)).toEqual(expected)
  })

  it.each([
    ['docker-daemon:nim/x', { transport: 'docker-daemon', registry: 'docker.io', repository: 'nim/x', tag: 'latest' }],
    ['oci:/data/layout:nim/meta/x:1.0', { transport: 'oci', path: '/data/layout', name: 'nim/meta/x:1.0' }],
    ['oci:layout', { transport: 'oci', path: 'layout' }],
    ['oci-archive:/x.tar:1', { transport: 'oci-archive', path: '/x.tar', name: '1' }],
    ['docker-archive:x.tar:a/b:1', { transport: 'docker-archive', path: 'x.tar', name: 'a/b:1' }],
  ])('reads %s with its transport, and writes it back', (text, expected) => {
    const reference = parseImageReference(text)
    expect(reference).toEqual(expected)
    expect(parseImageReference(formatImageReference(reference))).toEqual(reference)
  })

  it.each([
    ['', 'empty'],
    ['nvcr.io/nim/X:1', 'lower-case'],
    ['nvcr.io/nim//x', 'part of its name is empty'],
    ['nvcr.io/nim/x:', '"" is not a tag'],
    ['nvcr.io/nim/x:a b', 'not a tag'],
    ['nvcr.io/x@sha256:abc', 'whole digest'],
    ['https://nvcr.io/x', 'no such scheme'],
    ['dir:/x', 'does not use'],
    ['oci:', 'belongs a path'],
  ])('refuses %j', (text, why) => {
    expect(() => parseImageReference(text)).toThrow(
      expect.objectContaining({ category: 'usage', why: expect.stringMatching(why) }),
    )
  })

  it('gives skopeo the digest where there is a tag too', () => {
    const reference = parseImageReference(`nvcr.io/nim/x:1@${digest}`)
    expect(formatForSkopeo(reference)).toBe(`docker://nvcr.io/nim/x@${digest}`)
    expect(formatImageReference(reference)).toBe(`nvcr.io/nim/x:1@${digest}`)
  })
})
