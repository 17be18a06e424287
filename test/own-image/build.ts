import { join } from 'node:path'

import { execa } from 'execa'

import { requireProgram } from '../servers/locate.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { packBases } from './base.ts'

const root = join(import.meta.dirname, '../..')

/** As it is called where a cluster pulls it. */
export const ownImage = 'registry.internal/tools/nimctl:0.1.0'

/**
 * nimctl's own image, by the Dockerfile as it is, in a Docker Engine. The images that it begins with can't be pulled
 * without internet: two made from this machine's files stand for them.
 *
 * @param host of the engine, as DOCKER_HOST has it.
 */
export async function buildOwnImage(host: string): Promise<void> {
  const directory = makeTemporaryDirectory()
  try {
    const bases = packBases(directory.path)
    const path = ['--change', 'ENV PATH=/usr/local/bin:/usr/bin:/bin']
    await docker(host, ['import', ...path, bases.build, 'nimctl-base-build:1'])
    await docker(host, ['import', ...path, bases.run, 'nimctl-base-run:1'])
    const names = ['--build-arg=NODE_IMAGE=nimctl-base-build:1', '--build-arg=BASE_IMAGE=nimctl-base-run:1']
    await docker(host, ['build', '--network=none', ...names, '--tag', ownImage, root])
  } finally {
    directory.remove()
  }
}

/** The builder that every engine has: BuildKit is a plugin of its own. */
async function docker(host: string, args: readonly string[]): Promise<void> {
  const env = { DOCKER_HOST: host, DOCKER_BUILDKIT: '0' }
  const { exitCode, all } = await execa(requireProgram('docker', 'docker'), args, { env, reject: false, all: true })
  if (exitCode !== 0) throw new Error(`docker ${args[0]} failed:\n${all.split('\n').slice(-20).join('\n')}`)
}
