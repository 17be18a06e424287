import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import * as v from 'valibot'

import { errorCode, NimctlError } from '../system/errors.ts'
import { writeFileAtomically } from '../system/files.ts'
import { parseJson } from '../system/json.ts'
import type { CacheRecord } from './cache-tree.ts'

const recordPath = '.nimctl/cache.json'

const record = v.object({
  formatVersion: v.literal(1),
  kind: v.literal('CacheRecord'),
  image: v.string(),
  imageDigest: v.string(),
  family: v.string(),
  manifestVersion: v.exactOptional(v.picklist([1, 2])),
  profiles: v.array(
    v.object({
      id: v.string(),
      description: v.exactOptional(v.string()),
      model: v.exactOptional(v.string()),
      release: v.exactOptional(v.string()),
      tags: v.record(v.string(), v.string()),
    }),
  ),
  form: v.exactOptional(v.picklist(['hub', 'flat', 'native', 'endpoint', 'uri'])),
  sources: v.exactOptional(v.array(v.string())),
  tool: v.exactOptional(v.string()),
  checks: v.exactOptional(
    v.array(v.object({ name: v.string(), status: v.picklist(['ok', 'warning', 'failed', 'not-provable']) })),
  ),
})

/**
 * What `nimctl cache` noted in a cache directory; `undefined` for one that something else filled.
 *
 * @throws NimctlError `local` / `CACHE_RECORD_INVALID`.
 */
export async function readCacheRecord(directory: string): Promise<CacheRecord | undefined> {
  const path = join(directory, recordPath)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const result = v.safeParse(record, parseJson(text))
  if (result.success) return result.output
  throw new NimctlError('local', 'CACHE_RECORD_INVALID', {
    what: `${path} is not what nimctl cache wrote there.`,
    why: result.issues[0].message,
    next: `Remove it; nimctl cache IMAGE ${directory} writes it anew.`,
  })
}

/** Notes what the cache holds now. */
export async function writeCacheRecord(directory: string, content: CacheRecord): Promise<void> {
  await mkdir(join(directory, '.nimctl'), { recursive: true })
  await writeFileAtomically(join(directory, recordPath), `${JSON.stringify(content, undefined, 2)}\n`)
}
