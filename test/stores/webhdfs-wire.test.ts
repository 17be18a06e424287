import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { afterEach, describe, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { fileChecksum } from '../../src/stores/webhdfs/checksum.ts'
import type { HdfsSettings } from '../../src/stores/webhdfs/settings.ts'
import { crc32c } from '../../src/system/hash.ts'
import { silent } from '../../src/system/progress.ts'
import { startStandbyNamenode } from '../servers/stand-in-standby.ts'
import { never, putText, readText, statStored } from './contract-tools.ts'

/** What the HDFS of the tests does not do, answered by stand-ins as Hadoop's documents have it. */
const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

interface Said {
  status?: number
  headers?: Record<string, string>
  body?: unknown
}

/** Answers by operation. Returns its address, and what came: operation, bytes of the body. */
async function standIn(
  answer: (op: string, query: URLSearchParams) => Said,
): Promise<{ host: string; seen: string[] }> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://any')
    const op = searchParams.get('op') ?? ''
    void text(request).then(body => {
      seen.push(`${op} ${body.length}`)
      const { status = 200, headers = {}, body: said } = answer(op, searchParams)
      response.writeHead(status, headers).end(said === undefined ? '' : JSON.stringify(said))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { host: `127.0.0.1:${port}`, seen }
}

const open = (host: string, hdfs: HdfsSettings = {}): Promise<Store> =>
  openStore(new URL(`webhdfs://${host}/dir`), { hdfs })
const remote = (exception: string, message = 'said so') => ({
  RemoteException: { exception, javaClassName: exception, message },
})
const fileStatus = { FileStatus: { type: 'FILE', length: 4, blockSize: 512, fileId: 7, modificationTime: 9 } }
const checksum = {
  FileChecksum: {
    algorithm: 'MD5-of-0MD5-of-512CRC32C',
    bytes: `000002000000000000000000${fileChecksum(Buffer.from('text'), 512)}00000000`,
    length: 28,
  },
}

describe('a namenode that redirects, and knows no extended attributes', () => {
  const start = async () => {
    const datanode = await standIn(op => {
      if (op === 'GETFILECHECKSUM') return { body: checksum }
      return op === 'OPEN' ? { body: 'content' } : { status: 201 }
    })
    const namenode = await standIn(op => {
      if (['CREATE', 'OPEN', 'GETFILECHECKSUM'].includes(op)) {
        const location = Buffer.from(`http://${datanode.host}/webhdfs/v1/dir/ü?op=${op}`).toString('latin1')
        return { status: 307, headers: { location } }
      }
      if (op === 'GETFILESTATUS') return { body: fileStatus }
      if (op.includes('XATTR')) return { status: 400, body: remote('UnsupportedOperationException') }
      return { body: op === 'RENAME' ? undefined : { boolean: true } }
    })
    return { namenode, datanode, store: await open(namenode.host) }
  }

  it('gets no byte of a file: they go to the datanode alone', async () => {
    const { namenode, datanode, store } = await start()
    await putText(store, 'ü', 'text')
    expect(namenode.seen.filter(line => !line.endsWith(' 0'))).toEqual([])
    expect(namenode.seen.map(line => line.split(' ')[0])).toContain('RENAME')
    expect(datanode.seen).toEqual(['CREATE 4', 'GETFILECHECKSUM 0'])
    expect(await readText(store, 'ü')).toBe('"content"')
  })

  it('proves what is put, and can say nothing later', async () => {
    const { store } = await start()
    expect(await putText(store, 'key', 'text')).toMatchObject({ crc32c: crc32c(Buffer.from('text')) })
    expect(store.capabilities.statProof).toBe('size')
    expect(await statStored(store, 'key')).toEqual({ key: 'key', size: 4, etag: '7-9' })
  })
})

it('sends a file again that HDFS did not store as it was sent', async () => {
  let wrong = true
  const address = { host: '' }
  const server = await standIn((op, query) => {
    if (query.has('noredirect')) return { body: { Location: `http://${address.host}/webhdfs/v1/x?op=${op}` } }
    if (op === 'GETFILECHECKSUM' && wrong) {
      wrong = false
      const bytes = checksum.FileChecksum.bytes.replaceAll(/[89a-f]/g, '0')
      return { body: { FileChecksum: { ...checksum.FileChecksum, bytes } } }
    }
    if (op === 'GETFILECHECKSUM') return { body: checksum }
    return op === 'GETFILESTATUS' ? { body: fileStatus } : {}
  })
  address.host = server.host
  const store = await open(server.host)
  await expect(putText(store, 'key', 'text')).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', mend: 'same' })
  expect(server.seen).not.toContain('RENAME 0')
  wrong = true
  await putText(withRetry(store, { maxRetries: 1, firstWaitMs: 1, longestWaitMs: 1 }, silent), 'key', 'text')
  expect(server.seen.filter(line => line === 'CREATE 4')).toHaveLength(3)
})

it('does not go where no address is named', async () => {
  const namenode = await standIn(() => ({ body: { Location: 'nowhere' } }))
  const store = await open(namenode.host)
  await expect(store.read('key', undefined, never)).rejects.toMatchObject({ code: 'STORE_ANSWER_NOT_UNDERSTOOD' })
})

it('reads a delegation token anew when it has expired', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-token-'))
  const tokenFile = join(directory, 'token')
  try {
    await writeFile(tokenFile, 'OLDHUNTER2\n')
    const namenode = await standIn((_, query) =>
      query.get('delegation') === 'new' && !query.has('user.name')
        ? { body: fileStatus }
        : { status: 403, body: remote('InvalidToken', `token ${query.get('delegation')} is expired`) },
    )
    const store = withRetry(
      await open(namenode.host, { tokenFile, user: 'joe' }),
      { maxRetries: 1, firstWaitMs: 1, longestWaitMs: 1 },
      silent,
    )
    await expect(store.stat('key', never)).rejects.toMatchObject({
      code: 'CREDENTIALS_EXPIRED',
      why: expect.not.stringContaining('HUNTER2'),
    })
    await writeFile(tokenFile, 'new\n')
    expect(await store.stat('key', never)).toMatchObject({ size: 4 })
    await rm(tokenFile)
    const another = await open(namenode.host, { tokenFile })
    await expect(another.stat('key', never)).rejects.toMatchObject({ category: 'auth', code: 'TOKEN_FILE_UNREADABLE' })
  } finally {
    await rm(directory, { recursive: true })
  }
})

describe('several namenodes', () => {
  it('are asked in turn until one is active, and then that one', async () => {
    const standby = await startStandbyNamenode()
    stops.push(() => standby.stop())
    const active = await standIn(() => ({ body: fileStatus }))
    const webhdfsUrls = ['127.0.0.1:1', standby.httpAddress, active.host].map(host => new URL(`http://${host}`))
    const store = await open('zone', { webhdfsUrls })
    for (const key of ['a', 'b', 'c']) expect(await store.stat(key, never)).toMatchObject({ size: 4 })
    expect(standby.seen).toHaveLength(1)
  })

  it('that are all on standby are waited for', async () => {
    const standby = await startStandbyNamenode()
    stops.push(() => standby.stop())
    const store = await open('zone', { webhdfsUrls: [new URL(`http://${standby.httpAddress}`)] })
    await expect(store.stat('key', never)).rejects.toMatchObject({ code: 'NAMENODE_STANDBY', mend: 'same' })
  })

  it('may lie behind a gateway with a path of its own', async () => {
    const paths: string[] = []
    const server = createServer((request, response) => {
      paths.push(request.url ?? '')
      response.end(JSON.stringify(fileStatus))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stops.push(() => server.close().closeAllConnections())
    const { port } = server.address() as AddressInfo
    const base = new URL(`http://127.0.0.1:${port}/gateway/default/webhdfs/v1/`)
    await (await open('zone', { webhdfsUrls: [base] })).stat('a b', never)
    expect(paths[0]).toMatch(/^\/gateway\/default\/webhdfs\/v1\/dir\/a%20b\?op=GETFILESTATUS/)
  })
})

describe('names', () => {
  it.each(['a:b', 'a//b', 'a/'])('that HDFS does not take are refused: %j', async key => {
    const store = await open('127.0.0.1:1')
    await expect(putText(store, key, '')).rejects.toMatchObject({ category: 'usage', code: 'STORE_KEY_NOT_ALLOWED' })
  })

  it('of our own folder are refused', async () => {
    const store = await open('127.0.0.1:1')
    await expect(store.stat('.nimctl-incomplete/x', never)).rejects.toMatchObject({ code: 'STORE_KEY_OUTSIDE' })
  })

  it.each(['webhdfs:///x', 'webhdfs://joe@nn/x', 'hdfs://nn/x?y', 'hdfs://nn/100%'])(
    'of a store are refused: %s',
    async url => {
      await expect(openStore(new URL(url), {})).rejects.toMatchObject({ category: 'usage', code: 'STORE_URL_INVALID' })
    },
  )
})
