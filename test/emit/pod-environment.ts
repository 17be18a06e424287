import type { EnvVariable } from '../../src/operator/objects.ts'

/** What lies in the namespace: by name, what the keys hold. */
export interface Namespace {
  secrets: Record<string, Record<string, string>>
  configMaps: Record<string, Record<string, string>>
}

export interface ContainerVariables {
  env?: EnvVariable[]
  envFrom?: { secretRef: { name: string; optional?: boolean } }[]
}

/**
 * The environment that a node makes of a container's fields. A required reference to what is not there keeps the container
 * from starting; keys that are no names of variables are left out of `envFrom`, as they are before Kubernetes 1.34.
 */
export function podEnvironment({ env = [], envFrom = [] }: ContainerVariables, namespace: Namespace) {
  const found: Record<string, string> = {}
  for (const { secretRef } of envFrom) {
    const secret = namespace.secrets[secretRef.name]
    if (secret === undefined && secretRef.optional !== true) throw new Error(`There is no Secret ${secretRef.name}.`)
    for (const [key, value] of Object.entries(secret ?? {})) if (/^[A-Za-z_]\w*$/.test(key)) found[key] = value
  }
  for (const variable of env) {
    const value = 'value' in variable ? variable.value : valueOf(variable.valueFrom, namespace)
    if (value !== undefined) found[variable.name] = value
  }
  return found
}

type Source = Extract<EnvVariable, { valueFrom: unknown }>['valueFrom']

function valueOf(source: Source, { secrets, configMaps }: Namespace): string | undefined {
  const [place, { name, key, optional }] =
    'secretKeyRef' in source ? [secrets, source.secretKeyRef] : [configMaps, source.configMapKeyRef]
  const value = place[name]?.[key]
  if (value === undefined && optional !== true) throw new Error(`${name} has no ${key}.`)
  return value
}
