import type { DryRun, WrittenObject } from '../../../kubernetes/objects.ts'
import { operatorApi } from '../../../operator/objects.ts'
import { sanitize } from '../../../system/secret.ts'
import { type Look, type Subject, unprovable, type Verdict } from './look.ts'

/** What the offline check said of an object, for the comparison. */
export interface OfflineVerdict {
  /** `RULE at PATH`, of what the CRD or the webhook should refuse. */
  refused: readonly string[]
  /** Of those the ones that a webhook's rule says. */
  byWebhook: readonly string[]
  dropped: readonly string[]
}

interface ServerQuestion {
  missingNamespaces: ReadonlySet<string>
  servedKinds: ReadonlySet<string>
  offline: (subject: Subject) => OfflineVerdict
  operatorVersion: string
}

/** Lets the API server try each object (a dry run with strict fields), and says where it judges otherwise than nimctl. */
export async function checkWithServer(look: Look, question: ServerQuestion): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const subject of look.subjects) {
    const about = { name: 'objects.server', path: subject.label(''), expected: 'taken by the API server' }
    const obstacle = obstacleOf(subject, question)
    if (obstacle !== undefined) {
      verdicts.push(unprovable(about, obstacle))
      continue
    }
    const { value } = subject.located
    const outcome = await look.cluster.dryRun(withNamespace(value, subject), look.signal)
    verdicts.push({ ...about, ...verdictOn(outcome) }, ...differences(subject, outcome, question))
  }
  return verdicts
}

function obstacleOf(
  { apiVersion, kind, namespace }: Subject,
  { missingNamespaces, servedKinds }: ServerQuestion,
): string | undefined {
  if (apiVersion === operatorApi && !servedKinds.has(kind)) return 'objects.crd failed, which comes first'
  if (missingNamespaces.has(namespace)) return 'objects.namespace failed, which comes first'
  return undefined
}

function withNamespace(value: unknown, { apiVersion, kind }: Subject): WrittenObject {
  const metadata = Object(Reflect.get(Object(value), 'metadata'))
  return { ...Object(value), apiVersion, kind, metadata }
}

function verdictOn(outcome: DryRun): Pick<Verdict, 'status' | 'found' | 'next'> {
  switch (outcome.outcome) {
    case 'accepted':
      if (outcome.warnings.length === 0) return { status: 'ok', found: `dry run: ${outcome.tried}` }
      return { status: 'warning', found: sanitize(outcome.warnings.join('; ')) }
    case 'refused':
      return {
        status: 'failed',
        found: sanitize(outcome.message),
        ...(outcome.tried === 'apply' &&
          /immutable/i.test(outcome.message) && {
            next: 'The object is there already and may not change so: delete it first, and wait for what it made to go; or take another name.',
          }),
      }
    case 'not-served':
      return {
        status: 'failed',
        found: 'the API server knows no such kind',
        next: 'Install the CRDs that it belongs to.',
      }
    case 'forbidden':
      return {
        status: 'not-provable',
        found: outcome.error.message,
        next: 'A dry run needs the right to create, or to patch, such objects.',
      }
  }
}

function differences(subject: Subject, outcome: DryRun, { offline, operatorVersion }: ServerQuestion): Verdict[] {
  if (subject.apiVersion !== operatorApi) return []
  const { refused, byWebhook, dropped } = offline(subject)
  const about = {
    name: 'objects.server-differs',
    path: subject.label(''),
    expected: 'the same verdict here and there',
    status: 'warning',
  } as const
  if (outcome.outcome === 'accepted' && refused.length > 0) {
    const why =
      refused.length === byWebhook.length
        ? "The operator's webhook, which refuses it, is not on there (by default it is not, up to 3.1.2): the controller will meet it."
        : `The CRDs there are not those of ${operatorVersion}, by which nimctl judged.`
    return [{ ...about, found: `the server takes what nimctl refuses: ${refused.join(', ')}`, next: why }]
  }
  if (outcome.outcome === 'accepted' && dropped.length > 0)
    return [
      {
        ...about,
        found: `the server knows fields that ${operatorVersion} does not have: ${dropped.join(', ')}`,
        next: 'Its CRDs are newer than the version by which nimctl judged.',
      },
    ]
  if (outcome.outcome === 'refused' && refused.length === 0 && dropped.length === 0)
    return [{ ...about, found: 'the server refuses what nimctl takes', next: whyRefused(outcome, operatorVersion) }]
  return []
}

function whyRefused({ tried, message }: Extract<DryRun, { outcome: 'refused' }>, operatorVersion: string): string {
  if (/admission webhook/.test(message))
    return 'An admission webhook of the cluster decides so: a policy there, or a later version of the operator.'
  if (tried === 'apply')
    return 'The object is there already, and this is about what may change: nimctl saw no object before it.'
  if (/unknown field|field not declared/.test(message))
    return `The CRDs there are older than ${operatorVersion}: helm upgrades an operator, and not its CRDs.`
  return `The cluster has rules of its own, or CRDs that are not those of ${operatorVersion}.`
}
