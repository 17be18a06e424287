import { buffer } from 'node:stream/consumers'

import type Docker from 'dockerode'

import { statusOf } from './docker-errors.ts'
import { ourLabels } from './docker-run.ts'
import { firstFileInTar } from './tar.ts'

/** What the engine says of a path, in the header X-Docker-Container-Path-Stat. */
interface PathStat {
  /** Bits of Go's os.FileMode. */
  mode: number
  /** Path in the container that a link leads to, all links followed. */
  linkTarget: string
}

const goModeDirectory = 2 ** 31
const goModeLink = 2 ** 27

/**
 * The first of `paths` that is a file in the image, links followed. A container is created for it and removed,
 * never started, so nothing of the image runs.
 */
export async function readImageFile(
  docker: Docker,
  image: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<{ path: string; bytes: Buffer } | undefined> {
  // An image without entry point and command can't be created without naming one.
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['never-started'],
    Labels: ourLabels,
    NetworkDisabled: true,
    abortSignal: signal,
  })
  try {
    for (const path of paths) {
      const file = await findFile(container, path)
      if (file === undefined) continue
      const archive = await container.getArchive({ path: file, abortSignal: signal })
      return { path, bytes: firstFileInTar(await buffer(archive), file) }
    }
    return undefined
  } finally {
    await container.remove({ force: true, v: true })
  }
}

/** The path of the file itself; `undefined` where there is none. */
async function findFile(container: Docker.Container, path: string): Promise<string | undefined> {
  const stat = await statPath(container, path)
  if (stat === undefined || hasBit(stat.mode, goModeDirectory)) return undefined
  if (!hasBit(stat.mode, goModeLink)) return path
  const target = await statPath(container, stat.linkTarget)
  const isFile = target !== undefined && !hasBit(target.mode, goModeDirectory) && !hasBit(target.mode, goModeLink)
  return isFile ? stat.linkTarget : undefined
}

async function statPath(container: Docker.Container, path: string): Promise<PathStat | undefined> {
  try {
    const response: { headers?: Record<string, string | string[] | undefined>; resume?: () => void } =
      await container.infoArchive({ path })
    response.resume?.()
    const header = response.headers?.['x-docker-container-path-stat']
    return typeof header === 'string' ? JSON.parse(Buffer.from(header, 'base64').toString('utf8')) : undefined
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** Bit operators of JavaScript end at 32 bits with a sign. */
function hasBit(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1
}
