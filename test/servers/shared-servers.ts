import { type DockerEngine, startDocker } from './docker.ts'
import { describeMissing, installParts } from './install.ts'
import { type Part, allParts } from './parts.ts'
import { type Registry, startRegistry } from './registry.ts'
import { type Seaweedfs, startSeaweedfs } from './seaweedfs.ts'
import { startVersitygw, type Versitygw } from './versitygw.ts'

export interface SharedServers {
  docker: DockerEngine
  registry: Registry
  seaweedfs: Seaweedfs
  versitygw: Versitygw
  stop: () => Promise<void>
}

/** No secret: these servers listen on loopback and live as long as the tests. */
const credentials = { accessKeyId: 'nimctl-test', secretAccessKey: 'nimctl-test-secret' }

/** Installs what they need, or throws with the whole list of what is missing. */
export async function startSharedServers(parts: readonly Part[] = allParts): Promise<SharedServers> {
  const { missing } = await installParts(parts)
  if (missing.length > 0)
    throw new Error(`These parts are missing and could not be installed:\n${describeMissing(missing)}`)
  const s3 = { credentials, buckets: ['models'] }
  const starting = [startDocker(), startRegistry(), startSeaweedfs(s3), startVersitygw(s3)] as const
  const settled = await Promise.allSettled(starting)
  const stop = async () => {
    await Promise.all(settled.flatMap(server => (server.status === 'fulfilled' ? [server.value.stop()] : [])))
  }
  const reasons = settled.flatMap(server => (server.status === 'rejected' ? [server.reason] : []))
  if (reasons.length > 0) {
    await stop()
    throw new AggregateError(reasons, `Servers for the tests did not start: ${reasons.map(String).join('\n')}`)
  }
  const [docker, registry, seaweedfs, versitygw] = await Promise.all(starting)
  return { docker, registry, seaweedfs, versitygw, stop }
}
