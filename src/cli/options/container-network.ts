import { nimEnvironment, proxyEnvironment } from '../../nim/environment.ts'
import type { ContainerRequest } from '../../system/container-engine.ts'
import { secret } from '../../system/secret.ts'
import type { Context } from '../context.ts'

/**
 * What of this environment a container needs to get out of this network: the proxy, and Hugging Face's token and hub
 * where it is to load from there. Addresses with a password in them are kept as secrets.
 */
export function networkEnvironment(
  { env }: Pick<Context, 'env'>,
  { fromHub }: { fromHub: boolean },
): ContainerRequest['env'] {
  const proxy = Object.entries(proxyEnvironment(env)).map(
    ([name, value]) => [name, /\/\/[^/]*@/.test(value) ? secret(value) : value] as const,
  )
  const token = env.HF_TOKEN
  const endpoint = env.HF_ENDPOINT
  return {
    ...Object.fromEntries(proxy),
    ...(fromHub && token && { [nimEnvironment.hfToken]: secret(token) }),
    ...(fromHub && endpoint && { [nimEnvironment.hfEndpoint]: endpoint }),
  }
}

/** In a container with a network of its own, 127.0.0.1 is the container. */
export function warnOfLoopbackProxy(
  { env, report }: Pick<Context, 'env' | 'report'>,
  network: string | undefined,
): void {
  const { HTTPS_PROXY: proxy, HTTP_PROXY: plain } = proxyEnvironment(env)
  const local = [proxy, plain].find(
    each => each !== undefined && /\/\/(?:[^/@]*@)?(?:localhost|127\.|\[::1\])/.test(each),
  )
  if (local === undefined || network === 'host') return
  report({
    event: 'warning',
    code: 'PROXY_ON_LOOPBACK',
    message: 'The proxy is at an address of this host alone, which a container does not reach. Add --network host.',
  })
}
