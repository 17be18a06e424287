import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { readCacheRecord } from '../cache/record.ts'
import { scanCacheTree } from '../cache/scan.ts'
import { listModels } from '../cache/snapshots.ts'
import { NimctlError } from '../system/errors.ts'
import { crc32cToHex } from '../system/hash.ts'
import { kindOfPath } from '../transfer/compare.ts'
import type { SourceSums } from '../transfer/expected-content.ts'
import { openDirectorySource, type FileEntry, type Source } from '../transfer/source.ts'
import { listWanted } from '../transfer/wanted.ts'
import { findLayout, type AgainstRequest, type Expectation } from './against.ts'

/**
 * What a directory becomes when it is uploaded. Its files are read when the store has something to compare them with;
 * sums that an upload left are used, and none are left.
 *
 * @throws NimctlError `usage` / `LAYOUT_NOT_COMPARABLE`, and what `scanCacheTree` and `listWanted` throw.
 */
export async function expectDirectory(
  { directory, stateDirectory }: { directory: string; stateDirectory: string },
  request: AgainstRequest,
): Promise<Expectation> {
  const { header, add, signal } = request
  if (header?.layout === 'tar') throw notComparable()
  const [tree, record] = await Promise.all([scanCacheTree(directory), readCacheRecord(directory)])
  const models = listModels(tree.entries)
  const usual = { layout: models.length > 0 ? 'cache' : 'plain', links: 'copy' } as const
  const { layout, links } = (await findLayout(request)) ?? usual
  const wanted = listWanted(tree, { layout, links })
  const files = new Map(wanted.map(({ source }) => [source.path, source]))
  for (const { key, path, source } of wanted) {
    const kind = path === source.path || layout === 'ngc' ? kindOfPath(path) : 'link'
    await add({ key, expected: { kind, size: source.size, source: source.path } })
  }
  const source = await openDirectorySource(tree, stateDirectory)
  return {
    layout,
    models,
    profiles: record?.profiles ?? header?.profiles ?? [],
    ...(record !== undefined && { imageDigest: record.imageDigest }),
    files: wanted.length,
    bytes: [...files.values()].reduce((sum, { size }) => sum + size, 0),
    sums: openSums(source, { root: directory, files, signal }),
    close: () => source.close(),
  }
}

function openSums(
  source: Source,
  { root, files, signal }: { root: string; files: ReadonlyMap<string, FileEntry>; signal: AbortSignal },
): SourceSums {
  const hash = async (path: string): Promise<number> => {
    const file = files.get(path)
    if (file === undefined) throw new Error(`${path} is no file of the directory.`)
    return source.sumOf(file) ?? (await source.hash(file, signal))
  }
  const md5 = async (path: string): Promise<string> => {
    const sum = createHash('md5')
    await pipeline(createReadStream(join(root, path)), sum, { signal })
    return sum.digest('hex')
  }
  return { crc32c: once(async path => crc32cToHex(await hash(path))), md5: once(md5) }
}

/** Several keys may have the content of one file. */
function once(make: (path: string) => Promise<string>): (path: string) => Promise<string> {
  const made = new Map<string, Promise<string>>()
  return async path => {
    const sum = made.get(path) ?? make(path)
    made.set(path, sum)
    return await sum
  }
}

export function notComparable(): NimctlError {
  return new NimctlError('usage', 'LAYOUT_NOT_COMPARABLE', {
    what: 'An archive (layout tar) can be compared with another archive and with its own inventory only.',
    next: 'Leave --against out: one checksum proves the archive with all that is in it.',
  })
}
