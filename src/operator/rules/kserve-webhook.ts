import type { Finding } from '../finding.ts'
import { at, textAt } from '../plain.ts'
import { isFrom } from '../versions.ts'
import { nimServiceRefused, nimServiceRoot as root, nimServiceWarning } from './nimservice-report.ts'
import { type Subject, when } from './rule.ts'

/** What the NIMService webhook says of `inferencePlatform: kserve`. */
export function checkKserve(subject: Subject): Finding[] {
  const { spec } = subject
  if (at(spec, 'inferencePlatform') !== 'kserve') return []
  const mode = deploymentMode(subject)
  const text = mode === 'unknown' ? ' (the default where KServe is not set up otherwise)' : ''
  const report = mode === 'unknown' ? nimServiceWarning : nimServiceRefused
  return [
    ...(mode === 'raw'
      ? []
      : taken(spec).map(path =>
          report(
            'kserve-knative-forbids',
            path,
            `Forbidden: ${root}.${path} cannot be set when KServe runs in knative mode${text}`,
          ),
        )),
    ...when(at(spec, 'multiNode') !== undefined, () =>
      nimServiceRefused(
        'kserve-without-multi-node',
        'multiNode',
        'Forbidden: cannot be set when the inferencePlatform is KServe',
      ),
    ),
  ]
}

/** What the operator leaves to Knative. */
function taken(spec: unknown): string[] {
  return [
    ...(at(spec, 'scale', 'enabled') === true ? ['scale.enabled'] : []),
    ...(at(spec, 'expose', 'ingress', 'enabled') === true ? ['expose.ingress.enabled'] : []),
    ...(at(spec, 'expose', 'router', 'ingress') === undefined ? [] : ['expose.router.ingress']),
    ...(at(spec, 'expose', 'router', 'gateway') === undefined ? [] : ['expose.router.gateway']),
    ...(at(spec, 'metrics', 'enabled') === true ? ['metrics.enabled'] : []),
  ]
}

/**
 * From 3.1.0 an annotation that is missing leaves the mode to KServe's own ConfigMap (`unknown` here); before, the
 * annotation had another name, and without it the mode was serverless.
 */
function deploymentMode({ spec, version }: Subject): 'knative' | 'raw' | 'unknown' {
  const isNew = isFrom(version, '3.1.0')
  const name = isNew ? 'serving.kserve.io/deploymentMode' : 'serving.kserve.org/deploymentMode'
  const mode = textAt(spec, 'annotations', name).toLowerCase()
  if (mode === '') return isNew ? 'unknown' : 'knative'
  return mode === 'serverless' || (isNew && mode === 'knative') ? 'knative' : 'raw'
}
