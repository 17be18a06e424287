import type { Inventory } from '../../../src/inventory/inventory.ts'
import { contentOf, type LockedModel } from '../../../src/pipeline/lock.ts'
import type { PlacedDestination, StoredState, Toolbox } from '../../../src/pipeline/run/ports.ts'

export function aPlace(changes: Partial<PlacedDestination> & { store: string }): PlacedDestination {
  return { prefix: 'llama', argument: `@${changes.store}/llama`, ...changes }
}

export const digest = `sha256:${'d'.repeat(64)}`

/** What an upload of one file leaves. */
export function anInventory(size = 7): Inventory {
  return {
    header: {
      formatVersion: 1,
      kind: 'Inventory',
      tool: 'nimctl/0.1.0',
      image: 'r/llama:1',
      imageDigest: digest,
      profiles: [],
      models: [],
      layout: 'cache',
      links: 'copy',
      files: 1,
      bytes: size,
    },
    entries: [{ type: 'file', path: 'a', size, mode: 0o644, crc32c: '00000000' }],
  }
}

export function aLockedModel(changes: Partial<LockedModel> = {}): LockedModel {
  return {
    image: 'r/llama:1',
    imageDigest: digest,
    choice: '--all',
    profiles: ['p'],
    ...contentOf(anInventory()),
    ...changes,
  }
}

export const mirroredImage = {
  destination: 'registry.internal:5000/llama:1',
  digest: `sha256:${'c'.repeat(64)}`,
  platformDigests: [{ platform: 'linux/amd64', digest: `sha256:${'c'.repeat(64)}` }],
}

/** An nimctl whose commands succeed, and stores that hold what was uploaded to them. */
export function aToolbox(
  held: Record<string, StoredState> = {},
  fails: (args: readonly string[]) => object | undefined = () => undefined,
  mirrored: Record<string, string> = {},
) {
  const commands: string[] = []
  const stored = new Map(Object.entries(held))
  const toolbox: Toolbox = {
    async command(args) {
      commands.push(args.join(' '))
      const error = fails(args)
      if (error !== undefined) return { exitCode: 6, document: { kind: 'Error', ...error } }
      if (args[0] === 'upload')
        for (const to of args.slice(2).filter(arg => arg.startsWith('@')))
          stored.set(to, { inventory: anInventory(), digest, complete: true })
      if (args[0] === 'mirror') return { exitCode: 0, document: { images: [mirroredImage] } }
      return { exitCode: 0, document: { imageDigest: digest, profiles: ['p'], bytes: 7 } }
    },
    lookAt: async ({ argument }) => stored.get(argument),
    digestOf: async image => mirrored[image],
  }
  return { toolbox, commands, stored }
}
