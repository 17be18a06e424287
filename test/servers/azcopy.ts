import { chmodSync, globSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { installNpmTool } from './install-npm.ts'
import type { RanTool } from './run-tool.ts'
import { toolEnvironment } from './tool-environment.ts'

export const azcopyVersion = '10.32.2'

/** @returns its path. @throws Error with what is missing. */
export async function installAzcopy(say: (line: string) => void): Promise<string> {
  const directory = await installNpmTool({ name: '@azure-tools/azcopy-linux', version: azcopyVersion })
  const [found] = globSync('node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_*', { cwd: directory })
  if (found === undefined) throw new Error('the package has no program for this machine')
  const program = join(directory, found)
  chmodSync(program, 0o755)
  const { exitCode, stderr } = await execa(program, ['--version'], { reject: false, stdin: 'ignore' })
  if (exitCode === 0) return program
  if (!stderr.includes('libsecret')) throw new Error(stderr)
  const { installDebianPackages } = await import('./install-debian.ts')
  const reason = await installDebianPackages([['libsecret-1-0']], say)
  if (reason !== undefined) throw new Error(reason.why)
  return program
}

/** @param home for its plans and logs. */
export async function azcopy(args: readonly string[], home: string): Promise<RanTool> {
  const program = await installAzcopy(line => process.stderr.write(`${line}\n`))
  const env = toolEnvironment({ HOME: home, AZCOPY_AUTO_LOGIN_TYPE: '', AZCOPY_DISABLE_SYSLOG: 'true' })
  const options = { env, extendEnv: false, reject: false, stdin: 'ignore' } as const
  const { exitCode = 1, stdout, stderr } = await execa(program, args, options)
  return { exitCode, stdout, stderr }
}
