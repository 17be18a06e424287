import { type Finding, keyed } from '../finding.ts'
import { isImageReference, isLabelName, isLabelValue } from '../forms.ts'
import { isDnsLabel1123 } from '../names.ts'
import { at, listAt, objectAt, textAt } from '../plain.ts'
import { reporting, when } from './rule.ts'

/**
 * What the CRDs let through, and the API server then refuses in the pods that the operator makes of it
 * (pkg/apis/core/validation of Kubernetes). The operator logs the refusal and tries again.
 */
export function checkPodParts(spec: unknown): Finding[] {
  return [
    ...checkEnv(spec, ''),
    ...checkTolerations(spec),
    ...checkImage(objectAt(spec, 'image'), 'image'),
    ...checkLabels(spec, 'nodeSelector'),
    ...checkLabels(spec, 'labels'),
    ...checkContainers(spec),
  ]
}

const fails = reporting({ source: 'Kubernetes API: validation of PodSpec', severity: 'fails' })

/** From 1.34 any printable character but `=` may stand in the name of a variable. */
function checkEnv(holder: unknown, prefix: string): Finding[] {
  return listAt(holder, 'env').flatMap((variable, index) => {
    const path = `${prefix}env[${index}]`
    const name = textAt(variable, 'name')
    const both = at(variable, 'value') !== undefined && at(variable, 'valueFrom') !== undefined
    const sources = Object.keys(objectAt(variable, 'valueFrom') ?? { none: true })
    return [
      ...when(!/^[ -<>-~]+$/.test(name), () => fails('env-name', `${path}.name`, `"${name}" must be a name without =`)),
      ...when(both && textAt(variable, 'value') !== '', () =>
        fails('env-value-once', path, 'must have either value or valueFrom'),
      ),
      ...when(sources.length !== 1, () =>
        fails('env-source-once', `${path}.valueFrom`, 'must name exactly one source, such as secretKeyRef'),
      ),
    ]
  })
}

function checkTolerations(spec: unknown): Finding[] {
  return listAt(spec, 'tolerations').flatMap((toleration, index) => {
    const path = `tolerations[${index}]`
    const [key, operator, effect] = ['key', 'operator', 'effect'].map(name => textAt(toleration, name))
    return [
      ...when(!['', 'Exists', 'Equal', 'Lt', 'Gt'].includes(operator ?? ''), () =>
        fails('toleration-operator', `${path}.operator`, `"${operator}" must be Exists or Equal`),
      ),
      ...when(!['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect ?? ''), () =>
        fails('toleration-effect', `${path}.effect`, `"${effect}" must be NoSchedule, PreferNoSchedule or NoExecute`),
      ),
      ...when(key === '' && operator !== 'Exists', () =>
        fails('toleration-key', `${path}.operator`, 'must be Exists where there is no key'),
      ),
      ...when(operator === 'Exists' && textAt(toleration, 'value') !== '', () =>
        fails('toleration-value', `${path}.value`, 'must be empty where the operator is Exists'),
      ),
    ]
  })
}

function checkImage(image: unknown, path: string): Finding[] {
  if (image === undefined) return []
  const [repository, tag, policy] = ['repository', 'tag', 'pullPolicy'].map(name => textAt(image, name))
  return [
    ...when(!['', 'Always', 'IfNotPresent', 'Never'].includes(policy ?? ''), () =>
      fails('pull-policy', `${path}.pullPolicy`, `"${policy}" must be Always, IfNotPresent or Never`),
    ),
    ...when(repository !== '' && tag !== '' && !isImageReference(`${repository}:${tag}`), () =>
      fails(
        'image-reference',
        path,
        `${repository}:${tag} is no image: repository goes without a tag (with @sha256 for a digest), tag is the rest`,
      ),
    ),
  ]
}

function checkLabels(spec: unknown, field: string): Finding[] {
  return Object.entries(objectAt(spec, field) ?? {}).flatMap(([key, value]) =>
    when(!isLabelName(key) || (typeof value === 'string' && !isLabelValue(value)), () =>
      fails(
        'label-form',
        keyed(field, key),
        'must be a label: letters, digits, -, _ and ., at most 63 characters, before the name perhaps a domain and /',
      ),
    ),
  )
}

function checkContainers(spec: unknown): Finding[] {
  const containers = ['initContainers', 'sidecarContainers'].flatMap(list =>
    listAt(spec, list).map((container, index) => ({ container, path: `${list}[${index}]` })),
  )
  const names = containers.map(({ container }) => textAt(container, 'name'))
  return containers.flatMap(({ container, path }, index) => [
    ...checkEnv(container, `${path}.`),
    ...checkImage(objectAt(container, 'image'), `${path}.image`),
    ...when(!isDnsLabel1123(names[index] ?? ''), () =>
      fails('container-name', `${path}.name`, `"${names[index]}" must be lower-case letters, digits and -`),
    ),
    ...when(names.indexOf(names[index] ?? '') < index, () =>
      fails('container-name-repeated', `${path}.name`, `"${names[index]}" is the name of another container`),
    ),
    ...when(listAt(container, 'image', 'pullSecrets').length > 0, () =>
      ignored(
        'container-pull-secrets-ignored',
        `${path}.image.pullSecrets`,
        "is ignored: name the secrets at the object's own image (NIMCache: source.ngc.pullSecret)",
      ),
    ),
  ])
}

const ignored = reporting({
  source: 'reference/operator.md, sections 3 and 4: read in the controllers',
  severity: 'warning',
})
