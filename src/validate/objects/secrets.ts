import { read, textAt } from '../../system/json.ts'
import type { Remark } from './remark.ts'
import { isFields, containersOf, variablesOf, type Workload } from './workload.ts'

/** Names whose values are secrets; `AWS_ACCESS_KEY_ID` and names of files are none. */
const secretName = /(?:^|_)(?:API_?KEY|TOKEN|PASSWORD|PASSWD|SECRET|SECRET_ACCESS_KEY|ACCOUNT_KEY|ACCESS_KEY)$/i

/** What a template leaves to be filled in: it is no secret yet. */
const placeholder =
  /^(?:|[<$%{].*|\*+|x+|\.+|.*(?:replace|change-?me|your|example|placeholder|dummy|unused|redacted|todo|insert|none).*)$/i

/** Secrets that anybody can read who reads the file. No value is repeated. */
export function remarksOnSecretObject(object: unknown): Remark[] {
  if (textAt(object, 'kind') !== 'Secret' || textAt(object, 'apiVersion') !== 'v1') return []
  return (['stringData', 'data'] as const).flatMap(field => {
    const values = read(object, field)
    if (!isFields(values)) return []
    return Object.entries(values)
      .filter(
        ([, value]) => typeof value === 'string' && !placeholder.test(field === 'data' ? decoded(value) : value.trim()),
      )
      .map(([key]) => readable(`${field}.${/^\w+$/.test(key) ? key : `["${key}"]`}`.replace('.[', '['), key))
  })
}

export function remarksOnPlainSecrets(workload: Workload): Remark[] {
  return containersOf(workload)
    .flatMap(variablesOf)
    .filter(({ name, value }) => value !== undefined && secretName.test(name) && !placeholder.test(value.trim()))
    .map(({ path, name }) => readable(path, name))
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8').trim()
}

function readable(path: string, key: string): Remark {
  return {
    name: 'objects.plain-secret',
    status: 'warning',
    path,
    expected: 'a reference to a Secret that is in the cluster',
    found: `a value for ${key}, which everybody can read who reads this file`,
    next: 'Make the Secret in the cluster (kubectl create secret generic NAME --from-env-file=FILE), refer to it by its name, and change the value if others saw it.',
  }
}
