import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'

import * as v from 'valibot'
import { parse } from 'yaml'

import { errorCode, errorMessage, NimctlError } from '../system/errors.ts'

/** Fields that name files, relative to the kubeconfig that they stand in. */
const clusterFiles = ['certificate-authority']
const userFiles = ['client-certificate', 'client-key', 'tokenFile']

const fields = v.nullish(v.record(v.string(), v.unknown()), {})

const schema = v.object({
  'current-context': v.nullish(v.string()),
  clusters: v.nullish(v.array(v.object({ name: v.string(), cluster: fields })), []),
  users: v.nullish(v.array(v.object({ name: v.string(), user: fields })), []),
  contexts: v.nullish(v.array(v.object({ name: v.string(), context: fields })), []),
})

export type Kubeconfig = v.InferOutput<typeof schema>

export interface KubeconfigPlaces {
  /** `--kubeconfig`: this file alone, and it must be there. */
  explicit?: string
  /** `KUBECONFIG`: several with colons between; those that are not there are passed over. */
  list?: string
  /** Where `.kube/config` lies if neither is given. */
  home?: string
}

/**
 * Reads kubeconfig files as kubectl does
 * (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/): of several the first to say
 * something wins. `undefined` where there is none.
 *
 * @throws NimctlError `usage` / `KUBECONFIG_NOT_FOUND`, `KUBECONFIG_INVALID`; `local` / `KUBECONFIG_UNREADABLE`.
 */
export async function readKubeconfig({ explicit, list, home }: KubeconfigPlaces): Promise<Kubeconfig | undefined> {
  const files =
    explicit === undefined
      ? (list?.split(':').filter(path => path !== '') ?? (home === undefined ? [] : [join(home, '.kube/config')]))
      : [explicit]
  const read = await Promise.all(files.map(readOne))
  const found = read.filter(config => config !== undefined)
  if (explicit !== undefined && found.length === 0) {
    throw new NimctlError('usage', 'KUBECONFIG_NOT_FOUND', {
      what: `There is no kubeconfig at ${explicit}.`,
      next: 'Name the file that kubectl uses: --kubeconfig FILE',
    })
  }
  return found.length === 0 ? undefined : mergeKubeconfigs(found)
}

async function readOne(path: string): Promise<Kubeconfig | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw new NimctlError('local', 'KUBECONFIG_UNREADABLE', {
      what: `The kubeconfig ${path} could not be read.`,
      why: errorCode(error),
      cause: error,
    })
  })
  return text === undefined ? undefined : parseKubeconfig(text, path)
}

/** @param path of the file: what it names lies beside it. */
export function parseKubeconfig(text: string, path: string): Kubeconfig {
  const result = v.safeParse(schema, parseYaml(text, path) ?? {})
  if (!result.success) throw invalid(path, v.getDotPath(result.issues[0]) ?? result.issues[0].message)
  const config = result.output
  const folder = dirname(path)
  for (const { cluster } of config.clusters) resolveFiles(cluster, clusterFiles, folder)
  for (const { user } of config.users) {
    resolveFiles(user, userFiles, folder)
    const { exec } = user
    // A program with a path is looked for beside the file, a bare name on the PATH.
    if (isFields(exec) && typeof exec['command'] === 'string' && exec['command'].includes('/'))
      resolveFiles(exec, ['command'], folder)
  }
  return config
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw invalid(path, errorMessage(error).split('\n')[0] ?? '')
  }
}

function resolveFiles(fields: Record<string, unknown>, names: readonly string[], folder: string): void {
  for (const name of names) {
    const file = fields[name]
    if (typeof file === 'string' && file !== '' && !isAbsolute(file)) fields[name] = join(folder, file)
  }
}

/** The first of a name counts, and the first current context. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  return {
    'current-context': configs.map(config => config['current-context']).find(name => name),
    clusters: firstOfEach(configs.flatMap(({ clusters }) => clusters)),
    users: firstOfEach(configs.flatMap(({ users }) => users)),
    contexts: firstOfEach(configs.flatMap(({ contexts }) => contexts)),
  }
}

function firstOfEach<Entry extends { name: string }>(entries: readonly Entry[]): Entry[] {
  return [...Map.groupBy(entries, ({ name }) => name).values()].flatMap(([first]) => (first ? [first] : []))
}

export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(path: string, why: string): NimctlError {
  return new NimctlError('usage', 'KUBECONFIG_INVALID', {
    what: `${path} is no kubeconfig.`,
    why,
    next: `See what kubectl says of it: kubectl --kubeconfig ${path} config view`,
  })
}
