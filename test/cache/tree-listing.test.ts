import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { scanCacheTree } from '../../src/cache/scan.ts'
import { readTreeListing, treeScript } from '../../src/cache/tree-listing.ts'
import { temporaryDirectory } from '../hub-cache.ts'

const list = (directory: string, shell: string[]) => {
  const [program = '', ...args] = shell
  const printed = execFileSync(program, [...args, '-c', treeScript, 'sh', directory], { encoding: 'utf8' })
  return readTreeListing(directory, printed.trimEnd().split('\n'))
}

/** Odd names, links of every kind, an empty file, and a folder that is ours. */
async function fill(directory: string): Promise<void> {
  const model = join(directory, 'ngc/hub/models--nim--meta--llama')
  await mkdir(join(model, 'blobs'), { recursive: true })
  await mkdir(join(model, 'snapshots/1.0+a b/sub'), { recursive: true })
  await mkdir(join(directory, '.nimctl'))
  await mkdir(join(directory, '.cache'))
  await writeFile(join(directory, '.nimctl/cache.json'), '{}')
  await writeFile(join(directory, '.cache/odd name*[x]'), 'odd')
  await writeFile(join(model, 'blobs/0123456789abcdef0123456789abcdef'), 'content', { mode: 0o640 })
  await writeFile(join(model, 'blobs/d41d8cd98f00b204e9800998ecf8427e'), '')
  await symlink('../../blobs/0123456789abcdef0123456789abcdef', join(model, 'snapshots/1.0+a b/config.json'))
  await symlink('../../../blobs/none', join(model, 'snapshots/1.0+a b/sub/broken'))
  await symlink('snapshots', join(model, 'latest'))
}

it.each([{ shell: ['sh'] }, { shell: ['bash'] }, { shell: ['busybox', 'sh'] }])(
  'lists in $shell what a scan of the same directory finds',
  async ({ shell }) => {
    const directory = join(await temporaryDirectory(), shell.join('-'))
    await fill(directory)
    const scanned = await scanCacheTree(directory)
    const seconds = scanned.entries.flatMap(entry => {
      if (entry.type === 'directory') return []
      return [entry.type === 'file' ? { ...entry, modifiedMs: Math.floor(entry.modifiedMs / 1000) * 1000 } : entry]
    })
    expect(list(directory, shell)?.entries).toEqual(seconds)
  },
)

it('is no tree where the list was cut off', () => {
  expect(readTreeListing('pvc://c', ['file\ta\t1 644 0 1'])).toBeUndefined()
  expect(readTreeListing('pvc://c', [])).toBeUndefined()
  expect(readTreeListing('pvc://c', ['end'])).toEqual({ root: 'pvc://c', entries: [] })
})
