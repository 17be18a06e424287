import type { EnvVariable } from '../operator/objects.ts'
import { NimctlError } from '../system/errors.ts'

/** Each variable once: who comes later wins, in the place of the first. */
export function mergedEnvironment(...lists: readonly (readonly EnvVariable[])[]): EnvVariable[] {
  return [...new Map(lists.flat().map(entry => [entry.name, entry])).values()]
}

const variableName = /^[A-Za-z_][A-Za-z0-9_.-]*$/

/** Of what nobody should read in an object. */
const secretName = /(^|_)(API_?KEY|TOKEN|SECRET|SECRET_ACCESS_KEY|PASSWORD|ACCOUNT_KEY|CONNECTION_STRING)$/i

/** @throws NimctlError `usage` / `ENV_INVALID`, or `SECRET_IN_OBJECT` where a name says that its value is one. */
export function parseVariable(text: string): EnvVariable {
  const [, name, value] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined || !variableName.test(name)) throw invalid('--env', text, 'NAME=VALUE')
  if (value !== '' && secretName.test(name))
    throw new NimctlError('usage', 'SECRET_IN_OBJECT', {
      what: `The value of ${name} would be readable in the object.`,
      next: `Put it into a Secret and name it: --env-secret ${name}=SECRET/KEY`,
    })
  return { name, value }
}

/** @throws NimctlError `usage` / `ENV_INVALID`. */
export function parseSecretVariable(text: string): EnvVariable {
  const { name, ...secretKeyRef } = parseReference('--env-secret', text, 'SECRET')
  return { name, valueFrom: { secretKeyRef: { name: secretKeyRef.object, key: secretKeyRef.key } } }
}

/** @throws NimctlError `usage` / `ENV_INVALID`. */
export function parseConfigMapVariable(text: string): EnvVariable {
  const { name, object, key } = parseReference('--env-config-map', text, 'CONFIGMAP')
  return { name, valueFrom: { configMapKeyRef: { name: object, key } } }
}

function parseReference(flag: string, text: string, what: string): { name: string; object: string; key: string } {
  const [, name, object, key] = /^([^=]*)=([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)\/([\w.-]+)$/.exec(text) ?? []
  if (name === undefined || object === undefined || key === undefined || !variableName.test(name))
    throw invalid(flag, text, `NAME=${what}/KEY`)
  return { name, object, key }
}

function invalid(flag: string, text: string, form: string): NimctlError {
  return new NimctlError('usage', 'ENV_INVALID', {
    what: `"${text}" says no variable of ${flag}.`,
    next: `Write it as ${flag} ${form}`,
  })
}
