import type { InventoryHeader } from '../inventory/inventory.ts'
import type { Check } from '../system/check.ts'
import { parseModelKey } from '../transfer/key-layout.ts'

/** Notices that an inventory is about other models than those that lie beside it. */
export interface ModelWatch {
  /** For every key of the listing. */
  readonly see: (key: string) => void
  /** When all keys were seen. */
  checks(): Check[]
}

/** Enough to name them; a shared bucket may have any number. */
const mostNamed = 20

export function openModelWatch(header: InventoryHeader | undefined): ModelWatch {
  const expected = new Set(header?.models)
  const others = new Set<string>()
  let isThere = expected.size === 0
  return {
    see(key) {
      if (isThere) return
      const model = parseModelKey(key)
      if (model === undefined) return
      const name = `${model.repository}:${model.version}`
      if (expected.has(name)) isThere = true
      else if (others.size < mostNamed) others.add(name)
    },
    checks() {
      if (isThere || others.size === 0) return []
      return [
        {
          name: 'store.model',
          status: 'failed',
          method: 'structure',
          expected: [...expected].join(', '),
          found: [...others].join(', '),
          next: 'The inventory is that of another model: nimctl upload, from the cache of what lies here, replaces it.',
        },
      ]
    },
  }
}
