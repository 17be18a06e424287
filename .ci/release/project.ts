import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

export const root = join(import.meta.dirname, '../..')

/** What package.json says, as far as releases need it. */
export interface PackageFile {
  name: string
  version: string
  dependencies: Record<string, string>
  [field: string]: unknown
}

export function readPackageFile(): PackageFile {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

/** Runs a tool and returns what it prints; its own complaints are shown where it fails. */
export async function run(program: string, args: readonly string[], cwd: string = root): Promise<string> {
  const { stdout } = await execa(program, args, { cwd, preferLocal: true, localDir: root })
  return stdout
}
