import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import * as v from 'valibot'

import { NimctlError } from '../system/errors.ts'
import { writeFileAtomically } from '../system/files.ts'

/** What was read out of an image, without the name that led to it. */
export interface Inspection {
  platform: string
  labels: Record<string, string>
  env: string[]
  entrypoint: string[]
  command: string[]
  user: string
  manifest?: { path: string; text: string }
}

/** A digest's content never changes, so what was read once stays true. */
export interface InspectionCache {
  read(key: InspectionKey): Promise<Inspection | undefined>
  write(key: InspectionKey, inspection: Inspection): Promise<void>
}

interface InspectionKey {
  /** `sha256:…` */
  digest: string
  /** The platform that was asked for, such as `linux/amd64`. */
  platform: string
}

const inspection = v.object({
  platform: v.string(),
  labels: v.record(v.string(), v.string()),
  env: v.array(v.string()),
  entrypoint: v.array(v.string()),
  command: v.array(v.string()),
  user: v.string(),
  manifest: v.exactOptional(v.object({ path: v.string(), text: v.string() })),
})
const entry = v.object({ formatVersion: v.literal(1), sha256: v.string(), inspection })

/**
 * One file for each image, in `directory`. An entry that is not whole counts as none; a directory that can't be written
 * to makes the next look slower, and nothing else.
 */
export function openInspectionCache(directory: string): InspectionCache {
  const pathOf = ({ digest, platform }: InspectionKey) =>
    join(directory, `${digest.replace(':', '-')}.${platform.replaceAll('/', '-')}.json`)
  return {
    async read(key) {
      const text = await readFile(pathOf(key), 'utf8').catch(() => undefined)
      const parsed = v.safeParse(entry, parseJson(text ?? ''))
      if (!parsed.success) return undefined
      const { sha256, inspection: found } = parsed.output
      return sha256 === checksum(found) ? found : undefined
    },
    async write(key, found) {
      try {
        await mkdir(directory, { recursive: true })
        const text = JSON.stringify({ formatVersion: 1, sha256: checksum(found), inspection: found })
        await writeFileAtomically(pathOf(key), text)
      } catch (error) {
        const isOurs = error instanceof NimctlError || (error instanceof Error && 'code' in error)
        if (!isOurs) throw error
      }
    },
  }
}

/** Of the fields in the order of the schema, which the object that is written has too. */
function checksum(found: Inspection): string {
  return createHash('sha256')
    .update(JSON.stringify(v.parse(inspection, found)))
    .digest('hex')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
