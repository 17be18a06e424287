import { createHash } from 'node:crypto'

import * as v from 'valibot'

import { NimctlError } from '../system/errors.ts'
import { isSafePath, resolveLink } from '../system/safe-path.ts'
import { compareUtf8 } from '../system/utf8-order.ts'
import type { Inventory, InventoryEntry, InventoryHeader } from './inventory.ts'

const profile = v.object({
  id: v.string(),
  description: v.exactOptional(v.string()),
  model: v.exactOptional(v.string()),
  release: v.exactOptional(v.string()),
  tags: v.record(v.string(), v.string()),
})

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const crc32c = v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/))
const path = v.pipe(v.string(), v.check(isSafePath, 'leads outside its directory'))

const archive = v.object({ key: path, size: count, crc32c, partSize: v.exactOptional(count) })

const headerFields = v.object({
  formatVersion: v.literal(1),
  kind: v.literal('Inventory'),
  tool: v.string(),
  image: v.exactOptional(v.string()),
  imageDigest: v.exactOptional(v.string()),
  family: v.exactOptional(v.string()),
  manifestVersion: v.exactOptional(v.picklist([1, 2])),
  form: v.exactOptional(v.picklist(['hub', 'flat', 'native', 'endpoint', 'uri'])),
  sources: v.exactOptional(v.array(v.string())),
  profiles: v.array(profile),
  models: v.array(v.string()),
  layout: v.picklist(['cache', 'ngc', 'tar', 'plain']),
  links: v.picklist(['copy', 'follow', 'record']),
  archive: v.exactOptional(archive),
  files: count,
  bytes: count,
})

const header = v.pipe(
  headerFields,
  v.check(
    ({ layout, archive: held }) => (layout === 'tar') === (held !== undefined),
    'an archive belongs to layout tar',
  ),
)

const entry = v.variant('type', [
  v.object({
    type: v.literal('file'),
    path,
    key: v.exactOptional(v.string()),
    offset: v.exactOptional(count),
    size: count,
    mode: count,
    crc32c,
    md5: v.exactOptional(v.string()),
    blake3: v.exactOptional(v.string()),
    partSize: v.exactOptional(count),
  }),
  v.pipe(
    v.object({
      type: v.literal('link'),
      path,
      key: v.exactOptional(v.string()),
      target: v.string(),
      size: count,
      crc32c,
    }),
    v.check(link => resolveLink(link.path, link.target) !== undefined, 'the link leads outside'),
  ),
  v.object({ type: v.literal('directory'), path, mode: count }),
])

/** JSON Lines: the header, then one entry a line in the UTF-8 order of their paths. The same inventory gives the same bytes. */
export function formatInventory({ header, entries }: Inventory): string {
  const sorted = entries.toSorted((a, b) => compareUtf8(a.path, b.path))
  return [header, ...sorted].map(line => `${JSON.stringify(line)}\n`).join('')
}

/** `sha256:…` of an inventory's bytes: what one side prints and the other one asks for. */
export function inventoryDigest(text: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

/** Where a line stands: the URL or file, and its number from 1. */
export interface LinePlace {
  where: string
  line: number
}

/**
 * @throws NimctlError `check-failed` / `INVENTORY_INVALID`, `usage` / `INVENTORY_TOO_NEW` for a format of a later nimctl.
 */
export function parseHeader(text: string, place: LinePlace): InventoryHeader {
  const value = parseJson(text, place)
  const version =
    typeof value === 'object' && value !== null && 'formatVersion' in value ? value.formatVersion : undefined
  if (typeof version === 'number' && version > 1) {
    throw new NimctlError('usage', 'INVENTORY_TOO_NEW', {
      what: `The inventory ${place.where} has format version ${version}; this nimctl reads version 1.`,
      next: 'Use the nimctl version that wrote it, or a newer one.',
    })
  }
  const result = v.safeParse(header, value)
  if (!result.success) throw invalidInventory(place, describe(result.issues[0]))
  return result.output
}

/** @throws NimctlError `check-failed` / `INVENTORY_INVALID`. */
export function parseEntry(text: string, place: LinePlace): InventoryEntry {
  const value = parseJson(text, place)
  const result = v.safeParse(entry, value)
  if (!result.success) throw invalidInventory(place, describe(result.issues[0]))
  return result.output
}

export function invalidInventory({ where, line }: LinePlace, why: string): NimctlError {
  return new NimctlError('check-failed', 'INVENTORY_INVALID', {
    what: `The inventory ${where} is damaged in line ${line}.`,
    why,
    next: 'Run the upload again: it sends what is missing and writes the inventory anew.',
  })
}

function parseJson(text: string, place: LinePlace): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw invalidInventory(place, 'this is no JSON')
    throw error
  }
}

function describe(issue: v.BaseIssue<unknown>): string {
  const dotPath = v.getDotPath(issue)
  return dotPath === null ? issue.message : `${dotPath}: ${issue.message}`
}
