import type { ContainerEngine } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'

/** `localhost` may be a tunnel to another machine; a cache that stays empty shows it afterwards. */
const ownHost = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/**
 * A container's mounts are directories of the engine's machine, so on another one the cache would come to lie there.
 *
 * @throws NimctlError `usage` / `ENGINE_ELSEWHERE`.
 */
export function refuseEngineElsewhere({ address }: Pick<ContainerEngine, 'address'>, directory: string): void {
  const url = URL.parse(address.includes('://') ? address : `tcp://${address}`)
  if (url === null || url.protocol === 'unix:' || ownHost.test(url.hostname)) return
  throw new NimctlError('usage', 'ENGINE_ELSEWHERE', {
    what: `The engine at ${address} would fill ${directory} on ${url.hostname}, not on this machine.`,
    why: "A container's mounts are directories of the machine that it runs on.",
    next:
      'Ask that machine with nimctl profiles IMAGE --on docker --json > listing.json, then fill the cache here, with the ' +
      'engine of this machine: DOCKER_HOST= nimctl cache IMAGE DIR --profiles-from listing.json (a download needs no GPU). ' +
      'Or run nimctl cache on that machine.',
  })
}
