import { join } from 'node:path'

import { execa } from 'execa'
import { inject } from 'vitest'

import type {} from './global-setup.ts'

export { ownImage } from '../own-image/build.ts'

const program = join(import.meta.dirname, 'outside-main.ts')

/** Once for all test files of a run: the second one waits for the first, and finds it done. */
const once = 'test -e "$1.done" || { "$2" "$3" "$4" "$5" && touch "$1.done"; }'

/**
 * What is done where there is internet, and a Docker Engine: nimctl's own image is built by the Dockerfile and comes into
 * the node's registry, and caches are filled.
 *
 * @returns where the cache of a model lies.
 */
export async function workOutside(): Promise<(model: { name: string }) => string> {
  const { directory, inNetwork } = inject('clusterNode')
  const lock = join(directory, 'outside.lock')
  const caches = join(directory, 'caches')
  const command = ['sh', '-c', once, 'sh', lock, process.execPath, program, JSON.stringify(inNetwork), caches]
  const { exitCode, stderr } = await execa('flock', [lock, ...command], { reject: false, stdin: 'ignore' })
  if (exitCode !== 0) throw new Error(`The work outside of the cluster failed:\n${stderr}`)
  return ({ name }) => join(caches, name)
}
