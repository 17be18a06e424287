import { type AnyObject, valueOf } from '../../../kubernetes/objects.ts'
import { read, textAt } from '../../../system/json.ts'
import { comesAlong, forbiddenVerdict, type Look, type Subject, type Verdict } from './look.ts'
import type { Reference, SecretNeed } from './needs.ts'
import { presence } from './operators.ts'

/** What objects refer to by name: namespaces, Secrets with type and keys, ConfigMaps, ServiceAccounts. No value is looked at. */
export async function checkReferences(look: Look): Promise<Verdict[]> {
  const { subjects } = look
  const verdicts = await Promise.all([
    ...subjects.flatMap(subject => subject.needs.secrets.map(need => ofSecret(subject, need, look))),
    ...subjects.flatMap(subject => subject.needs.configMaps.map(need => ofPlain('ConfigMap', subject, { need, look }))),
    ...subjects.flatMap(subject =>
      subject.needs.serviceAccounts.map(need => ofPlain('ServiceAccount', subject, { need, look })),
    ),
  ])
  return verdicts.flat()
}

/** @returns those that are missing, too: nothing can be tried in them. */
export async function checkNamespaces(look: Look): Promise<{ verdicts: Verdict[]; missing: ReadonlySet<string> }> {
  const { cluster, subjects, signal } = look
  const names = [...new Set(subjects.map(({ namespace }) => namespace))]
  const missing = new Set<string>()
  const verdicts: Verdict[] = []
  for (const name of names) {
    if (subjects.some(subject => subject.kind === 'Namespace' && subject.name === name)) continue
    const reading = await cluster.readObject({ apiVersion: 'v1', kind: 'Namespace', name }, signal)
    if (reading.answer === 'absent') missing.add(name)
    verdicts.push(
      presence(
        { name: 'objects.namespace', path: cluster.address, expected: `the namespace ${name}` },
        reading,
        `Make it: kubectl create namespace ${name}`,
      ),
    )
  }
  return { verdicts, missing }
}

async function ofSecret(subject: Subject, need: SecretNeed, look: Look): Promise<Verdict[]> {
  const { namespace } = subject
  const { name, path, type, key } = need
  if (comesAlong(look, { kind: 'Secret', name, namespace })) return []
  const about = {
    name: 'objects.secret',
    path: subject.label(path),
    expected: [
      'the Secret',
      name,
      ...(type === undefined ? [] : [`of type ${type}`]),
      ...(key === undefined ? [] : [`with ${key}`]),
    ].join(' '),
  }
  const reading = await look.cluster.readObject({ apiVersion: 'v1', kind: 'Secret', name, namespace }, look.signal)
  if (reading.answer === 'forbidden') return [forbiddenVerdict(about, reading)]
  const secret = valueOf(reading)
  return [{ ...about, ...verdictOnSecret(secret, need, namespace) }]
}

function verdictOnSecret(
  secret: AnyObject | undefined,
  { name, type, key }: SecretNeed,
  namespace: string,
): Pick<Verdict, 'status' | 'found' | 'next'> {
  const create =
    type === undefined
      ? `generic ${name} --from-env-file=FILE`
      : `docker-registry ${name} --docker-server=REGISTRY --docker-username=USER --docker-password=…`
  const next = `Make it: kubectl -n ${namespace} create secret ${create}`
  if (secret === undefined) return { status: 'failed', found: 'nothing', next }
  const keys = Object.keys(Object(read(secret, 'data')))
  const found = `type ${textAt(secret, 'type') ?? 'Opaque'}, with ${keys.join(', ') || 'no keys'}`
  const fits = (type === undefined || type === textAt(secret, 'type')) && (key === undefined || keys.includes(key))
  return fits ? { status: 'ok', found } : { status: 'failed', found, next }
}

async function ofPlain(
  kind: 'ConfigMap' | 'ServiceAccount',
  subject: Subject,
  { need, look }: { need: Reference; look: Look },
): Promise<Verdict[]> {
  const { namespace } = subject
  const { name, path } = need
  if (comesAlong(look, { kind, name, namespace })) return []
  const about = {
    name: kind === 'ConfigMap' ? 'objects.config-map' : 'objects.service-account',
    path: subject.label(path),
    expected: `the ${kind} ${name}`,
  }
  const reading = await look.cluster.readObject({ apiVersion: 'v1', kind, name, namespace }, look.signal)
  return [presence(about, reading, `What there is: kubectl -n ${namespace} get ${kind.toLowerCase()}s`)]
}
