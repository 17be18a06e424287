import { type DockerEngine, startDocker } from './docker.ts'
import { describeMissing, installParts } from './install.ts'
import { type Part, allParts } from './parts.ts'
import { type Registry, startRegistry } from './registry.ts'
import { type Seaweedfs, startSeaweedfs } from './seaweedfs.ts'

export interface SharedServers {
  docker: DockerEngine
  registry: Registry
  seaweedfs: Seaweedfs
  stop: () => Promise<void>
}

/** No secret: this server listens on loopback and lives as long as the tests. */
const credentials = { accessKeyId: 'nimctl-test', secretAccessKey: 'nimctl-test-secret' }

/** Installs what they need, or throws with the whole list of what is missing. */
export async function startSharedServers(parts: readonly Part[] = allParts): Promise<SharedServers> {
  const { missing } = await installParts(parts)
  if (missing.length > 0)
    throw new Error(`These parts are missing and could not be installed:\n${describeMissing(missing)}`)
  const starting = [startDocker(), startRegistry(), startSeaweedfs({ credentials, buckets: ['models'] })] as const
  const [docker, registry, seaweedfs] = await Promise.allSettled(starting)
  const stop = async () => {
    const started = [docker, registry, seaweedfs].flatMap(server =>
      server.status === 'fulfilled' ? [server.value] : [],
    )
    await Promise.all(started.map(server => server.stop()))
  }
  if (docker.status === 'fulfilled' && registry.status === 'fulfilled' && seaweedfs.status === 'fulfilled')
    return { docker: docker.value, registry: registry.value, seaweedfs: seaweedfs.value, stop }
  await stop()
  const reasons = [docker, registry, seaweedfs].flatMap(server => (server.status === 'rejected' ? [server.reason] : []))
  throw new AggregateError(reasons, `Servers for the tests did not start: ${reasons.map(String).join('\n')}`)
}
