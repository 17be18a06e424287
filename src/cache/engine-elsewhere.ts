import type { ContainerEngine } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'

/** `localhost` may be a tunnel to another machine; a cache that stays empty shows it afterwards. */
const ownHost = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/** The machine of an engine that is another one than this. */
export function machineElsewhere({ address }: Pick<ContainerEngine, 'address'>): string | undefined {
  const url = URL.parse(address.includes('://') ? address : `tcp://${address}`)
  return url === null || url.protocol === 'unix:' || ownHost.test(url.hostname) ? undefined : url.hostname
}

/**
 * A container's mounts are directories of the engine's machine, so on another one the cache would come to lie there.
 *
 * @throws NimctlError `usage` / `ENGINE_ELSEWHERE`.
 */
export function refuseEngineElsewhere(engine: Pick<ContainerEngine, 'address'>, directory: string): void {
  const machine = machineElsewhere(engine)
  if (machine === undefined) return
  throw new NimctlError('usage', 'ENGINE_ELSEWHERE', {
    what: `The engine at ${engine.address} would fill ${directory} on ${machine}, not on this machine.`,
    why: "A container's mounts are directories of the machine that it runs on.",
    next:
      'Ask that machine with nimctl profiles IMAGE --on docker --json > listing.json, then fill the cache here, with the ' +
      'engine of this machine: DOCKER_HOST= nimctl cache IMAGE DIR --profiles-from listing.json (a download needs no GPU). ' +
      'Or run nimctl cache on that machine.',
  })
}
