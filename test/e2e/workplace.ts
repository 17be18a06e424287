import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { inject } from 'vitest'

import { findProfile, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { buildStandInImages } from '../../fixtures/stand-in/image.ts'
import { startNgc, type Ngc } from '../../fixtures/stand-in/ngc.ts'
import type { StandInImage, StandInProfile } from '../../fixtures/stand-in/stand-in-image.ts'
import { ngcEnvironment } from '../fixtures/containers.ts'
import type {} from '../servers/global-setup.ts'
import { nimctl, succeeded, type Outcome } from './nimctl.ts'

const { llm1, llm2, nimlib } = standIns

/** Every stand-in image, and the profiles that the tests take from it. */
export const choices: { family: string; image: StandInImage; profiles: StandInProfile[] }[] = [
  {
    family: 'LLM 1.x',
    image: llm1,
    profiles: [findProfile(llm1, 'tensorrt_llm-l40s-bf16-tp1-throughput'), findProfile(llm1, 'vllm-fp16-tp1')],
  },
  // Has an empty file.
  { family: 'LLM 2.x', image: llm2, profiles: [findProfile(llm2, 'vllm-fp8-tp1-pp1-34.0')] },
  { family: 'nimlib', image: nimlib, profiles: nimlib.profiles.slice(0, 1) },
]

/** Flags that lead a container to the stand-in NGC; the values stand in the environment. */
export const toStandInNgc = [
  '--network',
  'host',
  ...['NGC_API_ENDPOINT', 'NGC_AUTH_ENDPOINT', 'NGC_API_SCHEME'].flatMap(name => ['--env', name]),
]

/** A directory of its own, a stand-in NGC, the stand-in images, and an environment that leads to the real servers. */
export interface Workplace {
  ngc: Ngc
  env: Record<string, string>
  path(name: string): string
  run(args: readonly string[], env?: Record<string, string>): Promise<Outcome>
  close(): Promise<void>
}

export async function openWorkplace(ngcOptions: Parameters<typeof startNgc>[0] = {}): Promise<Workplace> {
  await buildStandInImages({ docker: connectEngine(inject('dockerHost')) })
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-e2e-'))
  await mkdir(join(directory, 'tmp'))
  const ngc = await startNgc(ngcOptions)
  const env = {
    ...ngcEnvironment(ngc),
    ...inject('s3Env'),
    DOCKER_HOST: inject('dockerHost'),
    HOME: directory,
    TMPDIR: join(directory, 'tmp'),
    NIMCTL_STATE_DIR: join(directory, 'state'),
    NIMCTL_RETRIES: '0',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  return {
    ngc,
    env,
    path: name => join(directory, name),
    run: (args, more = {}) => nimctl(args, { env: { ...env, ...more }, cwd: directory }),
    async close() {
      await ngc.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Fills a directory as `nimctl cache` does; a test that is about something else needs no more. */
export async function fillCache(place: Workplace, name: string, choice = choices[0]): Promise<string> {
  if (choice === undefined) throw new Error('No stand-in was chosen.')
  const { image, profiles } = choice
  const chosen = profiles.flatMap(({ id }) => ['--profile', id])
  succeeded(await place.run(['cache', image.reference, place.path(name), ...chosen, ...toStandInNgc]))
  return place.path(name)
}
