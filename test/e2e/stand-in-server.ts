import { setTimeout as wait } from 'node:timers/promises'

import type Docker from 'dockerode'

import { startContainer, type ContainerRequest } from '../fixtures/containers.ts'
import { freePort } from '../servers/free-port.ts'

/** Starts an image as a server and returns what it answers when it is asked whether it is ready. */
export async function answersReady(docker: Docker, request: ContainerRequest): Promise<number> {
  const port = await freePort()
  const environment = { ...request.environment, NIM_HTTP_API_PORT: String(port) }
  const container = await startContainer(docker, { ...request, environment })
  try {
    const url = `http://127.0.0.1:${port}/v1/health/ready`
    for (let attempt = 0; attempt < 600; attempt++) {
      const status = await fetch(url)
        .then(answer => answer.status)
        .catch(() => undefined)
      if (status !== undefined) return status
      if (!(await container.inspect()).State.Running) break
      await wait(100)
    }
    const log = await container.logs({ stdout: true, stderr: true })
    throw new Error(`${request.image} does not serve:\n${log.toString()}`)
  } finally {
    await container.remove({ force: true })
  }
}
