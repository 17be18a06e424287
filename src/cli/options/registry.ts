import type { RegistryCredentials } from '../../image/auth-file.ts'
import { secret } from '../../system/secret.ts'
import type { Context } from '../context.ts'
import { ngcKey } from '../settings.ts'

/** As NVIDIA documents it for nvcr.io: the user `$oauthtoken`, the key as password. */
function ngcLogin(registry: string, { env }: Context): RegistryCredentials | undefined {
  const key = ngcKey(env)
  return registry === 'nvcr.io' && key !== undefined ? { username: '$oauthtoken', password: key } : undefined
}

/** `NIMCTL_REGISTRY_USERNAME` and `NIMCTL_REGISTRY_PASSWORD`, for where images are mirrored to. */
export function destinationLogin({ env }: Context): RegistryCredentials | undefined {
  const { NIMCTL_REGISTRY_USERNAME: username, NIMCTL_REGISTRY_PASSWORD: password } = env
  return username && password ? { username, password: secret(password) } : undefined
}

/** For skopeo: the key for nvcr.io, else what `skopeo login` or `docker login` left. */
export async function findSkopeoLogin(registry: string, context: Context): Promise<RegistryCredentials | undefined> {
  const { findRegistryLogin } = await import('../../image/docker-login.ts')
  const { env, signal } = context
  return ngcLogin(registry, context) ?? (await findRegistryLogin(registry, { env, signal }))
}

/** For images that the engine pulls: the key for nvcr.io, else what `docker login` left. */
export async function findLogin(registry: string, context: Context): Promise<RegistryCredentials | undefined> {
  const { findDockerLogin } = await import('../../image/docker-login.ts')
  const { env, signal } = context
  return ngcLogin(registry, context) ?? (await findDockerLogin(registry, { env, signal }))
}

/** For images that nimctl itself looks into: the key for nvcr.io, else what `skopeo login` or `docker login` left. */
export async function findRegistryLogin(registry: string, context: Context): Promise<RegistryCredentials | undefined> {
  const { findRegistryLogin: find } = await import('../../image/docker-login.ts')
  const { env, signal } = context
  return ngcLogin(registry, context) ?? (await find(registry, { env, signal }))
}
