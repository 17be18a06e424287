import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'

import type Docker from 'dockerode'

import type { ContainerEngine, ContainerRequest, ContainerResult } from './container-engine.ts'
import { statusOf } from './docker-errors.ts'
import { NimctlError } from './errors.ts'

/** Whoever looks for containers of ours finds them by this. */
export const ourLabels = { 'dev.nimctl': '1' }

const stopGraceSeconds = 10

type RunOptions = Parameters<ContainerEngine['run']>[1]

/**
 * Runs a container to its end. It is removed in any case, also when it could not start. When `signal` aborts it gets
 * SIGTERM, after 10 s SIGKILL, and the signal's reason is thrown once it is gone.
 */
export async function runContainer(
  docker: Docker,
  request: ContainerRequest,
  options: RunOptions,
): Promise<ContainerResult> {
  options.signal.throwIfAborted()
  const container = await docker.createContainer(containerOptions(request))
  try {
    const output = await attach(docker, container, options)
    await container.start()
    const exitCode = await waitOrStop(container, options.signal)
    await output.ended
    const { State: state } = await container.inspect()
    return { exitCode, outOfMemory: state.OOMKilled }
  } finally {
    await remove(container)
  }
}

/** Stops and removes the containers with a label; those that ended by themselves go too. */
export async function endContainers(docker: Docker, { name, value }: { name: string; value: string }): Promise<number> {
  const found = await docker.listContainers({ all: true, filters: { label: [`${name}=${value}`] } })
  for (const { Id: id } of found) {
    const container = docker.getContainer(id)
    await stop(container)
    await remove(container)
  }
  return found.length
}

/** Connects the output before the start, so that nothing is lost. `ended` resolves with the end of the output. */
async function attach(
  docker: Docker,
  container: Docker.Container,
  { onOutput }: RunOptions,
): Promise<{ ended: Promise<void> }> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true })
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  docker.modem.demuxStream(stream, stdout, stderr)
  const ended = finished(stream, { writable: false })
    // A connection that breaks ends the output; what became of the container is asked separately.
    .catch(() => {})
    .then(() => {
      stdout.end()
      stderr.end()
    })
  onOutput({ stdout, stderr })
  return { ended }
}

async function waitOrStop(container: Docker.Container, signal: AbortSignal): Promise<number> {
  const aborted = Promise.withResolvers<'aborted'>()
  const onAbort = () => aborted.resolve('aborted')
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    const ended = await Promise.race([container.wait(), aborted.promise])
    if (ended !== 'aborted') return ended.StatusCode
    await stop(container)
    throw signal.reason
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function stop(container: Docker.Container): Promise<void> {
  try {
    await container.stop({ t: stopGraceSeconds })
  } catch (error) {
    // 304: it has ended by itself meanwhile; 404: somebody else removed it.
    if (statusOf(error) !== 304 && statusOf(error) !== 404) throw error
  }
}

async function remove(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true })
  } catch (error) {
    // 404: it is gone; 409: its removal is under way.
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
  }
}

function containerOptions(request: ContainerRequest): Docker.ContainerCreateOptions {
  return {
    Image: request.image,
    Labels: { ...request.labels, ...ourLabels },
    ...(request.entrypoint && { Entrypoint: request.entrypoint }),
    Cmd: request.command,
    Env: Object.entries(request.env).map(
      ([name, value]) => `${name}=${typeof value === 'string' ? value : value.unwrap()}`,
    ),
    ...(request.user !== undefined && { User: request.user }),
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      // Mounts, not Binds: a missing source is an error then, not a new directory of root's; paths may hold colons.
      Mounts: request.mounts.map(({ source, target, readOnly }) => ({
        Type: 'bind' as const,
        Source: source,
        Target: target,
        ReadOnly: readOnly ?? false,
      })),
      ...(request.gpus !== undefined && { DeviceRequests: [parseGpuRequest(request.gpus)] }),
      ...(request.runtime !== undefined && { Runtime: request.runtime }),
      ...(request.network !== undefined && { NetworkMode: request.network }),
      ...(request.shmSize !== undefined && { ShmSize: request.shmSize }),
    },
  }
}

/**
 * What `docker run --gpus` means: `all`, a number, `device=0,1` or `device=GPU-<uuid>`.
 *
 * @throws NimctlError `usage` / `GPUS_INVALID`.
 */
export function parseGpuRequest(gpus: string): Docker.DeviceRequest {
  const text = gpus.trim().replaceAll('"', '')
  const request = { Driver: '', Capabilities: [['gpu']], Options: {} }
  if (text === 'all') return { ...request, Count: -1 }
  if (/^[1-9]\d*$/.test(text)) return { ...request, Count: Number(text) }
  const devices = /^device=([\w.:-]+(?:,[\w.:-]+)*)$/.exec(text)?.[1]
  if (devices !== undefined) return { ...request, Count: 0, DeviceIDs: devices.split(',') }
  throw new NimctlError('usage', 'GPUS_INVALID', {
    what: `"${gpus}" does not say which GPUs.`,
    next: 'Give --gpus all, a number, or device=0,1.',
  })
}
