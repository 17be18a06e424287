import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import * as v from 'valibot'

import type { Inventory } from '../inventory/inventory.ts'
import { errorCode, NimctlError } from '../system/errors.ts'
import { writeFileAtomically } from '../system/files.ts'
import { parseJson } from '../system/json.ts'
import { withLocks } from '../system/lock.ts'
import { waitForLock } from './wait-for-lock.ts'

const file = v.strictObject({
  path: v.string(),
  /** Bytes. */
  size: v.number(),
  crc32c: v.string(),
  md5: v.exactOptional(v.string()),
  blake3: v.exactOptional(v.string()),
})

/** What lies in the mirror. */
const mirroredImage = v.object({
  destination: v.string(),
  digest: v.string(),
  platforms: v.array(v.object({ platform: v.string(), digest: v.string() })),
})

const lockedModel = v.object({
  image: v.string(),
  imageDigest: v.string(),
  mirrored: v.exactOptional(mirroredImage),
  /** The flags that chose the profiles, as a person would type them. */
  choice: v.string(),
  profiles: v.array(v.string()),
  /** Of all files; what two uploads of the same cache have in common, whatever their layout. */
  contentDigest: v.string(),
  bytes: v.number(),
  files: v.array(file),
})

const lock = v.object({
  formatVersion: v.literal(1),
  kind: v.literal('Lock'),
  models: v.record(v.string(), lockedModel),
})

export type Lock = v.InferOutput<typeof lock>
export type LockedModel = v.InferOutput<typeof lockedModel>
export type MirroredImage = v.InferOutput<typeof mirroredImage>

/**
 * Reads `nimctl.lock`; an empty one where there is none.
 *
 * @throws NimctlError `usage` / `LOCK_FILE_INVALID`.
 */
export async function readLock(path: string): Promise<Lock> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return { formatVersion: 1, kind: 'Lock', models: {} }
  const result = v.safeParse(lock, parseJson(text))
  if (result.success) return result.output
  const [issue] = result.issues
  throw new NimctlError('usage', 'LOCK_FILE_INVALID', {
    what: `${path} is not what nimctl run wrote there.`,
    why: `${v.getDotPath(issue) ?? 'It'}: ${issue.message}`,
    next: 'Take it from version control again, or remove it: nimctl run writes it anew.',
  })
}

/** Puts one model into the file. Several processes may do that at once; each leaves the others' models as they are. */
export async function updateLock(
  path: string,
  { name, model, signal }: { name: string; model: LockedModel; signal: AbortSignal },
): Promise<void> {
  const write = async () => {
    const { models } = await readLock(path)
    const sorted = Object.entries({ ...models, [name]: model }).toSorted(([a], [b]) => (a < b ? -1 : 1))
    await writeFileAtomically(path, renderLock({ formatVersion: 1, kind: 'Lock', models: Object.fromEntries(sorted) }))
  }
  await waitForLock(() => withLocks([{ path: `${path}.writing`, what: path }], write), signal)
}

/** One line a file, so that version control shows which one changed. */
function renderLock({ models, ...head }: Lock): string {
  const parts = Object.entries(models).map(([name, { files, ...model }]) => {
    const fields = JSON.stringify(model, undefined, 2).split('\n').slice(1, -1).join('\n')
    const lines = files.map(entry => `    ${JSON.stringify(entry)}`).join(',\n')
    return `${JSON.stringify(name)}: {\n${fields},\n  "files": [\n${lines}\n  ]\n}`
  })
  const text = JSON.stringify(head, undefined, 2).slice(0, -2)
  return `${text},\n  "models": {${parts.length === 0 ? '' : `\n${parts.join(',\n')}\n  `}}\n}\n`
}

/** What the files of an inventory are, whatever keys they have and whichever tool sent them. */
export function contentOf({ header, entries }: Inventory): Pick<LockedModel, 'files' | 'bytes' | 'contentDigest'> {
  const files = entries
    .filter(entry => entry.type === 'file')
    .map(({ path, size, crc32c, md5, blake3 }) => ({
      path,
      size,
      crc32c,
      ...(md5 !== undefined && { md5 }),
      ...(blake3 !== undefined && { blake3 }),
    }))
  const digest = createHash('sha256')
  for (const { path, size, crc32c } of files) digest.update(`${JSON.stringify([path, size, crc32c])}\n`)
  return { files, bytes: header.bytes, contentDigest: `sha256:${digest.digest('hex')}` }
}
