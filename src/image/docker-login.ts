import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

import * as v from 'valibot'

import { NimctlError } from '../system/errors.ts'
import { runTool } from '../system/process.ts'
import { secret } from '../system/secret.ts'
import type { RegistryCredentials } from './auth-file.ts'

const config = v.object({
  auths: v.optional(
    v.record(v.string(), v.object({ auth: v.optional(v.string()), identitytoken: v.optional(v.string()) })),
    {},
  ),
  credHelpers: v.optional(v.record(v.string(), v.string()), {}),
  credsStore: v.optional(v.string()),
})

const helperAnswer = v.object({ Username: v.string(), Secret: v.string() })

type Config = v.InferOutput<typeof config>
type Environment = Record<string, string | undefined>

/**
 * What `docker login` left for a registry in DOCKER_CONFIG or ~/.docker: in the file itself, or with a credential
 * helper. The engine's API wants it with each pull. `undefined` where nobody has logged in.
 */
export async function findDockerLogin(
  registry: string,
  options: { env: Environment; signal: AbortSignal },
): Promise<RegistryCredentials | undefined> {
  const settings = await readConfig(dockerConfigFile(options.env))
  return settings && loginIn(settings, registry, options)
}

/**
 * What `skopeo login`, `podman login` or `docker login` left for a registry: in REGISTRY_AUTH_FILE, and nowhere else where
 * it is set; else in the files that containers-auth.json(5) names. skopeo finds most of this by itself, but knows nothing
 * of docker's `credsStore` (seen with 1.9.3). `undefined` where there is none, and where only skopeo understands it.
 */
export async function findRegistryLogin(
  registry: string,
  options: { env: Environment; signal: AbortSignal },
): Promise<RegistryCredentials | undefined> {
  for (const path of loginFiles(options.env)) {
    const settings = await readConfig(path)
    const login = settings && (await loginIn(settings, registry, options))
    if (login !== undefined) return login
    // An entry for a part of the registry, say: skopeo would not look any further either.
    if (settings !== undefined && mentions(settings, registry)) return undefined
  }
  return undefined
}

function loginFiles(env: Environment): string[] {
  const only = env['REGISTRY_AUTH_FILE']
  if (only !== undefined && only !== '') return [only]
  const home = env['HOME'] ?? homedir()
  return [
    join(env['XDG_RUNTIME_DIR'] || `/run/containers/${process.getuid?.() ?? 0}`, 'containers/auth.json'),
    join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers/auth.json'),
    dockerConfigFile(env),
  ]
}

function dockerConfigFile(env: Environment): string {
  return join(env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker'), 'config.json')
}

async function loginIn(
  settings: Config,
  registry: string,
  options: { env: Environment; signal: AbortSignal },
): Promise<RegistryCredentials | undefined> {
  const key = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
  const helper = settings.credHelpers[key] ?? settings.credHelpers[registry] ?? settings.credsStore
  const fromHelper = helper === undefined ? undefined : await askHelper(helper, key, options)
  if (fromHelper !== undefined) return fromHelper
  const entry = settings.auths[key] ?? settings.auths[`https://${key}`] ?? settings.auths[registry]
  if (entry?.identitytoken) return { username: '<token>', password: secret(entry.identitytoken) }
  return decodeAuth(entry?.auth)
}

function mentions({ auths, credHelpers }: Config, registry: string): boolean {
  return [...Object.keys(auths), ...Object.keys(credHelpers)].some(
    key => key === registry || key.startsWith(`${registry}/`),
  )
}

async function readConfig(path: string): Promise<Config | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  const parsed = v.safeParse(config, parseJson(text ?? ''))
  return parsed.success ? parsed.output : undefined
}

/** https://github.com/docker/docker-credential-helpers: the name goes in by stdin; unknown ones exit with 1. */
async function askHelper(
  helper: string,
  key: string,
  options: { env: Environment; signal: AbortSignal },
): Promise<RegistryCredentials | undefined> {
  try {
    const { exitCode, stdout } = await runTool(`docker-credential-${helper}`, ['get'], { ...options, input: key })
    const parsed = v.safeParse(helperAnswer, exitCode === 0 ? parseJson(stdout.toString('utf8')) : undefined)
    return parsed.success ? { username: parsed.output.Username, password: secret(parsed.output.Secret) } : undefined
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'TOOL_MISSING') return undefined
    throw error
  }
}

function decodeAuth(auth: string | undefined): RegistryCredentials | undefined {
  const text = Buffer.from(auth ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon <= 0 ? undefined : { username: text.slice(0, colon), password: secret(text.slice(colon + 1)) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
