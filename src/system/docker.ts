import type Docker from 'dockerode'

import type { ContainerEngine, LocalImage } from './container-engine.ts'
import { findDockerConnection } from './docker-connection.ts'
import { statusOf, translateDockerError } from './docker-errors.ts'
import { readImageFile } from './docker-image-file.ts'
import { pullImage } from './docker-pull.ts'
import { endContainers, runContainer } from './docker-run.ts'
import { NimctlError } from './errors.ts'

/**
 * The container engine that the docker command line would use (docker-connection.ts). Nothing is asked of it yet.
 *
 * @throws NimctlError `usage` when DOCKER_HOST or the context is unusable.
 */
export async function openDockerEngine({ env }: { env: Record<string, string | undefined> }): Promise<ContainerEngine> {
  const { address, options } = await findDockerConnection(env)
  const { default: DockerClient } = await import('dockerode')
  const docker = new DockerClient(options)

  const translated = async <Value>(subject: string, ask: () => Promise<Value>): Promise<Value> => {
    try {
      return await ask()
    } catch (error) {
      throw translateDockerError(error, address, subject)
    }
  }

  return {
    address,
    version: () =>
      translated('the engine', async () => {
        const { Version, ApiVersion } = await docker.version()
        return { version: Version, apiVersion: ApiVersion }
      }),
    runtimes: () =>
      translated('the engine', async () => {
        const { Runtimes }: { Runtimes?: Record<string, unknown> } = await docker.info()
        return Object.keys(Runtimes ?? {}).toSorted()
      }),
    inspectImage: image => translated(image, () => inspectImage(docker, image)),
    pullImage: (image, pullOptions) => translated(image, () => pullImage(docker, image, pullOptions)),
    readImageFile: (image, paths, { signal }) => translated(image, () => readImageFile(docker, image, paths, signal)),
    run: (request, runOptions) => translated(request.image, () => runContainer(docker, request, runOptions)),
    endContainers: label => translated('the engine', () => endContainers(docker, label)),
  }
}

async function inspectImage(docker: Docker, image: string): Promise<LocalImage | undefined> {
  const found = await docker
    .getImage(image)
    .inspect()
    .catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined
      if (statusOf(error) === 400) throw unknownName(image, error)
      throw error
    })
  if (found === undefined) return undefined
  const { Config: config } = found
  return {
    id: found.Id,
    repoDigests: found.RepoDigests ?? [],
    labels: config.Labels ?? {},
    env: config.Env ?? [],
    entrypoint: [config.Entrypoint ?? []].flat(),
    command: config.Cmd ?? [],
    user: config.User ?? '',
    platform: `${found.Os}/${found.Architecture}`,
    size: found.Size,
  }
}

function unknownName(image: string, cause: unknown): NimctlError {
  return new NimctlError('usage', 'IMAGE_REFERENCE_INVALID', {
    what: `The engine does not take "${image}" as the name of an image.`,
    cause,
  })
}
