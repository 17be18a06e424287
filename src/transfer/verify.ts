import type { Proof, Store, StoredObject } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { forAll } from '../system/for-all.ts'
import { findObjects } from './listing.ts'

export interface Expected {
  /** Bytes. */
  size: number
  crc32c?: number
  /** The store answered with it when it had checked the content: an object that still has it is that content. */
  etag?: string
}

export interface Proved {
  /** Number of objects by how well their content is proved. */
  counts: Record<Proof, number>
  /** A key of each kind, for the error. */
  examples: Map<Proof, string>
  /** What is proved by its checksum, as the listing shows it. */
  objects: StoredObject[]
}

interface VerifyOptions {
  /** Where the store was listed already, and nothing has changed since. */
  listed?: ReadonlyMap<string, StoredObject>
  onChecked: (key: string) => void
  signal: AbortSignal
}

const proofsBestFirst = ['full-checksum', 'parts', 'etag', 'size'] as const satisfies readonly Proof[]

/**
 * Looks at what lies in the store after an upload: presence and size by listing, the checksum by listing or stat.
 *
 * @throws NimctlError `check-failed` / `UPLOAD_UNPROVED` naming the first key that is missing or different.
 */
export async function verifyObjects(
  store: Store,
  expected: ReadonlyMap<string, Expected>,
  { signal, listed, onChecked }: VerifyOptions,
): Promise<Proved> {
  const found = listed ?? (await findObjects(store, expected, signal))
  const proved: Proved = {
    counts: { 'full-checksum': 0, parts: 0, etag: 0, size: 0 },
    examples: new Map(),
    objects: [],
  }
  const note = (key: string, wanted: Expected, object: StoredObject | undefined) => {
    const proof = prove(key, wanted, { found: object, store })
    proved.counts[proof] += 1
    proved.examples.set(proof, key)
    const inListing = found.get(key)
    if (proof === 'full-checksum' && inListing !== undefined) proved.objects.push(inListing)
    onChecked(key)
  }
  const unclear: [string, Expected][] = []
  for (const [key, wanted] of expected) {
    const listed = found.get(key)
    if (needsStat(store, listed, wanted)) unclear.push([key, wanted])
    else note(key, wanted, listed)
  }
  await forAll(unclear, async ([key, wanted], stop) => note(key, wanted, await store.stat(key, { signal: stop })), {
    concurrency: asksAtOnce,
    signal,
  })
  return proved
}

const asksAtOnce = 32

/**
 * @throws NimctlError `check-failed` / `PROOF_TOO_WEAK` when an object is proved less well than `level`.
 */
export function requireProof({ counts, examples }: Proved, level: Proof | undefined): void {
  if (level === undefined) return
  const weaker = proofsBestFirst.slice(proofsBestFirst.indexOf(level) + 1).filter(proof => counts[proof] > 0)
  const worst = weaker.at(-1)
  if (worst === undefined) return
  throw new NimctlError('check-failed', 'PROOF_TOO_WEAK', {
    what: `${counts[worst]} objects are proved by ${worst} only, such as ${examples.get(worst)}; --require asks for ${level}.`,
    next: 'Use a store that keeps checksums, or a lower --require. Everything that was sent is kept.',
  })
}

function needsStat(store: Store, listed: StoredObject | undefined, wanted: Expected): boolean {
  if (listed === undefined || listed.crc32c !== undefined || isSame(listed, wanted)) return false
  return store.capabilities.statProof === 'full-checksum'
}

/** The listing shows the very object whose checksum the store gave before. */
function isSame({ etag, size }: StoredObject, wanted: Expected): boolean {
  return etag !== undefined && etag === wanted.etag && size === wanted.size
}

/** Then somebody else has written there since. That the note is right proves nothing. */
function isNotedOtherwise({ notedCrc32c }: StoredObject, { crc32c }: Expected): boolean {
  return notedCrc32c !== undefined && crc32c !== undefined && notedCrc32c !== crc32c
}

function prove(
  key: string,
  wanted: Expected,
  { found, store }: { found: StoredObject | undefined; store: Store },
): Proof {
  if (found === undefined) throw unproved(key, 'It is not in the listing.')
  if (found.size !== wanted.size) throw unproved(key, `It has ${found.size} bytes; ${wanted.size} were sent.`)
  if (isSame(found, wanted)) return store.capabilities.statProof
  if (isNotedOtherwise(found, wanted)) throw unproved(key, 'The checksum noted beside it differs from what was sent.')
  if (found.crc32c === undefined || wanted.crc32c === undefined) {
    return store.capabilities.statProof === 'full-checksum' ? 'parts' : store.capabilities.statProof
  }
  if (found.crc32c !== wanted.crc32c) throw unproved(key, 'Its checksum differs from what was sent.')
  return 'full-checksum'
}

function unproved(key: string, why: string): NimctlError {
  return new NimctlError('check-failed', 'UPLOAD_UNPROVED', {
    what: `The object ${key} did not arrive as it was sent.`,
    why,
    next: 'Run the same command again: it sends what differs. If that repeats, something else writes to this prefix.',
  })
}
