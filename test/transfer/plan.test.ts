import { describe, expect, it } from 'vitest'

import type { CacheEntry, CacheTree } from '../../src/cache/cache-tree.ts'
import { planUpload, type PlanInput } from '../../src/transfer/plan.ts'
import { listWanted, ngcKey } from '../../src/transfer/wanted.ts'

const hub = 'ngc/hub/models--nim--meta--m'
const blob = (name: string, size: number): CacheEntry & { type: 'file' } => ({
  type: 'file',
  path: `${hub}/blobs/${name}`,
  size,
  mode: 0o644,
  modifiedMs: 1,
  inode: 1,
})
const link = (path: string, name: string): CacheEntry => ({
  type: 'link',
  path: `${hub}/snapshots/${path}`,
  target: `../../blobs/${name}`,
  resolved: `${hub}/blobs/${name}`,
})
const tree: CacheTree = {
  root: '/cache',
  entries: [blob('a', 10), blob('b', 20), link('v1/x', 'a'), link('v1/y', 'b'), link('v2/x', 'a')],
}

describe('what lies in the store', () => {
  it.each([
    [
      'copy',
      [
        ['blobs/a'],
        ['blobs/b'],
        ['snapshots/v1/x', 'blobs/a'],
        ['snapshots/v1/y', 'blobs/b'],
        ['snapshots/v2/x', 'blobs/a'],
      ],
    ],
    ['follow', [['blobs/a'], ['blobs/b'], ['snapshots/v1/x'], ['snapshots/v1/y'], ['snapshots/v2/x']]],
    ['record', [['blobs/a'], ['blobs/b']]],
  ] as const)('with links %s', (links, expected) => {
    const wanted = listWanted(tree, { layout: 'cache', links })
    expect(
      wanted.map(({ key, copyFrom }) => [key, copyFrom].flatMap(path => path?.replace(`${hub}/`, '') ?? [])),
    ).toEqual(expected)
  })

  it('in layout ngc is one object a file, content sent once', () => {
    const wanted = listWanted(tree, { layout: 'ngc', links: 'copy' })
    expect(wanted.map(({ key, copyFrom }) => [key, copyFrom])).toEqual([
      ['nim%2Fmeta%2Fm%3Av1%3Ffile%3Dx', undefined],
      ['nim%2Fmeta%2Fm%3Av1%3Ffile%3Dy', undefined],
      ['nim%2Fmeta%2Fm%3Av2%3Ffile%3Dx', 'nim%2Fmeta%2Fm%3Av1%3Ffile%3Dx'],
    ])
  })

  it('names objects as NVIDIA documents it', () => {
    expect(ngcKey({ repository: 'nim/meta/llama3-8b-instruct', version: 'hf', file: 'config.json' })).toBe(
      'nim%2Fmeta%2Fllama3-8b-instruct%3Ahf%3Ffile%3Dconfig.json',
    )
  })

  it('refuses a link that leads nowhere', () => {
    const broken: CacheTree = { root: '/cache', entries: [{ type: 'link', path: 'x', target: '../../etc/passwd' }] }
    expect(() => listWanted(broken, { layout: 'cache', links: 'copy' })).toThrow(
      expect.objectContaining({ code: 'LINK_BROKEN' }),
    )
  })
})

describe('the plan', () => {
  const [a] = listWanted(tree, { layout: 'cache', links: 'copy' })
  const wanted = a === undefined ? [] : [a]
  const key = `${hub}/blobs/a`
  const none = {
    wanted,
    stored: new Map(),
    localSums: new Map(),
    remoteSums: new Map(),
    serverCopy: true,
    originKeys: new Map(),
    deletable: [],
  }

  it.each([
    ['sends what is not there', {}, ['upload', 'missing']],
    [
      'sends what has another size',
      { stored: new Map([[key, { key, size: 9, crc32c: 5 }]]), localSums: new Map([[key, 5]]) },
      ['upload', 'different'],
    ],
    [
      'sends what has another checksum',
      { stored: new Map([[key, { key, size: 10, crc32c: 6 }]]), localSums: new Map([[key, 5]]) },
      ['upload', 'different'],
    ],
    [
      'skips what has the same checksum',
      { stored: new Map([[key, { key, size: 10, crc32c: 5 }]]), localSums: new Map([[key, 5]]) },
      ['skip', 'same-checksum'],
    ],
    [
      'looks at a file of which nothing is known before it sends it',
      { stored: new Map([[key, { key, size: 10, crc32c: 5 }]]) },
      ['skip', 'same-size'],
    ],
    [
      'sends again what nobody can prove',
      { stored: new Map([[key, { key, size: 10 }]]), localSums: new Map([[key, 5]]) },
      ['upload', 'unproved'],
    ],
    [
      'trusts what a former run put whole',
      {
        stored: new Map([[key, { key, size: 10 }]]),
        localSums: new Map([[key, 5]]),
        remoteSums: new Map([[key, 5]]),
      },
      ['skip', 'same-checksum'],
    ],
  ])('%s', (_case, input, [action, reason]) => {
    const { steps } = planUpload({ ...none, ...input })
    expect(steps.map(step => [step.action, step.reason])).toEqual([[action, reason]])
  })

  it('copies content that lies under another key, and nothing that is about to change', () => {
    const etag = '0123456789abcdef0123456789abcdef'
    const named = wanted.map(one => ({ ...one, source: { ...one.source, claimedMd5: etag } }))
    const stored = new Map([['old/a', { key: 'old/a', size: 10, etag }]])
    const steps = (input: Partial<PlanInput>) =>
      planUpload({ ...none, wanted: named, stored, ...input }).steps.map(step => [
        step.action,
        'from' in step && step.from,
      ])
    expect(steps({})).toEqual([['copy', 'old/a']])
    expect(steps({ serverCopy: false })).toEqual([['upload', false]])
    expect(steps({ stored: new Map([['old/a', { key: 'old/a', size: 11, etag }]]) })).toEqual([['upload', false]])
    expect(steps({ stored: new Map([['old/a', { key: 'old/a', size: 10, etag: `${etag}-2` }]]) })).toEqual([
      ['upload', false],
    ])
  })

  it('has the server copy from the source what is missing, and links from what it copied', () => {
    const all = listWanted(tree, { layout: 'cache', links: 'copy' })
    const originKeys = new Map([
      [key, 'origin/a'],
      [`${hub}/blobs/b`, 'origin/b'],
    ])
    const there = new Map([[key, { key, size: 10, crc32c: 5 }]])
    const plan = planUpload({ ...none, wanted: all, stored: there, localSums: new Map([[key, 5]]), originKeys })
    expect(plan.steps.map(step => [step.action, step.action === 'copy' && [step.origin, step.from]])).toEqual([
      ['copy', ['source', 'origin/b']],
      ['copy', ['destination', `${hub}/blobs/b`]],
      ['skip', false],
      ['copy', ['destination', key]],
      ['copy', ['destination', key]],
    ])
    expect(plan.totals).toMatchObject({ uploadBytes: 0, copyBytes: 60, skipBytes: 10 })
  })

  it('takes big files first and sums up', () => {
    const plan = planUpload({
      ...none,
      wanted: listWanted(tree, { layout: 'cache', links: 'copy' }),
      stored: new Map([['old', { key: 'old', size: 7 }]]),
      deletable: ['old', key],
    })
    expect(plan.steps.map(({ bytes }) => bytes)).toEqual([20, 20, 10, 10, 10, 7])
    expect(plan.totals).toEqual({ uploadBytes: 30, copyBytes: 40, skipBytes: 0, deleteBytes: 7, files: 5 })
  })
})
