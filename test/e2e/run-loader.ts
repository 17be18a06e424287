import { execFile } from 'node:child_process'
import { join } from 'node:path'

import { type ContainerVariables, podEnvironment } from '../emit/pod-environment.ts'

interface RunRequest {
  /** As it was emitted. */
  container: ContainerVariables & { command: string[] }
  /** What the namespace has, by name and key. */
  secrets: Record<string, Record<string, string>>
  /** In the place of the container's own directory. */
  target: string
  /** What the caller puts behind the command. */
  args?: readonly string[]
  home: string
}

/** Runs a container of nimctl's own image that has the loader for a program, as a pod would. */
export async function runLoaderContainer(request: RunRequest): Promise<{ exitCode: number; stderr: string }> {
  const { container, secrets, target, args = [], home } = request
  const [program] = container.command
  if (program !== 'download-to-cache') throw new Error(`It runs ${program}, not the loader.`)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    ...podEnvironment(container, { secrets, configMaps: {} }),
    NIM_CACHE_PATH: target,
  }
  const script = join(import.meta.dirname, '../../bin/download-to-cache.js')
  return await new Promise(resolve => {
    execFile(process.execPath, [script, ...args], { env }, (error, _stdout, stderr) =>
      resolve({ exitCode: Number(error?.code ?? 0), stderr }),
    )
  })
}
