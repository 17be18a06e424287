import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import type { ContainerEngine, ContainerRequest } from '../../src/system/container-engine.ts'
import { openDockerEngine } from '../../src/system/docker.ts'
import { readLines } from '../../src/system/lines.ts'
import { secret } from '../../src/system/secret.ts'
import { buildBusyboxImage, dockerCli } from './busybox-image.ts'

const never = new AbortController().signal
const image = 'nimctl-test/busybox:system'

let engine: ContainerEngine
let directory: string
beforeAll(async () => {
  await buildBusyboxImage(image)
  engine = await openDockerEngine({ env: { DOCKER_HOST: inject('dockerHost') } })
  directory = await mkdtemp(join(tmpdir(), 'nimctl-docker-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function run(request: Partial<ContainerRequest>, signal: AbortSignal = never) {
  const stdout: string[] = []
  const stderr: string[] = []
  const reading: Promise<void>[] = []
  const result = await engine.run(
    { image, entrypoint: ['/bin/sh', '-c'], command: [], env: {}, mounts: [], ...request },
    {
      signal,
      onOutput: output => {
        reading.push(
          readLines(output.stdout, line => stdout.push(line)),
          readLines(output.stderr, line => stderr.push(line)),
        )
      },
    },
  )
  await Promise.all(reading)
  return { ...result, stdout, stderr }
}

async function containersOfOurs(): Promise<string[]> {
  const { stdout } = await dockerCli(
    'ps',
    '-a',
    '--filter',
    'label=dev.nimctl=1',
    '--filter',
    `ancestor=${image}`,
    '-q',
  )
  return stdout.split('\n').filter(id => id !== '')
}

describe('the real engine', () => {
  it('runs a container, with both outputs apart and the exit code', async () => {
    const ended = await run({ command: ['echo out; echo "$GREETING" >&2; exit 3'], env: { GREETING: secret('hello') } })
    expect(ended).toEqual({ exitCode: 3, outOfMemory: false, stdout: ['out'], stderr: ['hello'] })
    expect(await containersOfOurs()).toEqual([])
  })

  it('runs as the user that is asked for, in a mounted directory', async () => {
    const ended = await run({
      command: ['id -u; id -g; cat /w/file 2>/dev/null; touch /w/made || exit 5'],
      user: '0:7',
      mounts: [{ source: directory, target: '/w' }],
    })
    expect(ended).toMatchObject({ exitCode: 0, stdout: ['0', '7'] })
    expect(await readdir(directory)).toContain('made')
  })

  it('stops and removes the container when the signal aborts', async () => {
    const abort = new AbortController()
    const running = run(
      { command: ['trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done'] },
      abort.signal,
    )
    while ((await containersOfOurs()).length === 0) await sleep(50)
    abort.abort(new Error('Ctrl-C'))
    await expect(running).rejects.toThrow('Ctrl-C')
    expect(await containersOfOurs()).toEqual([])
  })

  it('reads a file of the image through a link, without running anything', async () => {
    const found = await engine.readImageFile(image, ['/absent', '/opt', '/opt/link'], { signal: never })
    expect(found?.path).toBe('/opt/link')
    expect(found?.bytes.toString()).toBe('stand-in manifest\n')
    expect(await engine.readImageFile(image, ['/absent'], { signal: never })).toBeUndefined()
    expect(await containersOfOurs()).toEqual([])
  })

  it('inspects an image, and says when there is none', async () => {
    expect(await engine.inspectImage(image)).toMatchObject({ labels: { kind: 'test' }, user: '', platform: /^linux\// })
    expect(await engine.inspectImage('nimctl-test/absent:1')).toBeUndefined()
  })

  it.each<{ case: string; request: Partial<ContainerRequest>; code: string; category: string }>([
    { case: 'GPUs', request: { gpus: 'all' }, code: 'GPU_RUNTIME_MISSING', category: 'missing-tool' },
    { case: 'a runtime', request: { runtime: 'nvidia' }, code: 'RUNTIME_MISSING', category: 'missing-tool' },
    { case: 'an image', request: { image: 'nimctl-test/absent:1' }, code: 'IMAGE_NOT_FOUND', category: 'not-found' },
    { case: 'a program', request: { entrypoint: ['nim_nothing'] }, code: 'COMMAND_NOT_FOUND', category: 'not-found' },
    { case: 'a network', request: { network: 'nowhere' }, code: 'CONTAINER_NETWORK_NOT_FOUND', category: 'not-found' },
    { case: 'a user', request: { user: 'nobody' }, code: 'CONTAINER_USER_UNKNOWN', category: 'usage' },
    {
      case: 'a directory',
      request: { mounts: [{ source: '/nowhere/at/all', target: '/w' }] },
      code: 'MOUNT_SOURCE_MISSING',
      category: 'local',
    },
  ])('says what is missing: $case', async ({ request, code, category }) => {
    await expect(run({ command: ['true'], ...request })).rejects.toMatchObject({ code, category })
    expect(await containersOfOurs()).toEqual([])
  })

  it('says what a registry that is down means', async () => {
    const pull = engine.pullImage('127.0.0.1:1/a/b:1', { signal: never, report: () => {} })
    await expect(pull).rejects.toMatchObject({ category: 'unavailable', code: 'REGISTRY_UNREACHABLE' })
  })
})
