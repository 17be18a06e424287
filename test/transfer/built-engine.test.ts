import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { silent } from '../../src/system/progress.ts'
import { download } from '../../src/transfer/download.ts'
import { requireInventory } from '../../src/transfer/marker.ts'
import { makeHubCache, smallRecord, temporaryDirectory } from '../hub-cache.ts'
import { uploadDirectory } from './upload-directory.ts'

const { signal } = new AbortController()

/** What a NIMBuild leaves in the claim of its NIMCache (reference/operator.md, section 5). */
const built = {
  'local_cache/llama-trt/trtllm_engine/rank0.engine': 'engine',
  'local_cache/llama-trt/trtllm_engine/config.json': '{}',
  'local_cache/local_manifest.yaml': `${'ab'.repeat(32)}:\n  tags: {model_name: llama-trt}\n`,
}

it('an engine that a NIMBuild made is carried with the cache, and with it the manifest that names it', async () => {
  const [claim, bucket, elsewhere, state] = [
    await temporaryDirectory(),
    await temporaryDirectory(),
    await temporaryDirectory(),
    await temporaryDirectory(),
  ]
  await makeHubCache(claim)
  for (const [path, text] of Object.entries(built)) {
    await mkdir(dirname(join(claim, path)), { recursive: true })
    await writeFile(join(claim, path), text)
  }
  const store = await openStore(pathToFileURL(bucket), {})
  await uploadDirectory(claim, store, state, { layout: 'cache', record: smallRecord })
  const { inventory } = await requireInventory(store, undefined, signal)
  const limits = { concurrency: 1, memory: 2 ** 23, signal, report: silent }
  await download({ store, inventory, directory: elsewhere, stateDirectory: state, ...limits })
  for (const [path, text] of Object.entries(built)) {
    expect(await readFile(join(elsewhere, path), 'utf8')).toBe(text)
    expect((await stat(join(elsewhere, path))).mode).toBe((await stat(join(claim, path))).mode)
  }
})
