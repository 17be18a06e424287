import type { AskSizes } from '../../cache/bytes-to-come.ts'
import type { NgcSession } from '../../nim/ngc-api.ts'
import type { FileSizes } from '../../profiles/file-sizes.ts'
import type { ManifestFile } from '../../profiles/model-manifest.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Secret } from '../../system/secret.ts'
import type { Context } from '../context.ts'
import { ngcAddresses, ngcKey, proxySettings } from '../settings.ts'
import type { RegistryFlags } from './image.ts'

type Environment = Context['env']

/**
 * What NGC says of the files' sizes.
 *
 * @throws NimctlError `auth` / `NGC_KEY_MISSING`, and what asking throws.
 */
export async function askNgcSizes(
  files: readonly ManifestFile[],
  flags: RegistryFlags,
  context: Context,
): Promise<FileSizes> {
  const key = ngcKey(context.env)
  if (key === undefined) {
    throw new NimctlError('auth', 'NGC_KEY_MISSING', {
      what: 'NGC tells the sizes of files to those who show a key, and there is none.',
      next: 'Export one: export NGC_API_KEY=… (https://org.ngc.nvidia.com/setup/api-keys), or leave out --sizes.',
    })
  }
  const { askFileSizes } = await import('../../profiles/file-sizes.ts')
  const session = await openNgc({ key, env: context.env, flags, context })
  return await askFileSizes(session, files, context.signal)
}

/** A download waits no longer than this for the answer. */
const patienceMs = 30_000
const fewRetries = 2

/**
 * The question of a download that is about to start: NGC is asked where its container would ask, in little time, and a
 * failure is a line of the log. `undefined` where there is no key, or the container loads from a mirror.
 *
 * @param env what the container gets beside ours.
 */
export function sizeQuestion(
  flags: RegistryFlags,
  env: Record<string, unknown>,
  context: Context,
): AskSizes | undefined {
  const key = ngcKey(context.env)
  if (key === undefined || 'NIM_REPOSITORY_OVERRIDE' in env) return undefined
  const own = Object.entries(env).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  const seen = { ...context.env, ...Object.fromEntries(own) }
  return async files => {
    const { askFileSizes } = await import('../../profiles/file-sizes.ts')
    const patience = AbortSignal.timeout(patienceMs)
    const log = (line: string) => context.report({ event: 'log', source: 'ngc', line })
    try {
      const retries = Math.min(flags.retries, fewRetries)
      const session = await openNgc({ key, env: seen, flags: { ...flags, retries }, context })
      const told = await askFileSizes(session, files, AbortSignal.any([context.signal, patience]))
      for (const { model, error } of told.refused) log(`The size of ${model} is not known: ${describe(error)}`)
      return told.sizes
    } catch (error) {
      context.signal.throwIfAborted()
      if (!(error instanceof NimctlError) && !patience.aborted) throw error
      log(`The size of the download is not known: ${describe(error)}`)
      return new Map()
    }
  }
}

function describe(error: unknown): string {
  if (error instanceof NimctlError) return [error.message, error.why].filter(text => text !== undefined).join(' ')
  return `NGC did not answer within ${patienceMs / 1000} seconds.`
}

interface NgcRequest {
  key: Secret
  env: Environment
  flags: RegistryFlags
  context: Context
}

/** Certificates are always checked: the key is shown. */
async function openNgc({ key, env, flags, context }: NgcRequest): Promise<NgcSession> {
  const { openNgcSession } = await import('../../nim/ngc-api.ts')
  const { defaultRetryPolicy } = await import('../../system/retry.ts')
  const caFile = flags.caFile ?? context.env.SSL_CERT_FILE
  return await openNgcSession({
    key,
    ...ngcAddresses(env),
    connections: { ...(caFile && { caFile }), ...proxySettings(context.env) },
    retry: { ...defaultRetryPolicy, maxRetries: flags.retries },
    report: context.report,
  })
}
