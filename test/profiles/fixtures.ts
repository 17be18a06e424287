import { readdirSync, readFileSync } from 'node:fs'

import type { ListedProfile, ProfileListing } from '../../src/profiles/listing.ts'

/** A list as an image prints it, from fixtures/listings. */
export function readList(name: string): string {
  return readFileSync(new URL(`../../fixtures/listings/${name}.txt`, import.meta.url), 'utf8')
}

export function listNames(): string[] {
  return readdirSync(new URL('../../fixtures/listings', import.meta.url)).flatMap(file =>
    file.endsWith('.txt') ? [file.slice(0, -4)] : [],
  )
}

/** 64 digits that begin with `start`. */
export function idOf(start: string): string {
  return start.padEnd(64, '0')
}

export function aProfile(changes: Partial<ListedProfile> = {}): ListedProfile {
  return { id: idOf('aaaa'), description: '', section: 'unknown', lora: false, tags: {}, selected: true, ...changes }
}

export function aListing(...profiles: ListedProfile[]): ProfileListing {
  return { source: 'file', gpus: [], profiles, warnings: [] }
}

/** A seeded source of numbers in [0, 1), so that a failure can be repeated. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
