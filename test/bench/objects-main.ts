import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

import { crc32cToBase64 } from '../../src/system/hash.ts'
import { openGeneratedStore } from '../large/generated-store.ts'

/** objects-main.ts FILES: a bucket of Google's JSON API that is made while it is read. Prints its address. */
const store = openGeneratedStore({ files: Number(process.argv[2]), sorted: false, broken: false })
const { signal } = new AbortController()

const server = createServer((incoming, outgoing) => {
  void (async () => {
    const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://localhost')
    if (!pathname.endsWith('/o')) {
      await pipeline(await store.read(decodeURIComponent(pathname), undefined, { signal }), outgoing)
      return
    }
    const { objects, cursor } = await store.list(
      searchParams.get('prefix') ?? '',
      searchParams.get('pageToken') ?? undefined,
      { signal },
    )
    const items = objects.map(async ({ key, size }) => {
      const { crc32c = 0 } = (await store.stat(key, { signal })) ?? {}
      return { name: key, size: String(size), crc32c: crc32cToBase64(crc32c), generation: '1' }
    })
    outgoing.setHeader('content-type', 'application/json')
    outgoing.end(JSON.stringify({ items: await Promise.all(items), nextPageToken: cursor }))
  })()
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
