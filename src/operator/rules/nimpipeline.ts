import type { Finding } from '../finding.ts'
import { at, listAt, objectAt, textAt } from '../plain.ts'
import { checkNimServiceName } from './nimservice-controller.ts'
import { checkNimService } from './nimservice.ts'
import { reporting, type Subject, when } from './rule.ts'

const source = 'k8s-nim-operator internal/controller/nimpipeline_controller.go; reference/operator.md, section 2'
const fails = reporting({ source, severity: 'fails' })
const warning = reporting({ source, severity: 'warning' })

/** NIMPipeline has no webhook of its own; the NIMServices that it makes have theirs. */
export function checkNimPipeline(subject: Subject): Finding[] {
  const services = listAt(subject.spec, 'services')
  const names = services.map(service => textAt(service, 'name'))
  return [
    ...when(services.length === 0, () => warning('pipeline-empty', 'services', 'names no service, so nothing is made')),
    ...services.flatMap((service, index) => [
      ...checkService(service, names, index),
      ...checkDependencies(service, `services[${index}]`),
      ...(objectAt(service, 'spec') === undefined ? [] : checkSpec(subject, service, index)),
    ]),
  ]
}

function checkService(service: unknown, names: readonly string[], index: number): Finding[] {
  const path = `services[${index}]`
  const name = names[index] ?? ''
  return [
    ...checkNimServiceName(name, `spec.${path}.name`),
    ...when(name !== '' && names.indexOf(name) < index, () =>
      fails('pipeline-service-repeated', `${path}.name`, `"${name}" is the name of another service of the pipeline`),
    ),
    ...when(at(service, 'enabled') !== true, () =>
      warning(
        'pipeline-service-disabled',
        `${path}.enabled`,
        at(service, 'enabled') === false
          ? 'is false: no NIMService is made'
          : 'is not set, which means false: set it to true',
      ),
    ),
    ...when(objectAt(service, 'spec') === undefined, () =>
      fails('pipeline-service-empty', `${path}.spec`, 'is missing, so the NIMService that is made of it is refused'),
    ),
  ]
}

function checkDependencies(service: unknown, path: string): Finding[] {
  return listAt(service, 'dependencies').flatMap((dependency, index) =>
    when(textAt(dependency, 'envName') === '' || textAt(dependency, 'envValue') === '', () =>
      warning(
        'pipeline-dependency-ignored',
        `${path}.dependencies[${index}]`,
        'does nothing without envName and envValue: name and port are never read',
      ),
    ),
  )
}

/** What would be refused of a NIMService fails later here, when the pipeline makes it. */
function checkSpec(subject: Subject, service: unknown, index: number): Finding[] {
  const spec = objectAt(service, 'spec') ?? {}
  const name = textAt(service, 'name')
  return checkNimService({ ...subject, name, spec })
    .filter(({ path }) => path !== 'metadata.name')
    .map(finding => ({
      ...finding,
      path: finding.path.replace(/^spec/, `spec.services[${index}].spec`),
      severity: finding.severity === 'refused' ? 'fails' : finding.severity,
    }))
}
