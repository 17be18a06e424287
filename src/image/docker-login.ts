import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

import * as v from 'valibot'

import { NimctlError } from '../system/errors.ts'
import { runTool } from '../system/process.ts'
import { secret } from '../system/secret.ts'
import type { RegistryCredentials } from './auth-file.ts'

const config = v.object({
  auths: v.optional(v.record(v.string(), v.object({ auth: v.optional(v.string()) })), {}),
  credHelpers: v.optional(v.record(v.string(), v.string()), {}),
  credsStore: v.optional(v.string()),
})

const helperAnswer = v.object({ Username: v.string(), Secret: v.string() })

/**
 * What `docker login` left for a registry in DOCKER_CONFIG or ~/.docker: in the file itself, or with a credential
 * helper. The engine's API wants it with each pull; skopeo finds it by itself. `undefined` where nobody has logged in.
 */
export async function findDockerLogin(
  registry: string,
  { env, signal }: { env: Record<string, string | undefined>; signal: AbortSignal },
): Promise<RegistryCredentials | undefined> {
  const settings = await readConfig(env)
  if (settings === undefined) return undefined
  const key = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
  const helper = settings.credHelpers[key] ?? settings.credsStore
  const fromHelper = helper === undefined ? undefined : await askHelper(helper, key, { env, signal })
  return fromHelper ?? decodeAuth((settings.auths[key] ?? settings.auths[`https://${key}`])?.auth)
}

async function readConfig(env: Record<string, string | undefined>): Promise<v.InferOutput<typeof config> | undefined> {
  const directory = env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker')
  const text = await readFile(join(directory, 'config.json'), 'utf8').catch(() => undefined)
  const parsed = v.safeParse(config, parseJson(text ?? ''))
  return parsed.success ? parsed.output : undefined
}

/** https://github.com/docker/docker-credential-helpers: the name goes in by stdin; unknown ones exit with 1. */
async function askHelper(
  helper: string,
  key: string,
  options: { env: Record<string, string | undefined>; signal: AbortSignal },
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
