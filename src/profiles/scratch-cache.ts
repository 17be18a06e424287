import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ContainerEngine, ContainerRequest } from '../system/container-engine.ts'
import { errorCode, errorMessage } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'

/**
 * Gives a container a cache directory that whatever user it runs as can write to, and removes it afterwards: LLM NIM
 * 1.8.4 downloads config.json before it lists (reference/nim.md 1.1). An engine on another host gets none, since our
 * directories are not there; the one in the image serves.
 */
export async function withScratchCache<Result>(
  { engine, target }: { engine: ContainerEngine; target: string },
  report: Report,
  use: (mounts: ContainerRequest['mounts']) => Promise<Result>,
): Promise<Result> {
  if (!engine.address.startsWith('unix:')) return use([])
  // Others cannot pass the outer directory, so the inner one may be open to everybody.
  const outer = await mkdtemp(join(tmpdir(), 'nimctl-list-'))
  try {
    const inner = join(outer, 'cache')
    await mkdir(inner)
    await chmod(inner, 0o777)
    return await use([{ source: inner, target }])
  } finally {
    await removeScratch(outer, report)
  }
}

/** What the container wrote as another user may be out of our reach; that is no reason to fail. */
async function removeScratch(directory: string, report: Report): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EBUSY', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error
    const message = `${directory} could not be removed (${errorMessage(error)}): sudo rm -r ${directory}`
    report({ event: 'warning', code: 'SCRATCH_LEFT', message })
  }
}
