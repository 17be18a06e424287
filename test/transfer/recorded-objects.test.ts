import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

import { beforeEach, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { uploadDirectory } from './upload-directory.ts'

const { signal } = new AbortController()

/** A directory: it says nothing of what a file holds. */
let store: Store
let root: string
let state: string
/** As a kill would leave it. */
let stateAtKill: string

beforeEach(async () => {
  const work = await temporaryDirectory()
  ;[root, state, stateAtKill] = [join(work, 'files'), join(work, 'state'), join(work, 'state-at-kill')]
  await mkdir(root)
  store = await openStore(pathToFileURL(join(work, 'store')), {})
})

/** A run that is as if it was killed at a file of its own content: before it is put, or before anybody knows. */
function killedAt(key: string, when: 'before' | 'after'): Store {
  return {
    ...store,
    async put(...args) {
      const kill = () => cp(state, stateAtKill, { recursive: true })
      if (args[0] === key && when === 'before') await kill()
      const object = await store.put(...args)
      if (args[0] === key && when === 'after') await kill()
      return object
    },
  }
}

async function sentBy(run: (watched: Store) => Promise<unknown>): Promise<string[]> {
  const sent: string[] = []
  const watched: Store = {
    ...store,
    put: async (...args) => {
      sent.push(args[0])
      return await store.put(...args)
    },
  }
  await run(watched)
  return sent.filter(key => !key.startsWith('.nimctl/'))
}

it('after a kill sends no small file again that was whole, where the store has no checksums', async () => {
  for (const size of [1, 2, 3]) await writeFile(join(root, `${size}`), 'x'.repeat(size))
  await uploadDirectory(root, killedAt('1', 'before'), state)
  await store.remove('.nimctl/inventory.jsonl', { signal })
  await store.remove('1', { signal })
  // The largest goes first.
  expect(await sentBy(watched => uploadDirectory(root, watched, stateAtKill))).toEqual(['1'])
})

it('after a kill believes no note of what was being replaced', async () => {
  await writeFile(join(root, 'file'), 'one')
  await uploadDirectory(root, store, state)
  await writeFile(join(root, 'file'), 'two')
  await uploadDirectory(root, killedAt('file', 'after'), state)
  await store.remove('.nimctl/inventory.jsonl', { signal })
  await writeFile(join(root, 'file'), 'one')
  await uploadDirectory(root, store, stateAtKill)
  expect(String(await buffer(await store.read('file', undefined, { signal })))).toBe('one')
})
