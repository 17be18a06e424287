import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import type { ContainerVariables } from '../emit/pod-environment.ts'
import { makeHubCache } from '../hub-cache.ts'
import { nimctl, succeeded } from './nimctl.ts'
import { runLoaderContainer } from './run-loader.ts'
import { readContents } from './trees.ts'

const s3 = inject('s3Env')
const root = `s3://models/emit-pod-${process.pid}`

let work: string
const path = (name: string) => join(work, name)
const run = async (args: readonly string[]) =>
  succeeded(await nimctl(args, { env: { ...s3, HOME: work, NIMCTL_STATE_DIR: path('state') }, cwd: work }))

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'nimctl-emit-pod-'))
  await makeHubCache(path('cache'))
  await mkdir(path('tone'))
  await writeFile(path('tone/adapter_config.json'), '{}')
  await writeFile(path('tone/adapter_model.safetensors'), 'weights')
})
afterAll(() => rm(work, { recursive: true }))

interface Loader extends ContainerVariables {
  command: string[]
}

it('brings the cache and an adapter into the pod by the containers that run before the NIM', async () => {
  await run(['upload', path('cache'), `${root}/llama`])
  await run(['upload', path('tone'), `${root}/adapters/tone`, '--layout', 'plain'])
  const image = ['--loader-image', 'registry.internal:5000/nimctl:0.1.0']
  const lora = [
    '--adapter',
    `formal=${root}/adapters/tone`,
    '--peft-source',
    '/opt/nim/peft',
    '--adapter-memory',
    '1Gi',
  ]
  const emitted = await run(['emit', 'pod', 'llama', '--cache', `${root}/llama`, ...image, ...lora, '--json'])
  const { objects } = emitted.json() as { objects: { spec: { template: { spec: { initContainers: Loader[] } } } }[] }
  const secrets = {
    'llama-store': {
      AWS_ACCESS_KEY_ID: s3.AWS_ACCESS_KEY_ID ?? '',
      AWS_SECRET_ACCESS_KEY: s3.AWS_SECRET_ACCESS_KEY ?? '',
    },
  }
  const loaders = objects[0]?.spec.template.spec.initContainers ?? []
  const directories: string[] = []
  for (const container of loaders) {
    const variable = container.env?.find(({ name }) => name === 'NIM_CACHE_PATH')
    const directory = variable !== undefined && 'value' in variable ? variable.value : ''
    directories.push(directory)
    const ran = await runLoaderContainer({ container, secrets, target: path(`pod${directory}`), home: work })
    expect(ran).toMatchObject({ exitCode: 0 })
  }
  expect(directories).toEqual(['/opt/nim/.cache', '/opt/nim/peft/formal'])
  expect(await readContents(path('pod/opt/nim/.cache'))).toEqual(await readContents(path('cache')))
  expect(await readContents(path('pod/opt/nim/peft/formal'))).toEqual(await readContents(path('tone')))
})
