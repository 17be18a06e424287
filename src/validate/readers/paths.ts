import type { StoredObject } from '../../stores/store.ts'
import type { Check } from '../../system/check.ts'
import { structural } from './reader.ts'

/** Whether a key can become a path below the reader's directory. */
export function checkPath({ key }: StoredObject, title: string): Check[] {
  if (key.split('/').includes('..')) {
    return [
      structural({
        name: 'reader.parent-key',
        status: 'failed',
        path: key,
        found: `a key with "..", which ${title} refuses, or writes to another place`,
        next: 'Remove it: no cache has such names.',
      }),
    ]
  }
  if (!key.endsWith('/')) return []
  return [
    structural({
      name: 'reader.folder-key',
      status: 'failed',
      path: key,
      found: `a key that ends in a slash, which ${title} can't write as a file`,
      next: 'Remove it, or give it another key.',
    }),
  ]
}

/** Finds keys that are files and folders at once: `a` beside `a/b`. Holds as many keys as one has slashes. */
export interface CollisionFinder {
  /** @param key the next one in UTF-8 order. @returns the key that has the name of this one's folder, once each. */
  add(key: string): string | undefined
}

export function openCollisionFinder(): CollisionFinder {
  let beginnings: { key: string; told: boolean }[] = []
  return {
    add(key) {
      beginnings = beginnings.filter(beginning => key.startsWith(beginning.key))
      const file = beginnings.find(beginning => key[beginning.key.length] === '/' && !beginning.told)
      beginnings.push({ key, told: false })
      if (file === undefined) return undefined
      file.told = true
      return file.key
    },
  }
}

export function collision({ file, inside, title }: { file: string; inside: string; title: string }): Check {
  return structural({
    name: 'reader.collision',
    status: 'failed',
    path: file,
    expected: 'a file or a folder',
    found: `both: ${inside} lies in it`,
    next: `${title} can write only one of them, and fails: remove the other.`,
  })
}
