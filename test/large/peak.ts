import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

const here = import.meta.dirname

const program = join(here, '../../bin/nimctl.js')

/** Over what `nimctl --help` takes, in bytes. */
export const mostMemory = 200 * 2 ** 20

export interface Peak {
  /** Largest resident set, in bytes. */
  memory: number
  /** User and system time. */
  cpuSeconds: number
  seconds: number
}

/** Runs Node to its end; what it prints goes nowhere, but for errors. */
export async function measurePeak(args: readonly string[], env: Record<string, string> = {}): Promise<Peak> {
  const started = performance.now()
  // As bin/nimctl.js sets it.
  const flags = ['--max-semi-space-size=4', '--import', join(here, 'report-peak.mjs')]
  const child = spawn(process.execPath, [...flags, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const [taken, code] = await Promise.all([
    text(child.stdio[3] as Readable),
    new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve)),
  ])
  if (code !== 0) throw new Error(`It ended with ${code}: node ${args.join(' ')}`)
  return { ...JSON.parse(taken), seconds: (performance.now() - started) / 1000 }
}

export async function measureNimctl(args: readonly string[], env: Record<string, string> = {}): Promise<Peak> {
  return await measurePeak([program, ...args], env)
}
