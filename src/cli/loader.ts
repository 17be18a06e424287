import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { loaderContract } from '../emit/loader/contract.ts'
import { NimctlError } from '../system/errors.ts'
import { run } from './main.ts'
import { renderError } from './render/error.ts'

type Environment = Record<string, string | undefined>

/**
 * What the operator, a Job or an init container runs in nimctl's own image (`emit/loader-contract.ts`): fetches the whole
 * uploaded cache that the environment names, whichever profiles the operator asks for.
 *
 * @param env of the process; what stands in it as a file's content is put into a file, and that file is named in it.
 * @returns the exit code.
 */
export async function runLoader(env: Environment): Promise<number> {
  try {
    const args = loaderArguments(env)
    const contents = destinations.filter(({ content }) => env[loaderContract.contents[content]])
    // Without them nothing is written but the volume: a pod may be without any other place.
    if (contents.length === 0) return await run(args)
    const directory = await mkdtemp(join(tmpdir(), 'nimctl-loader-'))
    try {
      return await run([...args, ...(await writeContents(env, directory))])
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  } catch (error) {
    const { text, exitCode } = renderError(error)
    process.stderr.write(`${text}\n`)
    return exitCode
  }
}

/**
 * The command line of nimctl that a pod's environment stands for.
 *
 * @throws NimctlError `usage` / `LOADER_ENVIRONMENT`.
 */
export function loaderArguments(env: Environment): string[] {
  const { variables, targetVariable } = loaderContract
  const target = required(env, targetVariable)
  const { url, digest, folder } = env[variables.caches] ? cacheOfIndex(env) : onlyCache(env)
  const flags = (env[variables.flags] ?? '').split(/\s+/).filter(flag => flag !== '')
  const expected = digest ? ['--inventory-digest', digest] : []
  return ['download', url, folder === undefined ? target : join(target, folder), ...expected, ...flags]
}

interface CacheToLoad {
  url: string
  digest?: string | undefined
  folder?: string
}

function onlyCache(env: Environment): CacheToLoad {
  const { cacheUrl, inventoryDigest } = loaderContract.variables
  return { url: required(env, cacheUrl), digest: env[inventoryDigest] }
}

function cacheOfIndex(env: Environment): CacheToLoad {
  const { variables, indexVariable } = loaderContract
  const index = required(env, indexVariable)
  const lines = required(env, variables.caches).trim().split('\n')
  const [folder, url, digest] = lines[Number(index)]?.trim().split(/\s+/) ?? []
  if (folder && url) return { folder, url, digest }
  throw new NimctlError('usage', 'LOADER_ENVIRONMENT', {
    what: `${variables.caches} has no line "FOLDER URL [DIGEST]" for the index ${index}.`,
    why: `It has ${lines.length}, counted from 0.`,
    next: 'Give the Job as many completions as there are lines.',
  })
}

function required(env: Environment, name: string): string {
  const value = env[name]
  if (value) return value
  throw new NimctlError('usage', 'LOADER_ENVIRONMENT', {
    what: `The loader's environment has no ${name}.`,
    next: 'Write the objects with: nimctl emit stack, or nimctl emit loader',
  })
}

/** Where a content goes: a variable that names the file, or a flag that does. */
const destinations = [
  { content: 'caCertificates', variable: 'NIMCTL_CA_FILE' },
  { content: 'googleCredentials', variable: 'GOOGLE_APPLICATION_CREDENTIALS' },
  { content: 'httpHeaders', variable: 'NIMCTL_HTTP_HEADER_FILE' },
  { content: 'clientCertificate', flag: '--client-certificate' },
  { content: 'clientKey', flag: '--client-key' },
] as const

/** For this user's eyes alone. @returns flags that name files. */
async function writeContents(env: Environment, directory: string): Promise<string[]> {
  const flags: string[] = []
  for (const destination of destinations) {
    const content = env[loaderContract.contents[destination.content]]
    if (!content) continue
    const path = join(directory, destination.content)
    await writeFile(path, content, { mode: 0o600 })
    if ('flag' in destination) flags.push(destination.flag, path)
    else env[destination.variable] = path
  }
  return flags
}
