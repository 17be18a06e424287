import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

import type { CacheRecord } from '../src/cache/cache-tree.ts'

export interface HubModel {
  /** `org/team/model`. */
  repository: string
  version: string
  files: Record<string, string | Uint8Array>
}

/** A small cache of two versions: one blob is in both, one file is nested, one is empty. */
const smallModels: HubModel[] = [
  {
    repository: 'nim/meta/test-model',
    version: 'hf-1234567',
    files: {
      'config.json': '{"layers":2}',
      'LICENSE.txt': 'licence',
      'nested/deep/tokenizer.json': '{}',
      'empty.txt': '',
    },
  },
  {
    repository: 'nim/meta/test-model',
    version: '0.1+abc-l40sx1-bf16.1',
    files: { 'rank0.engine': 'engine bytes'.repeat(1000), 'LICENSE.txt': 'licence' },
  },
]

export const smallRecord: CacheRecord = {
  formatVersion: 1,
  kind: 'CacheRecord',
  image: 'nvcr.test/nim/meta/test-model:1.0.0',
  imageDigest: `sha256:${'ab'.repeat(32)}`,
  family: 'llm',
  manifestVersion: 1,
  profiles: [{ id: 'c0ffee'.padEnd(64, '0'), tags: { tp: '1', llm_engine: 'vllm' } }],
}

const made: string[] = []

/** Removed when the test file ends, at the latest (test/remove-temporary.ts). */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-test-'))
  made.push(directory)
  return directory
}

export async function removeTemporaryDirectories(): Promise<void> {
  for (const directory of made.splice(0)) await rm(directory, { recursive: true, force: true, maxRetries: 3 })
}

/** Writes a hub tree as NIM containers leave it (reference/nim.md 4.1), with nimctl's own record unless told. */
export async function makeHubCache(
  root: string,
  { models = smallModels, record = smallRecord }: { models?: HubModel[]; record?: CacheRecord | undefined } = {},
): Promise<void> {
  for (const { repository, version, files } of models) {
    const model = join(root, 'ngc/hub', `models--${repository.replaceAll('/', '--')}`)
    for (const [name, content] of Object.entries(files)) {
      const blob = join(model, 'blobs', createHash('md5').update(content).digest('hex'))
      await writeInto(blob, content)
      const link = join(model, 'snapshots', version, name)
      await mkdir(dirname(link), { recursive: true })
      await symlink(relative(dirname(link), blob), link)
    }
    await writeInto(join(model, 'refs', version), version)
  }
  await mkdir(join(root, 'ngc/hub/tmp'), { recursive: true })
  await mkdir(join(root, 'local_cache'), { recursive: true })
  await writeInto(join(root, '.nimctl/cache.json'), JSON.stringify(record))
}

async function writeInto(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
