import { checkReferredName } from '../../operator/names.ts'
import type { EnvVariable, PlainVariable } from '../../operator/objects.ts'
import type { StorePlace, Target } from '../request.ts'
import { emitted, type EmitResult } from '../result.ts'
import { storeCredentials } from '../store-secret.ts'
import { storeAccess, urlInCluster } from '../stores/access.ts'
import type { SecretEntry, StoreAccess } from '../stores/store-access.ts'
import { loaderContract } from './contract.ts'

/** The environment of the loader's container, and what the cluster must have for it. */
export interface LoaderEnvironment extends EmitResult {
  /** Which cache, how its store is reached, and what the store's Secret holds as files. */
  env: EnvVariable[]
  /** Which Secret holds the credentials. */
  secretName: string
  /** What of it are variables, one by one, for containers that can't take the whole. */
  secretEnv: EnvVariable[]
}

interface EnvironmentRequest extends Target {
  uploaded: StorePlace
  /** There has to be a Secret although the store wants none: a NIMCache names one, and its Job takes it. */
  secretAlways?: boolean
}

/** @throws NimctlError `usage` where the loader can't read such a store. */
export function loaderEnvironment(request: EnvironmentRequest): LoaderEnvironment {
  const { uploaded } = request
  const { variables } = loaderContract
  return storeEnvironment(request, [
    { name: variables.cacheUrl, value: urlInCluster(uploaded).href },
    ...(uploaded.inventoryDigest ? [{ name: variables.inventoryDigest, value: uploaded.inventoryDigest }] : []),
  ])
}

/** @param which what tells the loader which cache, or which caches, are meant. */
export function storeEnvironment(request: EnvironmentRequest, which: readonly PlainVariable[]): LoaderEnvironment {
  const access = storeAccess(request.uploaded)
  const { secretName, prerequisites } = storeCredentials(request, access.secret)
  const wanted = request.secretAlways === true || access.secret.entries.length > 0
  const { caConfigMap } = request.uploaded.storeSettings ?? {}
  const { entries } = access.secret
  return {
    ...emitted({
      warnings: access.warnings,
      prerequisites: [
        ...(wanted ? prerequisites : []),
        ...(caConfigMap === undefined ? [] : [caPrerequisite(request, caConfigMap)]),
      ],
    }),
    secretName,
    env: [
      ...which,
      ...access.env,
      ...flagsVariable(access),
      ...entries.filter(isFile).map(entry => reference(entry, secretName)),
      ...(caConfigMap === undefined ? [] : [caVariable(caConfigMap)]),
    ],
    secretEnv: entries.filter(entry => !isFile(entry)).map(entry => reference(entry, secretName)),
  }
}

/** None of them has a space in it: they are names and addresses. */
function flagsVariable({ flags }: StoreAccess): PlainVariable[] {
  return flags.length === 0 ? [] : [{ name: loaderContract.variables.flags, value: flags.join(' ') }]
}

function isFile({ variable }: SecretEntry): boolean {
  return variable !== undefined
}

function reference({ key, variable = key, required }: SecretEntry, secretName: string): EnvVariable {
  const optional = required === true ? {} : { optional: true as const }
  return { name: variable, valueFrom: { secretKeyRef: { name: secretName, key, ...optional } } }
}

/** The key that Kubernetes' own kube-root-ca.crt and trust-manager use. */
const caKey = 'ca.crt'

function caVariable(name: string): EnvVariable {
  checkReferredName('ConfigMap', name)
  return { name: loaderContract.contents.caCertificates, valueFrom: { configMapKeyRef: { name, key: caKey } } }
}

function caPrerequisite({ namespace }: Target, name: string): string {
  const place = namespace === undefined ? '' : ` -n ${namespace}`
  return `ConfigMap ${name}: kubectl create configmap ${name}${place} --from-file=${caKey}=FILE, the CA in PEM`
}
