import { rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'

import { temporaryDirectory } from '../hub-cache.ts'
import { describeMissing, installParts } from '../servers/install.ts'
import type { Part } from '../servers/parts.ts'
import { runFlow } from './flow.ts'
import { startParts, type Running } from './running.ts'
import { Interrupted, openShell } from './shell.ts'

/**
 * The main job once, on real parts, with a stand-in for NVIDIA's image and NGC. What can't be installed is left out,
 * and said.
 */
async function demo(storeKind: 'file' | 's3'): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const wanted: Part[] = ['docker', 'skopeo', 'registry', ...(storeKind === 's3' ? (['seaweedfs'] as const) : [])]
  const { missing } = await installParts(wanted)
  const started = performance.now()
  if (missing.length > 0)
    say(`Could not be installed; the steps that need it are left out:\n${describeMissing(missing)}\n`)
  const there = new Set(wanted.filter(part => missing.every(absent => absent.part !== part)))

  const work = await temporaryDirectory()
  const shell = openShell(say)
  let running: Running | undefined
  try {
    running = await startParts(there, { work, say })
    shell.setEnvironment(running.env)
    await runFlow(shell, running, work)
    say(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s after the installs.`)
    return 0
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    say('\nInterrupted.')
    return error.exitCode
  } finally {
    await running?.stop()
    await rm(work, { recursive: true, force: true })
  }
}

const { values } = parseArgs({ options: { store: { type: 'string', default: 'file' } } })
if (values.store !== 'file' && values.store !== 's3') {
  process.stderr.write(`--store ${values.store}: expected file or s3.\n`)
  process.exitCode = 2
} else process.exitCode = await demo(values.store)
