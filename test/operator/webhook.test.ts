import { describe, expect, it } from 'vitest'

import { checkObject } from '../../src/operator/check-object.ts'
import type { OperatorVersion } from '../../src/operator/versions.ts'
import { aCache, aService, type Changes } from './objects.ts'

const model = 'spec.source.ngc.model'
const claim = 'spec.storage.pvc'

/** What only the webhook has against an object: `severity rule path`, then the operator's words. */
type Case = [changes: Changes, finding: string, message: string, version?: OperatorVersion]

describe('the webhook of NIMCache', () => {
  it.each<Case>([
    [
      { 'spec.source.ngc.authSecret': '' },
      'refused ngc-auth-secret-empty spec.source.ngc.authSecret',
      'Required value: must be non-empty',
    ],
    [
      { 'spec.source.ngc.modelPuller': '' },
      'refused ngc-model-puller-empty spec.source.ngc.modelPuller',
      'Required value: must be non-empty',
    ],
    ...['precision', 'engine', 'tensorParallelism', 'qosProfile', 'gpus', 'lora', 'buildable'].map((field): Case => [
      {
        [`${model}.${field}`]:
          { gpus: [{ product: 'A100' }], lora: false, buildable: true, qosProfile: 'latency' }[field] ?? '1',
      },
      `refused profiles-or-choosing-fields ${model}.${field}`,
      `Forbidden: must be empty if nimcache.${model}.profiles is provided`,
    ]),
    [
      { [model]: { qosProfile: 'balanced' } },
      `refused qos-profile-unsupported ${model}.qosProfile`,
      'Unsupported value: "balanced": supported values: "latency", "throughput"',
    ],
    [
      { [model]: { qosProfile: 'Latency' } },
      `refused qos-profile-unsupported ${model}.qosProfile`,
      'Unsupported value: "Latency": supported values: "latency", "throughput"',
    ],
    [{ [claim]: {} }, 'refused nimcache-storage-empty spec.storage', 'Required value: must not be empty'],
    [
      { [claim]: { create: false } },
      `refused claim-needs-name ${claim}.name`,
      `Required value: must be provided when nimcache.${claim}.create is false`,
    ],
    [
      { [claim]: { subPath: 'models' } },
      `refused claim-needs-name ${claim}.name`,
      `Required value: must be provided when nimcache.${claim}.create is false`,
    ],
    [
      { [`${claim}.volumeAccessMode`]: 'RWX' },
      `refused claim-access-mode ${claim}.volumeAccessMode`,
      'Invalid value: "RWX": unrecognized volumeAccessMode; one of ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod',
    ],
    ...['*.svc', 'host:8080', 'http://x', '::1', 'my_host'].map((token): Case => [
      { 'spec.proxy': { noProxy: `localhost, ${token}` } },
      'refused no-proxy-token spec.proxy.noProxy[1]',
      `Invalid value: "${token}": invalid token`,
    ]),
    ...['httpProxy', 'httpsProxy'].map((field): Case => [
      { 'spec.proxy': { [field]: 'proxy:3128' } },
      `refused proxy-scheme spec.proxy.${field}`,
      'Invalid value: "proxy:3128": must start with http:// or https://',
    ]),
  ])('%j is %s', (changes, finding, message) => {
    expect(said(aCache(changes), 'main')).toEqual([[finding, message]])
  })

  it('takes all alone, and no other beside it', () => {
    const findings = checkObject(aCache({ [`${model}.profiles`]: ['all', 'a'] }), 'main')
    expect(findings.map(({ rule }) => rule)).toEqual(['profiles-all-alone', 'profiles-all'])
    expect(findings[0]?.message).toBe(
      `Invalid value: ["all","a"]: must only have a single entry when it contains 'all'`,
    )
  })

  it.each(['.svc,10.0.0.0/8', '10.1.2.3:8080, ,[::1]:443', '[2001:db8::]/32', 'HOST.example.com'])(
    'takes noProxy %s',
    noProxy => {
      expect(said(aCache({ 'spec.proxy': { noProxy, httpProxy: 'http://proxy:3128' } }), 'main')).toEqual([])
    },
  )

  it('looks at no other source than ngc', () => {
    const hf = {
      endpoint: 'https://hub',
      namespace: 'meta',
      authSecret: 'a',
      pullSecret: 'b',
      modelPuller: 'r/i:1',
      modelName: 'm',
    }
    expect(said(aCache({ 'spec.source': { hf } }), 'main')).toEqual([])
  })
})

const gateway = { name: 'gateway', namespace: 'default' }
const router = { gateway, hostDomainName: 'llama.internal' }
const scaling = {
  enabled: true,
  hpa: { maxReplicas: 2, metrics: [{ type: 'Pods', pods: { metric: { name: 'queue' }, target: { type: 'Value' } } }] },
}
const sources = (last: string) =>
  ['nimCache', 'pvc', 'emptyDir'].map(name => `nimservice.spec.storage.${name}`).join(', ') +
  ` or nimservice.spec.storage.${last}`

describe('the webhook of NIMService', () => {
  it.each<Case>([
    ...['repository', 'tag'].map((field): Case => [
      { [`spec.image.${field}`]: '' },
      `refused image-part-empty spec.image.${field}`,
      'Required value: is required',
    ]),
    [{ 'spec.authSecret': '' }, 'refused auth-secret-empty spec.authSecret', 'Required value: is required', '3.1.2'],
    [
      { 'spec.authSecret': undefined },
      'warning auth-secret-left-out spec.authSecret',
      'is empty: NGC_API_KEY will not be injected. Omit this only for air-gapped deployments with a pre-populated local model cache',
    ],
    [
      { 'spec.storage.sharedMemorySizeLimit': '0' },
      'refused shared-memory-not-positive spec.storage.sharedMemorySizeLimit',
      'Invalid value: "0": must be > 0',
    ],
    [
      { 'spec.storage.pvc': { name: 'models' } },
      'refused storage-source-once spec.storage',
      `Invalid value: "multiple storage sources defined": only one of ${sources('hostPath')} must be defined`,
    ],
    [
      { 'spec.storage.nimCache': { profile: 'a' } },
      'refused nimcache-name-missing spec.storage.nimCache.name',
      'Required value: is required when nimservice.spec.storage.nimCache is defined',
    ],
    [
      { 'spec.storage': { pvc: { create: false } }, 'spec.env.1': { name: 'NIM_MODEL_PROFILE', value: 'a' } },
      'refused claim-needs-name spec.storage.pvc.name',
      'Required value: must be provided when nimservice.spec.storage.pvc.create is false',
    ],
    [
      { 'spec.expose.router': { gateway } },
      'refused router-needs-host spec.expose.router.hostDomainName',
      'Required value: is required',
    ],
    [
      { 'spec.expose.router': { ...router, gateway: { ...gateway, grpcRoutesEnabled: true } } },
      'refused grpc-route-needs-port spec.expose.service.grpcPort',
      'Required value: must be set when .spec.expose.router.gateway.grpcRoutesEnabled is true',
    ],
    [
      { 'spec.expose.router': router, 'spec.expose.service.type': 'LoadBalancer' },
      'warning two-entry-points spec.expose.service.type',
      'spec.expose.service.type is set to LoadBalancer, but spec.expose.router.gateway or spec.expose.router.ingress is also set. This creates two entry points for the service. Consider only using one of them.',
    ],
    [
      { 'spec.expose.ingress': { enabled: true } },
      'refused ingress-needs-spec spec.expose.ingress.spec',
      'Required value: must be defined if nimservice.spec.expose.ingress.enabled is true',
      '3.0.2',
    ],
    [
      { 'spec.metrics': { enabled: true, serviceMonitor: { additionalLabels: {} } } },
      'refused metrics-need-service-monitor spec.metrics.serviceMonitor',
      'Required value: must be defined if nimservice.spec.metrics.enabled is true',
    ],
    [
      { 'spec.scale': { enabled: true }, 'spec.replicas': undefined },
      'refused scale-needs-hpa spec.scale.hpa',
      'Required value: must be defined if nimservice.spec.scale.enabled is true',
    ],
    [
      { 'spec.resources.claims': [] },
      'refused resource-claims-not-taken spec.resources.claims',
      'Forbidden: must be empty',
    ],
    [
      { 'spec.inferencePlatform': 'kserve', 'spec.multiNode': { parallelism: {} } },
      'refused kserve-without-multi-node spec.multiNode',
      'Forbidden: cannot be set when the inferencePlatform is KServe',
    ],
  ])('%j is %s', (changes, finding, message, version = 'main') => {
    expect(said(aService(changes), version)).toEqual([[finding, message]])
  })

  it('wants exactly one storage', () => {
    const findings = checkObject(aService({ 'spec.storage': {} }), 'main')
    expect(findings[0]).toMatchObject({
      rule: 'storage-source-missing',
      message: `Required value: one of ${sources('hostPath')} must be defined`,
    })
    expect(checkObject(aService({ 'spec.storage': {} }), '3.0.0')[0]?.message).not.toContain('emptyDir')
  })

  it('warns of expose.ingress from 3.1.0 on', () => {
    const ingress = { enabled: true, spec: { ingressClassName: 'nginx' } }
    const object = aService({ 'spec.expose.ingress': ingress })
    expect(rules(object, '3.1.0')).toEqual(['deprecated-field', 'ingress-deprecated'])
    expect(rules(object, '3.0.2')).toEqual([])
  })

  it('takes a scaled service, a gateway and a new claim', () => {
    const onClaim = { pvc: { create: true, size: '1Gi', volumeAccessMode: 'ReadWriteMany' } }
    const profile = { name: 'NIM_MODEL_PROFILE', value: 'a' }
    expect(said(aService({ 'spec.scale': scaling, 'spec.replicas': undefined }), 'main')).toEqual([])
    expect(said(aService({ 'spec.expose.router': router }), 'main')).toEqual([])
    expect(said(aService({ 'spec.storage': onClaim, 'spec.env.1': profile }), 'main')).toEqual([])
  })
})

describe('KServe in knative mode', () => {
  const taken: Changes = {
    'spec.inferencePlatform': 'kserve',
    'spec.scale': scaling,
    'spec.replicas': undefined,
    'spec.expose.router': router,
    'spec.metrics': { enabled: true, serviceMonitor: { interval: '30s' } },
  }
  const paths = ['spec.scale.enabled', 'spec.expose.router.gateway', 'spec.metrics.enabled']
  const said = (mode: string | undefined, version: OperatorVersion, name = 'serving.kserve.io/deploymentMode') => {
    const annotations = mode === undefined ? undefined : { [name]: mode }
    return checkObject(aService({ ...taken, 'spec.annotations': annotations }), version)
      .filter(({ rule }) => rule === 'kserve-knative-forbids')
      .map(({ severity, path }) => `${severity} ${path}`)
  }

  it('refuses what Knative does itself', () => {
    expect(said('Knative', 'main')).toEqual(paths.map(path => `refused ${path}`))
    expect(said('serverless', 'main')).toEqual(paths.map(path => `refused ${path}`))
    expect(said('Standard', 'main')).toEqual([])
    const ingress = aService({
      ...taken,
      'spec.expose': { service: { port: 1 }, router: { ingress: { ingressClass: 'a' }, hostDomainName: 'a' } },
    })
    expect(rules(ingress, 'main')).toContain('kserve-knative-forbids')
  })

  it('warns where only the cluster knows the mode, and knows it for old operators', () => {
    expect(said(undefined, 'main')).toEqual(paths.map(path => `warning ${path}`))
    expect(said(undefined, '3.0.2')).toEqual(['refused spec.scale.enabled', 'refused spec.metrics.enabled'])
    expect(said('RawDeployment', '3.0.2', 'serving.kserve.org/deploymentMode')).toEqual([])
  })
})

function said(object: Parameters<typeof checkObject>[0], version: OperatorVersion): [string, string][] {
  return checkObject(object, version).map(({ severity, rule, path, message }) => [
    `${severity} ${rule} ${path}`,
    message,
  ])
}

function rules(object: Parameters<typeof checkObject>[0], version: OperatorVersion): string[] {
  return checkObject(object, version).map(({ rule }) => rule)
}
