import { inventoryKey, ngcInventoryKey, type Inventory } from '../inventory/inventory.ts'
import type { Store } from '../stores/store.ts'
import { checkReport, type Check, type CheckReport } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import { compareStore } from '../transfer/compare.ts'
import {
  chooseMarker,
  describeKey,
  listMarkers,
  readPublishedInventory,
  type ImageDigest,
  type PublishedInventory,
} from '../transfer/marker.ts'

export interface ValidateStoreRequest {
  store: Store
  /** `sha256:…` that the uploading side printed. */
  inventoryDigest?: string
  /** Ids, or unique beginnings, of profiles that must be there. */
  profiles: readonly string[]
  /** Which inventory, where images share a bucket (layout `ngc`). */
  image?: ImageDigest
  /** Read contents back. */
  deep: boolean
  concurrency: number
  signal: AbortSignal
  report: Report
}

/** Says whether what was uploaded is all there, without downloading it, and names every key that is not. */
export async function validateStore(request: ValidateStoreRequest): Promise<CheckReport> {
  const { store, signal, report } = request
  const target = describeKey(store, '')
  report({ event: 'started', task: 'validate' })
  const { published, checks, others } = await findInventory(request)
  if (published === undefined) {
    report({ event: 'ended', task: 'validate' })
    return checkReport(target, { models: [], profiles: [], files: 0, bytes: 0 }, checks)
  }
  const { header } = published.inventory
  checks.push(...checkDigest(published, request), ...checkProfiles(published.inventory, request.profiles))
  // A directory keeps no checksums, so its files are read: there is nothing else to ask.
  const deep = request.deep || store.url.protocol === 'file:'
  const keysOfOthers = new Set(
    others.flatMap(({ entries }) => entries.flatMap(entry => (entry.type === 'file' ? [entry.key ?? entry.path] : []))),
  )
  const { concurrency } = request
  checks.push(
    ...(await compareStore(store, published.inventory, {
      deep,
      ignore: key => keysOfOthers.has(key),
      concurrency,
      signal,
      report,
    })),
  )
  report({ event: 'ended', task: 'validate' })
  const { models, files, bytes } = header
  return checkReport(target, { models, profiles: header.profiles.map(({ id }) => id), files, bytes }, checks)
}

interface FoundInventory {
  published: PublishedInventory | undefined
  /** Of other images in the same bucket. */
  others: Inventory[]
  checks: Check[]
}

async function findInventory(request: ValidateStoreRequest): Promise<FoundInventory> {
  const { store, image, signal } = request
  const keys = await listMarkers(store, signal)
  const own = chooseMarker(store, keys, image)
  if (own === undefined) return { published: undefined, others: [], checks: [missingInventory(request, keys)] }
  const others: Inventory[] = []
  for (const key of keys.filter(other => other !== own)) {
    const other = await readPublishedInventory(store, key, signal)
    if (other !== undefined) others.push(other.inventory)
  }
  try {
    const published = await readPublishedInventory(store, own, signal)
    if (published === undefined) return { published, others, checks: [missingInventory(request, keys)] }
    return { published, others, checks: [{ name: 'store.inventory', status: 'ok', method: 'structure', path: own }] }
  } catch (error) {
    if (!(error instanceof NimctlError) || error.code !== 'INVENTORY_INVALID') throw error
    const { message, why, next } = error
    const check: Check = {
      name: 'store.inventory',
      status: 'failed',
      method: 'structure',
      path: own,
      found: [message, why].join(' '),
      ...(next !== undefined && { next }),
    }
    return { published: undefined, others, checks: [check] }
  }
}

function missingInventory({ store, image }: ValidateStoreRequest, keys: readonly string[]): Check {
  return {
    name: 'store.inventory',
    status: 'failed',
    method: 'structure',
    path: image === undefined ? inventoryKey : ngcInventoryKey(image.reference, image.digest),
    expected: 'an inventory',
    found: keys.length > 0 ? keys.join(', ') : 'nothing',
    next: `The upload to ${describeKey(store, '')} did not end, or another tool made it: run nimctl upload.`,
  }
}

function checkDigest({ digest }: PublishedInventory, { inventoryDigest }: ValidateStoreRequest): Check[] {
  if (inventoryDigest === undefined) return []
  const same = digest === inventoryDigest
  return [
    {
      name: 'store.inventory-digest',
      status: same ? 'ok' : 'failed',
      method: 'content',
      path: inventoryKey,
      expected: inventoryDigest,
      found: digest,
      ...(!same && {
        next: 'This is not the upload that the other side meant: compare times and images with nimctl list.',
      }),
    },
  ]
}

function checkProfiles({ header }: Inventory, profiles: readonly string[]): Check[] {
  return profiles.map(asked => {
    const found = header.profiles.filter(({ id, description }) => id.startsWith(asked) || description === asked)
    const status = found.length === 1 ? 'ok' : 'failed'
    return {
      name: 'store.profile',
      status,
      method: 'structure',
      expected: asked,
      found: found.map(({ id }) => id).join(', ') || `only ${header.profiles.map(({ id }) => id).join(', ') || 'none'}`,
      ...(status === 'failed' && {
        next: 'Build and upload it: nimctl cache IMAGE DIR --profile ID, then nimctl upload.',
      }),
    }
  })
}
