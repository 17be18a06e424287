import type { TestProject } from 'vitest/node'

import { startSharedServers } from './shared-servers.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** For DOCKER_HOST. */
    dockerHost: string
    /** A registry without password and TLS: 127.0.0.1:PORT */
    registryHost: string
    /** The environment of a client of SeaweedFS: endpoint, region, credentials. Bucket: models */
    s3Env: Record<string, string>
    /** The same for VersityGW. */
    versityEnv: Record<string, string>
  }
}

/** For vitest's globalSetup: once per run, in vitest's own process. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await startSharedServers()
  project.provide('dockerHost', servers.docker.host)
  project.provide('registryHost', servers.registry.host)
  project.provide('s3Env', servers.seaweedfs.env)
  project.provide('versityEnv', servers.versitygw.env)
  return servers.stop
}
