import { expect, it } from 'vitest'

import { gather } from '../../src/stores/hdfs/client/gather.ts'
import { argumentOf, shellPathOf } from '../../src/stores/hdfs/client/paths.ts'
import { openStore } from '../../src/stores/open.ts'

const location = { url: new URL('hdfs://zone/models'), root: '/models' }
const { signal } = new AbortController()

it.each([
  ['-dash', 'hdfs://zone/models/-dash'],
  ['a b%20c', 'hdfs://zone/models/a b%20c'],
  ['st*r?[a]{b,c}', String.raw`hdfs://zone/models/st\*r\?\[a\]\{b,c\}`],
  [String.raw`back\slash`, String.raw`hdfs://zone/models/back\\slash`],
])('writes the name %j so that the shell takes it as it is', (key, argument) => {
  expect(argumentOf(location, shellPathOf(location, key))).toBe(argument)
})

it.each(['line\nbreak', 'return\r', '.weights.crc', 'a/.x.crc/b', 'a:b', '../up'])('refuses the key %j', key => {
  expect(() => shellPathOf(location, key)).toThrow(expect.objectContaining({ category: 'usage' }))
})

it('does what comes at the same time in one call, and what comes meanwhile in the next', async () => {
  const calls: (readonly string[])[] = []
  const ask = gather<string, string>(
    async items => {
      calls.push(items)
      if (calls.length === 1) later.push(ask('d', signal), ask('e', signal))
      return items.map(item => (item === 'b' ? { error: new Error('no b') } : { value: item.toUpperCase() }))
    },
    { most: 3, lengthOf: item => item.length },
  )
  const later: Promise<string>[] = []
  const first = await Promise.allSettled(['a', 'b', 'c', 'x'].map(item => ask(item, signal)))
  expect(first.map(one => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
    'A',
    'Error: no b',
    'C',
    'X',
  ])
  expect(await Promise.all(later)).toEqual(['D', 'E'])
  expect(calls).toEqual([
    ['a', 'b', 'c'],
    ['x', 'd', 'e'],
  ])
})

it('stops a call when nobody waits for it any more, and not before', async () => {
  const [one, two] = [new AbortController(), new AbortController()]
  let stopped = false
  const ask = gather<string, string>(
    (_, call) =>
      new Promise((_resolve, reject) => {
        call.addEventListener('abort', () => {
          stopped = true
          reject(call.reason)
        })
        one.abort(new Error('one'))
        setImmediate(() => {
          expect(stopped).toBe(false)
          two.abort(new Error('two'))
        })
      }),
    { most: 3, lengthOf: () => 1 },
  )
  const asked = [ask('a', one.signal), ask('b', two.signal)].map(answer => expect(answer).rejects.toThrow(/one|two/))
  await Promise.all(asked)
  expect(stopped).toBe(true)
})

it('goes with hdfs:// alone', async () => {
  const opening = openStore(new URL('webhdfs://zone:9870/models'), { hdfs: { clientEnvironment: {} } })
  await expect(opening).rejects.toMatchObject({ category: 'usage', code: 'HDFS_CLIENT_UNFIT' })
})

it('asks nothing of a program when it is opened', async () => {
  const ways: string[] = []
  const hdfs = { clientEnvironment: { PATH: '/nowhere' }, onWay: (way: string) => void ways.push(way) }
  const store = await openStore(new URL('hdfs://zone/models'), { hdfs })
  expect(ways).toEqual([expect.stringContaining('--hdfs-client')])
  await expect(store.list('', undefined, { signal })).rejects.toMatchObject({
    category: 'missing-tool',
    code: 'TOOL_MISSING',
    next: expect.stringContaining('Install Hadoop'),
  })
})
