import { checkObject } from '../../operator/check-object.ts'
import { checkNamespace, checkNimServiceName, checkReferredName } from '../../operator/names.ts'
import { operatorApi, type KubernetesObject } from '../../operator/objects.ts'
import { at, textAt } from '../../operator/plain.ts'
import { NimctlError } from '../../system/errors.ts'
import { refuseFindings } from '../check.ts'
import { metadata, type Target } from '../request.ts'
import { emitted, type Comment, type EmitResult } from '../result.ts'

/** A NIMService that becomes part of a pipeline. */
export interface PipelineService {
  name: string
  namespace?: string | undefined
  spec: object
}

/** A variable of one service that says where another one is. */
export interface ServiceDependency {
  /** Who gets the variable. */
  service: string
  /** Whom it leads to. */
  on: string
  envName: string
  /** Default: the address of `on` in the namespace. */
  envValue?: string
}

export interface NimPipelineRequest extends Target {
  services: readonly PipelineService[]
  dependencies?: readonly ServiceDependency[]
  /** Services that are not to run for now. */
  disabled?: readonly string[]
}

/**
 * Several NIMServices as one object; the operator makes each of them, in the pipeline's namespace.
 *
 * @throws NimctlError `usage` / `PIPELINE_EMPTY`, `SERVICE_REPEATED`, `SERVICE_UNKNOWN`, `NAMESPACE_DIFFERS`,
 * `NAME_INVALID`, `OBJECT_INVALID`.
 */
export function emitNimPipeline(request: NimPipelineRequest): EmitResult {
  const { name, namespace, services, dependencies = [], disabled = [], operatorVersion } = request
  checkReferredName('NIMPipeline', name)
  if (namespace !== undefined) checkNamespace(namespace)
  checkServices(request)
  for (const known of [...disabled, ...dependencies.flatMap(({ service, on }) => [service, on])])
    requireService(services, known)
  const object: KubernetesObject = {
    apiVersion: operatorApi,
    kind: 'NIMPipeline',
    metadata: metadata(request),
    spec: {
      services: services.map(({ name: service, spec }) => ({
        name: service,
        enabled: !disabled.includes(service),
        ...dependenciesOf(service, request),
        spec,
      })),
    },
  }
  refuseFindings(checkObject(object, operatorVersion))
  return emitted({
    objects: [object],
    comments,
    prerequisites: [ownerPrerequisite(request), ...cachePrerequisites(request)],
  })
}

function checkServices({ services, namespace }: NimPipelineRequest): void {
  if (services.length === 0)
    throw new NimctlError('usage', 'PIPELINE_EMPTY', {
      what: 'Nothing says which services the pipeline has.',
      next: 'Give --service FILE with NIMServices, or --cache NAME=URL for each.',
    })
  const names = services.map(service => service.name)
  for (const [index, service] of services.entries()) {
    checkNimServiceName(service.name)
    if (names.indexOf(service.name) < index) throw repeated(service.name)
    if (service.namespace !== undefined && service.namespace !== namespace) throw otherNamespace(service, namespace)
  }
}

/** The operator reads only `envName` and `envValue`; the CRD wants the other two (reference/operator.md, section 2). */
function dependenciesOf(
  name: string,
  { services, dependencies = [] }: NimPipelineRequest,
): { dependencies?: object[] } {
  const own = dependencies.filter(({ service }) => service === name)
  if (own.length === 0) return {}
  return {
    dependencies: own.map(({ on, envName, envValue }) => {
      const { host, port } = addressOf(requireService(services, on))
      return { name: on, port, envName, envValue: envValue ?? `http://${host}:${port}` }
    }),
  }
}

/** The CRD's own default. */
const usualPort = 8000

function addressOf({ name, spec }: PipelineService): { host: string; port: number } {
  const port = at(spec, 'expose', 'service', 'port')
  return { host: textAt(spec, 'expose', 'service', 'name') || name, port: typeof port === 'number' ? port : usualPort }
}

function requireService(services: readonly PipelineService[], name: string): PipelineService {
  const found = services.find(service => service.name === name)
  if (found !== undefined) return found
  throw new NimctlError('usage', 'SERVICE_UNKNOWN', {
    what: `The pipeline has no service ${name}.`,
    why: `It has ${services.map(service => service.name).join(', ')}.`,
    next: 'Give one of these names, or add the service with --service or --cache.',
  })
}

/** The pipeline goes to an error where a NIMService of the name is there and is not its own. */
function ownerPrerequisite({ services, namespace }: NimPipelineRequest): string {
  const place = namespace === undefined ? '' : ` -n ${namespace}`
  const names = services.map(({ name }) => name).join(' ')
  return `No NIMService of these names that somebody else made: kubectl delete${place} --ignore-not-found nimservice ${names}`
}

function cachePrerequisites({ services }: NimPipelineRequest): string[] {
  const caches = services.map(({ spec }) => textAt(spec, 'storage', 'nimCache', 'name')).filter(name => name !== '')
  return caches.length === 0 ? [] : [`NIMCache ${[...new Set(caches)].join(', ')}: each service waits for its own`]
}

const comments: Comment[] = [
  {
    kind: 'NIMPipeline',
    path: ['spec', 'services'],
    text: 'enabled must be said: without it a service is off. The operator makes a NIMService of each, and changes it back.',
  },
]

function repeated(name: string): NimctlError {
  return new NimctlError('usage', 'SERVICE_REPEATED', {
    what: `Two services of the pipeline are called ${name}.`,
    why: 'The operator makes a NIMService of each name.',
    next: 'Rename one of them, or name caches with --cache NAME=URL.',
  })
}

function otherNamespace({ name, namespace: own }: PipelineService, namespace: string | undefined): NimctlError {
  return new NimctlError('usage', 'NAMESPACE_DIFFERS', {
    what: `The NIMService ${name} is of the namespace ${own}.`,
    why: 'A pipeline makes its services in its own namespace.',
    next: namespace === undefined ? `Add -n ${own}` : `Move it to ${namespace}, or write the pipeline with -n ${own}`,
  })
}
