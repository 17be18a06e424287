import type { Readable } from 'node:stream'

import type { Report } from './progress.ts'
import type { Secret } from './secret.ts'

/** An image as the engine holds it. */
export interface LocalImage {
  /** The engine's image id, `sha256:…` of the config. */
  id: string
  /** `sha256:…` of the image manifest in a registry, where the engine knows one (it was pulled or pushed). */
  repoDigests: string[]
  labels: Record<string, string>
  /** `NAME=value`. */
  env: string[]
  entrypoint: string[]
  command: string[]
  /** As the image states it: empty, `1000`, `1000:1000` or a name. */
  user: string
  platform: string
  /** Bytes, unpacked. */
  size: number
}

export interface ContainerRequest {
  image: string
  /** Replaces the image's entry point. */
  entrypoint?: string[]
  command: string[]
  /** Values of secrets travel by the engine's API only, never by a command line. */
  env: Record<string, string | Secret>
  /** Host directory → path in the container. */
  mounts: { source: string; target: string; readOnly?: boolean }[]
  user?: string
  /** `all`, a number, or `device=0,1`, as `docker run --gpus` takes them. */
  gpus?: string
  runtime?: string
  network?: string
  /** Bytes. */
  shmSize?: number
  /** By which it is found again, should nimctl be killed. */
  labels?: Record<string, string>
}

export interface ContainerResult {
  exitCode: number
  /** The kernel ended it for want of memory. */
  outOfMemory: boolean
}

/**
 * What nimctl needs of Docker or Podman, over their socket.
 * Every method throws NimctlError `missing-tool` / `ENGINE_UNREACHABLE` when there is no engine,
 * `auth` / `ENGINE_FORBIDDEN` when the socket may not be used.
 */
export interface ContainerEngine {
  /** Such as `unix:///var/run/docker.sock`. */
  readonly address: string
  version(): Promise<{ version: string; apiVersion: string }>
  /** Names of what runs its containers, such as `runc` and `nvidia`. */
  runtimes(): Promise<string[]>
  /** `undefined` when the engine does not have it. */
  inspectImage(image: string): Promise<LocalImage | undefined>
  /** @throws NimctlError `not-found`, `auth`, `unavailable` as the registry answered. */
  pullImage(
    image: string,
    options: { credentials?: { username: string; password: Secret }; signal: AbortSignal; report: Report },
  ): Promise<void>
  /** The first of `paths` that exists in the image's file system; nothing of the image runs. */
  readImageFile(
    image: string,
    paths: readonly string[],
    options: { signal: AbortSignal },
  ): Promise<{ path: string; bytes: Buffer } | undefined>
  /**
   * Runs a container to its end and removes it. It is stopped (SIGTERM, then SIGKILL) when `signal` aborts.
   *
   * @param onOutput gets stdout and stderr as they come, demultiplexed; whoever called splits lines.
   */
  run(
    request: ContainerRequest,
    options: { signal: AbortSignal; onOutput: (output: { stdout: Readable; stderr: Readable }) => void },
  ): Promise<ContainerResult>
  /** Stops and removes the containers with this label: a killed nimctl leaves its own running. Says how many. */
  endContainers(label: { name: string; value: string }): Promise<number>
}
