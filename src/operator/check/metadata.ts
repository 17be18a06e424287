import type { Finding } from '../finding.ts'
import { keyed } from '../finding.ts'
import { isLabelName, isLabelValue } from '../forms.ts'
import { isDnsLabel1123, isDnsSubdomain } from '../names.ts'
import { at, isPlain, textAt } from '../plain.ts'

const source = 'Kubernetes API: ObjectMeta'

/** What an API server asks of any object's `apiVersion`, `kind` and `metadata`. */
export function checkMetadata(object: unknown): Finding[] {
  const name = at(object, 'metadata', 'name')
  const namespace = at(object, 'metadata', 'namespace')
  return [
    ...['apiVersion', 'kind'].flatMap(field =>
      textAt(object, field) === '' ? [refused('required-field', field, 'is required')] : [],
    ),
    ...(name === undefined && at(object, 'metadata', 'generateName') === undefined
      ? [refused('required-field', 'metadata.name', 'is required')]
      : []),
    ...(name !== undefined && !(typeof name === 'string' && isDnsSubdomain(name))
      ? [
          refused(
            'wrong-name',
            'metadata.name',
            `${JSON.stringify(name)} must be lower-case letters, digits, - and ., at most 253 characters`,
          ),
        ]
      : []),
    ...(namespace !== undefined && !(typeof namespace === 'string' && isDnsLabel1123(namespace))
      ? [
          refused(
            'wrong-name',
            'metadata.namespace',
            `${JSON.stringify(namespace)} must be lower-case letters, digits and -, at most 63 characters`,
          ),
        ]
      : []),
    ...checkTexts(object, 'labels'),
    ...checkTexts(object, 'annotations'),
  ]
}

function checkTexts(object: unknown, field: 'labels' | 'annotations'): Finding[] {
  const path = `metadata.${field}`
  const value = at(object, 'metadata', field)
  if (value === undefined) return []
  if (!isPlain(value)) return [refused('wrong-type', path, 'must be an object')]
  return Object.entries(value).flatMap(([key, text]) => [
    ...(typeof text === 'string'
      ? []
      : [refused('wrong-type', keyed(path, key), `must be text: write ${JSON.stringify(String(text))}, in quotes`)]),
    ...(isLabelName(key) ? [] : [refused('wrong-name', keyed(path, key), 'must be a name, or a domain, / and a name')]),
    ...(field === 'labels' && typeof text === 'string' && !isLabelValue(text)
      ? [
          refused(
            'wrong-form',
            keyed(path, key),
            `${JSON.stringify(text)} must be letters, digits, -, _ and ., at most 63 characters`,
          ),
        ]
      : []),
  ])
}

function refused(rule: string, path: string, message: string): Finding {
  return { rule, path, severity: 'refused', message, source }
}
