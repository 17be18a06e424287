import { type AnyObject, type Reading, valueOf } from '../../../kubernetes/objects.ts'
import { quantityValue } from '../../../operator/quantity.ts'
import { read, textAt } from '../../../system/json.ts'
import { listAt } from '../workload.ts'
import { comesAlong, forbiddenVerdict, type Look, type Subject, unprovable, type Verdict } from './look.ts'
import type { ClaimNeed } from './needs.ts'

interface Wanting {
  subject: Subject
  need: ClaimNeed
}

/** Storage classes that new claims want, with a volume where nothing makes one; and claims that there should be. */
export async function checkStorage(look: Look): Promise<Verdict[]> {
  const { cluster, subjects, signal } = look
  const wanting = subjects.flatMap(subject => subject.needs.claims.map(need => ({ subject, need })))
  const fresh = wanting.filter(({ need }) => need.name === undefined)
  const classes =
    fresh.length === 0
      ? undefined
      : await cluster.listObjects(
          { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', allNamespaces: true },
          signal,
        )
  const ofClasses = classes === undefined ? [] : await Promise.all(fresh.map(each => ofNewClaim(each, classes, look)))
  const existing = wanting.filter(({ need: { name } }) => name !== undefined)
  const ofClaims = await Promise.all(existing.map(each => ofExistingClaim(each, look)))
  return [...ofClasses, ...ofClaims].flat()
}

const defaultClass = 'storageclass.kubernetes.io/is-default-class'

async function ofNewClaim({ subject, need }: Wanting, classes: Reading<AnyObject[]>, look: Look): Promise<Verdict[]> {
  const wanted = need.storageClass
  const about = {
    name: 'objects.storage-class',
    path: subject.label(need.path),
    expected: wanted === undefined ? 'a default storage class' : `the storage class ${wanted}`,
  }
  if (classes.answer === 'forbidden') return [forbiddenVerdict(about, classes)]
  const all = valueOf(classes) ?? []
  const found = all.find(({ metadata }) =>
    wanted === undefined ? metadata.annotations?.[defaultClass] === 'true' : metadata.name === wanted,
  )
  const volume = { name: 'objects.volume', path: about.path, expected: 'a volume for the claim' }
  if (found === undefined) {
    const names = all.map(({ metadata }) => metadata.name).join(', ') || 'none at all'
    const next = 'Name one of them: storageClass; or mark one as the default.'
    return [
      { ...about, status: 'failed', found: names, next },
      unprovable(volume, `${about.name} failed, which comes first`),
    ]
  }
  const traits = [
    `provisioner ${textAt(found, 'provisioner')}`,
    textAt(found, 'volumeBindingMode') ?? 'Immediate',
    read(found, 'allowVolumeExpansion') === true ? 'can be expanded' : 'can not be expanded',
  ]
  const known: Verdict = { ...about, status: 'ok', found: `${found.metadata.name}: ${traits.join(', ')}` }
  if (textAt(found, 'provisioner') !== 'kubernetes.io/no-provisioner')
    return [
      known,
      unprovable(
        volume,
        `made by ${textAt(found, 'provisioner')} when it is asked for ${need.accessMode ?? 'a volume'}`,
      ),
    ]
  return [known, await ofStaticVolume(need, { storageClass: found.metadata.name, about: volume, look })]
}

/** Nobody makes volumes of this class: one that is free has to be there. */
async function ofStaticVolume(
  { size, accessMode }: ClaimNeed,
  {
    storageClass,
    about,
    look,
  }: { storageClass: string; about: Pick<Verdict, 'name' | 'path' | 'expected'>; look: Look },
): Promise<Verdict> {
  const volumes = await look.cluster.listObjects(
    { apiVersion: 'v1', kind: 'PersistentVolume', allNamespaces: true },
    look.signal,
  )
  if (volumes.answer === 'forbidden') return forbiddenVerdict(about, volumes)
  const free = (valueOf(volumes) ?? []).filter(
    volume =>
      textAt(volume, 'spec', 'storageClassName') === storageClass && textAt(volume, 'status', 'phase') === 'Available',
  )
  const fits = free.filter(
    volume =>
      (accessMode === undefined || listAt(volume, 'spec', 'accessModes').includes(accessMode)) &&
      (quantityValue(read(volume, 'spec', 'capacity', 'storage')) ?? 0) >= (quantityValue(size) ?? 0),
  )
  if (fits[0] !== undefined) return { ...about, status: 'ok', found: fits[0].metadata.name }
  const those = free.map(
    volume =>
      `${volume.metadata.name} (${textAt(volume, 'spec', 'capacity', 'storage')}, ${listAt(volume, 'spec', 'accessModes').join(' ')})`,
  )
  return {
    ...about,
    status: 'failed',
    expected: `a free volume of ${size ?? 'any size'}, ${accessMode ?? 'any access mode'}`,
    found: those.join(', ') || 'none is free',
    next: `Nothing makes volumes of class ${storageClass}: make one, or take another class.`,
  }
}

async function ofExistingClaim({ subject, need }: Wanting, look: Look): Promise<Verdict[]> {
  const { namespace } = subject
  const name = need.name ?? ''
  const about = { name: 'objects.claim', path: subject.label(need.path), expected: `the claim ${name}` }
  const reading = await look.cluster.readObject(
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace },
    look.signal,
  )
  if (reading.answer === 'forbidden') return [forbiddenVerdict(about, reading)]
  const claim = valueOf(reading)
  if (claim === undefined) {
    if (comesAlong(look, { kind: 'PersistentVolumeClaim', name, namespace })) return []
    return [{ ...about, status: 'failed', found: 'nothing', next: `What there is: kubectl -n ${namespace} get pvc` }]
  }
  const phase = textAt(claim, 'status', 'phase') ?? 'unknown'
  const modes =
    listAt(claim, 'status', 'accessModes').length > 0
      ? listAt(claim, 'status', 'accessModes')
      : listAt(claim, 'spec', 'accessModes')
  const size =
    textAt(claim, 'status', 'capacity', 'storage') ?? textAt(claim, 'spec', 'resources', 'requests', 'storage')
  const found = `${phase}, ${size}, ${modes.join(' ')}`
  if (phase === 'Lost')
    return [{ ...about, status: 'failed', found, next: 'Its volume is gone: make the claim anew, and fill it.' }]
  const alone = modes.every(mode => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod')
  if (need.pods > 1 && alone)
    return [
      {
        ...about,
        status: 'warning',
        expected: `a claim that ${need.pods} pods can mount`,
        found,
        next: 'On several nodes only one of them starts: take a claim of ReadWriteMany or ReadOnlyMany.',
      },
    ]
  if (phase === 'Pending')
    return [
      {
        ...about,
        status: 'warning',
        found,
        next: `It has no volume yet, unless its class waits for a first pod: kubectl -n ${namespace} describe pvc ${name}`,
      },
    ]
  return [{ ...about, status: 'ok', found }]
}
