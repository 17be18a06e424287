import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { answer } from './answer.ts'
import { freePort } from './free-port.ts'
import { describeMissing, installParts } from './install.ts'
import { requireProgram } from './locate.ts'
import { startProcess } from './start-process.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'
import { toolEnvironment } from './tool-environment.ts'

export interface RcloneWebdav {
  endpoint: string
  /** What it serves. */
  directory: string
  user: string
  password: string
  stop: () => Promise<void>
}

/** WebDAV over a directory, as golang.org/x/net/webdav speaks it. It keeps what was cut off, and makes no folders. */
export async function startRcloneWebdav(): Promise<RcloneWebdav> {
  const { missing } = await installParts(['rclone'])
  if (missing.length > 0) throw new Error(`rclone could not be installed:\n${describeMissing(missing)}`)
  const directory = makeTemporaryDirectory()
  const data = join(directory.path, 'data')
  mkdirSync(data)
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const [user, password] = ['someone', 'pass:word/ä']
  try {
    const server = await startProcess({
      name: 'rclone',
      command: requireProgram('rclone', 'rclone'),
      args: ['serve', 'webdav', data, '--addr', `127.0.0.1:${port}`, '--config', join(directory.path, 'none.conf')],
      env: toolEnvironment({ RCLONE_USER: user, RCLONE_PASS: password }),
      logFile: join(directory.path, 'rclone.log'),
      isReady: async () => (await answer(endpoint))?.status === 401,
      graceMs: 0,
    })
    const stop = async () => {
      await server.stop()
      directory.remove()
    }
    return { endpoint, directory: data, user, password, stop }
  } catch (error) {
    directory.remove()
    throw error
  }
}
