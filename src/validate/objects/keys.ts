import { nimEnvironment } from '../../nim/environment.ts'
import { placeOfHost } from '../../nim/outside.ts'
import { needsAuthSecret, type OperatorVersion } from '../../operator/versions.ts'
import { read, textAt } from '../../system/json.ts'
import type { Remark } from './remark.ts'
import { containersOf, listAt, mainVariables, type Variable, variablesOf, type Workload } from './workload.ts'

/** Keys with which a NIM asks NGC or a hub as soon as it starts, whatever its cache holds (reference/nim.md, section 6). */
const keysOfNgc: readonly string[] = [nimEnvironment.ngcApiKey, 'NGC_CLI_API_KEY']
const keysOfHubs: readonly string[] = [nimEnvironment.hfToken, 'HUGGING_FACE_HUB_TOKEN', 'MODELSCOPE_API_TOKEN']

/** Where a variable sends a NIM instead of NGC: what it then asks is inside. */
const ngcElsewhere = ['NGC_API_ENDPOINT', 'NIM_REPOSITORY_OVERRIDE', 'NIMCTL_CACHE_URL']

/** What is known of the other objects that are checked together. */
export interface Neighbours {
  /** Keys of the Secrets among them, by name. */
  secretKeys: ReadonlyMap<string, readonly string[]>
}

/** Keys that make a workload call home: by variables, by whole Secrets, and by the operator's `authSecret`. */
export function remarksOnKeys(workload: Workload, version: OperatorVersion, { secretKeys }: Neighbours): Remark[] {
  const main = mainVariables(workload)
  const containers = containersOf(workload)
  const byVariable = containers.flatMap(variablesOf).filter(variable => callsHome(variable, main))
  const bySecret = containers.flatMap(({ path, fields }) =>
    listAt(fields, 'envFrom').flatMap((entry, index) => {
      const secret = textAt(entry, 'secretRef', 'name')
      const keys = secretKeys.get(secret ?? '')?.filter(key => isKey(key) && !isElsewhere(key, main)) ?? []
      return keys.length > 0 ? [{ path: `${path}.envFrom[${index}]`, keys, secret }] : []
    }),
  )
  return [
    ...byVariable.map(({ path, name }) => remark(path, `${name} is set`)),
    ...bySecret.map(({ path, keys, secret }) =>
      remark(path, `all of the Secret ${secret}, with ${keys.join(' and ')}`),
    ),
    ...remarksOnAuthSecret(workload, version, main),
  ]
}

function isKey(name: string): boolean {
  return keysOfNgc.includes(name) || keysOfHubs.includes(name)
}

function callsHome({ name, value }: Variable, main: ReadonlyMap<string, Variable>): boolean {
  return isKey(name) && value !== '' && !isElsewhere(name, main)
}

function isElsewhere(key: string, main: ReadonlyMap<string, Variable>): boolean {
  if (keysOfNgc.includes(key)) return ngcElsewhere.some(name => main.get(name)?.value)
  const endpoint = main.get(nimEnvironment.hfEndpoint)?.value ?? ''
  return URL.canParse(endpoint) && placeOfHost(new URL(endpoint).hostname) !== 'outside'
}

function remark(path: string, found: string): Remark {
  return {
    name: 'objects.key',
    status: 'failed',
    path,
    expected: 'no key of NGC or of a hub',
    found,
    next: 'A NIM with a key asks outside before it serves, and hangs or ends where nobody answers: leave it away, and serve from a filled cache.',
  }
}

/** The operator makes NGC_API_KEY of it for a NIMService; an empty variable of that name takes its place (reference/operator.md 4). */
function remarksOnAuthSecret(
  { form, path, spec }: Workload,
  version: OperatorVersion,
  main: ReadonlyMap<string, Variable>,
): Remark[] {
  const secret = textAt(spec, 'authSecret')
  if (form !== 'nimservice' || secret === undefined || isElsewhere(nimEnvironment.ngcApiKey, main)) return []
  // Set to something else than nothing, it was told already.
  if (main.has(nimEnvironment.ngcApiKey)) return []
  const next = needsAuthSecret(version)
    ? `Up to operator 3.1.2 the CRD wants the field: add {name: NGC_API_KEY, value: ""} to ${path}.env, which replaces the operator's reference; the Secret need not exist then.`
    : 'Leave it away: this version of the operator does not need it.'
  return [{ ...remark(`${path}.authSecret`, `${secret}, of which operator ${version} makes NGC_API_KEY`), next }]
}

/** Keys of a Secret object, whichever way they are written. */
export function keysOfSecret(object: unknown): string[] {
  return ['data', 'stringData'].flatMap(field => Object.keys(Object(read(object, field))))
}
