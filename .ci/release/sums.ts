import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** As `sha256sum --check` reads it. */
export async function writeSums(out: string, files: readonly string[]): Promise<string> {
  const lines: string[] = []
  for (const name of files.toSorted()) lines.push(`${await sha256Of(join(out, name))}  ${name}\n`)
  await writeFile(join(out, 'SHA256SUMS'), lines.join(''))
  return 'SHA256SUMS'
}
