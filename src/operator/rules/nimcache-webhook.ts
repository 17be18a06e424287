import type { Finding } from '../finding.ts'
import { at, objectAt, textAt, textsAt } from '../plain.ts'
import { checkClaim, isClaimDefined } from './claim-webhook.ts'
import { reporting, type Subject, when } from './rule.ts'

/**
 * The NIMCache webhook, the same from 3.0.0 to main (internal/webhook/apps/v1alpha1/nimcache_webhook_validation_helper.go;
 * reference/operator.md, section 7). It is off by default up to 3.1.2, so for most users this is the only check.
 */
export function checkNimCacheWebhook({ spec }: Subject): Finding[] {
  return [...checkNgc(spec), ...checkStorage(spec), ...checkProxy(spec)]
}

const source = 'k8s-nim-operator internal/webhook/apps/v1alpha1/nimcache_webhook_validation_helper.go'
const refused = reporting({ source, severity: 'refused' })
const root = 'nimcache.spec'

function checkNgc(spec: unknown): Finding[] {
  const ngc = objectAt(spec, 'source', 'ngc')
  if (ngc === undefined) return []
  const mustNotBeEmpty = (rule: string, field: string) =>
    when(textAt(ngc, field) === '', () => refused(rule, `source.ngc.${field}`, 'Required value: must be non-empty'))
  return [
    ...checkModel(ngc),
    ...mustNotBeEmpty('ngc-auth-secret-empty', 'authSecret'),
    ...mustNotBeEmpty('ngc-model-puller-empty', 'modelPuller'),
  ]
}

function checkModel(ngc: unknown): Finding[] {
  const model = objectAt(ngc, 'model')
  const profiles = textsAt(model, 'profiles')
  const path = 'source.ngc.model'
  const chosenBy = ['precision', 'engine', 'tensorParallelism', 'qosProfile', 'gpus', 'lora', 'buildable']
  const beside = profiles.length === 0 ? [] : chosenBy.filter(field => isGiven(at(model, field)))
  const qos = textAt(model, 'qosProfile')
  return [
    ...when(profiles.includes('all') && profiles.length > 1, () =>
      refused(
        'profiles-all-alone',
        `${path}.profiles`,
        `Invalid value: ${JSON.stringify(profiles)}: must only have a single entry when it contains 'all'`,
      ),
    ),
    ...beside.map(field =>
      refused(
        'profiles-or-choosing-fields',
        `${path}.${field}`,
        `Forbidden: must be empty if ${root}.${path}.profiles is provided`,
      ),
    ),
    ...when(!['', 'latency', 'throughput'].includes(qos), () =>
      refused(
        'qos-profile-unsupported',
        `${path}.qosProfile`,
        `Unsupported value: "${qos}": supported values: "latency", "throughput"`,
      ),
    ),
  ]
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== ''
}

function checkStorage(spec: unknown): Finding[] {
  const claim = at(spec, 'storage', 'pvc')
  if (isClaimDefined(claim)) return checkClaim(claim, root, refused)
  return [refused('nimcache-storage-empty', 'storage', 'Required value: must not be empty')]
}

/** What may stand between the commas of `noProxy`; a star, a scheme or a host's port may not. */
const proxyTokens = [
  /^\.?[a-zA-Z0-9.-]+$/,
  /^(\d{1,3}\.){3}\d{1,3}(:\d+)?$/,
  /^\[[0-9a-fA-F:]+\](?::\d+)?$/,
  /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/,
  /^\[[0-9a-fA-F:]+\]\/\d{1,3}$/,
]

function checkProxy(spec: unknown): Finding[] {
  const proxy = objectAt(spec, 'proxy')
  const tokens = textAt(proxy, 'noProxy')
    .split(',')
    .map(token => token.trim())
  return [
    ...tokens.flatMap((token, index) =>
      when(token !== '' && !proxyTokens.some(form => form.test(token)), () =>
        refused('no-proxy-token', `proxy.noProxy[${index}]`, `Invalid value: "${token}": invalid token`),
      ),
    ),
    ...['httpsProxy', 'httpProxy'].flatMap(field => {
      const url = textAt(proxy, field)
      return when(url !== '' && !/^https?:\/\//.test(url), () =>
        refused('proxy-scheme', `proxy.${field}`, `Invalid value: "${url}": must start with http:// or https://`),
      )
    }),
  ]
}
