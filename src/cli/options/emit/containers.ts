import type { NimContainer } from '../../../operator/objects.ts'
import type { Context } from '../../context.ts'
import { readInput } from '../input.ts'

/** @throws NimctlError `usage` / `CONTAINER_INVALID`, and what reading a file throws. */
export async function readContainers(
  files: readonly string[] | undefined,
  context: Context,
): Promise<NimContainer[] | undefined> {
  if (files === undefined) return undefined
  const { parseContainers } = await import('../../../emit/containers.ts')
  const containers: NimContainer[] = []
  for (const file of files) containers.push(...parseContainers(await readInput(file, context), file))
  return containers
}
