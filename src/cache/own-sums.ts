import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { writeFileAtomically } from '../system/files.ts'

const sumsPath = '.nimctl/checksums.blake3'

/** BLAKE3 (lower-case hex) by path. */
export type Blake3Sums = ReadonlyMap<string, string>

/**
 * The checksums of a directory that no manifest describes, as `nimctl cache` found them when it filled it; empty for
 * hub trees, whose blobs say themselves what they are.
 */
export async function readOwnSums(directory: string): Promise<Blake3Sums> {
  const text = await readFile(join(directory, sumsPath), 'utf8').catch(() => '')
  return new Map(parseChecksums(text).map(([blake3, path]) => [path, blake3]))
}

/** In the form that NGC uses, so that `b3sum --check` reads them as well. The folder has to be there. */
export async function writeOwnSums(directory: string, sums: Blake3Sums): Promise<void> {
  const lines = [...sums].map(([path, blake3]) => `${blake3}  ${path}\n`)
  await writeFileAtomically(join(directory, sumsPath), lines.join(''))
}

/** Lines of `<hash>  <path>`, two spaces (reference/nim.md 4.1). */
export function parseChecksums(text: string): [blake3: string, path: string][] {
  return text.split('\n').flatMap(line => {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line)
    return match === null ? [] : [[match[1] ?? '', (match[2] ?? '').replace(/^\.\//, '')] satisfies [string, string]]
  })
}
