import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

import { scanCacheTree } from '../../src/cache/scan.ts'
import { forAll } from '../../src/system/for-all.ts'
import { crc32c } from '../../src/system/hash.ts'
import { openDirectorySource } from '../../src/transfer/source.ts'

/**
 * node sums-main.ts loop BYTES [all-cores] | files DIRECTORY STATE: CRC32C of so many bytes in four buffers, or of the
 * files of a directory, as an upload reads files of which it knows nothing.
 */
const [mode, what = '', how = ''] = process.argv.slice(2)
const readers = 8

if (mode === 'loop' && how === 'all-cores') {
  const cores = availableParallelism()
  for (let core = 0; core < cores; core++) {
    new Worker(import.meta.filename, { argv: ['loop', String(Math.ceil(Number(what) / cores))] })
  }
} else if (mode === 'loop') {
  const buffers = Array.from({ length: 4 }, (_, index) => Buffer.alloc(8 * 1024 ** 2, index + 1))
  for (let done = 0, turn = 0; done < Number(what); turn++) {
    const buffer = buffers[turn % buffers.length] ?? Buffer.alloc(0)
    crc32c(buffer)
    done += buffer.length
  }
} else {
  const { signal } = new AbortController()
  const source = await openDirectorySource(await scanCacheTree(what), how)
  const files = source.tree.entries.filter(entry => entry.type === 'file')
  const note = async (file: (typeof files)[number], stop: AbortSignal) => {
    source.noteSum(file, await source.hash(file, stop))
  }
  await forAll(files, note, { concurrency: readers, signal })
  await source.close()
}
