import type { Finding } from '../finding.ts'
import { isFloating } from '../forms.ts'
import { at, objectAt, textAt } from '../plain.ts'
import { quantityValue } from '../quantity.ts'
import { gpuResource } from './nimservice-gpus.ts'
import { checkPodParts } from './pod.ts'
import { reporting, type Subject, when } from './rule.ts'

const source = 'k8s-nim-operator internal/controller/nimbuild_controller.go; reference/operator.md, section 5'
const fails = reporting({ source, severity: 'fails' })
const warning = reporting({ source, severity: 'warning' })
const advice = reporting({ source: 'seed 004: VMware Private AI reference architecture', severity: 'advice' })

/** NIMBuild has no webhook. What depends on its NIMCache: check-objects.ts. */
export function checkNimBuild({ spec }: Subject): Finding[] {
  const limits = quantityValue(at(spec, 'resources', 'limits', gpuResource))
  const requests = quantityValue(at(spec, 'resources', 'requests', gpuResource))
  return [
    ...when(textAt(spec, 'nimCache', 'name') === '', () =>
      fails('build-needs-cache', 'nimCache.name', 'must name a NIMCache of this namespace'),
    ),
    ...['repository', 'tag'].flatMap(field =>
      when(textAt(spec, 'image', field) === '', () => fails('image-part-empty', `image.${field}`, 'must not be empty')),
    ),
    ...when(requests !== limits, () =>
      fails(
        'gpus-in-both',
        `resources.requests["${gpuResource}"]`,
        `must be the same in limits and requests: the operator looks at requests`,
      ),
    ),
    ...['labels', 'annotations'].flatMap(field =>
      when(objectAt(spec, field) !== undefined, () =>
        warning('build-metadata-ignored', field, `is not read: give the NIMBuild's own metadata.${field}`),
      ),
    ),
    ...checkPodParts(spec),
    ...when(isFloating(`${textAt(spec, 'image', 'repository')}:${textAt(spec, 'image', 'tag')}`), () =>
      advice('image-not-pinned', 'image.tag', 'may be another image tomorrow: name a version'),
    ),
  ]
}
