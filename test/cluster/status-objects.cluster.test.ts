import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'

import { installCrds, nimCache, nimService, pod } from './status-objects.ts'
import { apply, askCluster, kubeconfigOf, openWorkplace } from './workplace.ts'

const place = await openWorkplace()
const repository = resolve(import.meta.dirname, '../..')
const shared = resolve(repository, process.env['NIMCTL_REFERENCE_DIR'] ?? '../shared')
const apiVersion = 'apps.nvidia.com/v1alpha1'

beforeAll(() => installCrds(place))

const cacheKind = { apiVersion, kind: 'NIMCache' }
const claimStorage = { create: true, size: '1Gi', volumeAccessMode: 'ReadWriteOnce' }

it('reads and lists custom objects, and tells what is absent and what is not served', async () => {
  await apply(place.kubectl, nimCache('llama'))
  await place.kubectl(['label', 'nimcache/llama', 'team=search'])
  const [one, none, labelled, other, everywhere, unserved, plural, unknown] = await askCluster(place, [
    ['readObject', { ...cacheKind, name: 'llama' }],
    ['readObject', { ...cacheKind, name: 'none' }],
    ['listObjects', { ...cacheKind, labelSelector: 'team=search' }],
    ['listObjects', { ...cacheKind, labelSelector: 'team=other' }],
    ['listObjects', { apiVersion: 'apps/v1', kind: 'Deployment', allNamespaces: true }],
    ['readObject', { apiVersion: 'serving.kserve.io/v1beta1', kind: 'InferenceService', name: 'x' }],
    ['findKind', cacheKind],
    ['findKind', { apiVersion, kind: 'NIMThing' }],
  ])
  expect(one).toMatchObject({ answer: 'found', value: { ...cacheKind, metadata: { name: 'llama' } } })
  expect(none).toEqual({ answer: 'absent' })
  expect(labelled).toMatchObject({ answer: 'found', value: [{ ...cacheKind, metadata: { name: 'llama' } }] })
  expect(other).toEqual({ answer: 'found', value: [] })
  expect(everywhere).toMatchObject({ answer: 'found' })
  expect(unserved).toEqual({ answer: 'not-served' })
  expect(plural).toEqual({ plural: 'nimcaches', namespaced: true })
  expect(unknown).toBeNull()
})

it('lists more than fit a page', async () => {
  const names = Array.from({ length: 620 }, (_, index) => `many-${index}`)
  const maps = names.map(name => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { many: 'yes' } } }))
  await apply(place.kubectl, { apiVersion: 'v1', kind: 'List', items: maps })
  const [list] = await askCluster(place, [
    ['listObjects', { apiVersion: 'v1', kind: 'ConfigMap', labelSelector: 'many=yes' }],
  ])
  const { value } = list as { value: { metadata: { name: string } }[] }
  expect(value.map(({ metadata }) => metadata.name).toSorted()).toEqual(names.toSorted())
}, 120_000)

it('knows server and operator', async () => {
  const [server, operator] = await askCluster(place, [['readServerVersion'], ['findOperatorVersion']])
  expect(server).toMatch(/^v1\.\d+\.\d+/)
  expect(operator).toMatchObject({ version: 'main', by: 'crds' })
})

it('tries what is new: accepted, refused by a rule, by a field that nobody knows, and by a kind', async () => {
  const sample = resolve(shared, 'samples/emit/c-nimcache-override.yaml')
  const [written = ''] = readFileSync(sample, 'utf8').split(/^---$/m)
  const service = nimService('new', 'llama') as { spec: object }
  const [good, sampled, twice, unknown, plain, unserved] = await askCluster(place, [
    ['dryRun', nimCache('new', claimStorage)],
    ['dryRun', { ...parse(written), metadata: { name: 'sampled' } }],
    ['dryRun', { ...service, spec: { ...service.spec, authSecret: 'any', replicas: 1, scale: { enabled: true } } }],
    ['dryRun', { ...service, spec: { ...service.spec, router: {} } }],
    ['dryRun', pod('new', { unknownField: 1 })],
    ['dryRun', { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'x' } }],
  ])
  expect(good).toMatchObject({ outcome: 'accepted', tried: 'create' })
  expect(sampled).toMatchObject({ outcome: 'accepted' })
  expect(twice).toMatchObject({
    outcome: 'refused',
    status: 422,
    message: expect.stringContaining('spec.replicas cannot be set when spec.scale.enabled is true'),
  })
  expect(unknown).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/unknown field "spec.router"/) })
  expect(plain).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/unknown field .*unknownField/) })
  expect(unserved).toEqual({ outcome: 'not-served' })
})

it('tries what is there as a change, so that what can not be changed shows', async () => {
  await apply(place.kubectl, nimCache('fixed', claimStorage))
  const changed = nimCache('fixed', claimStorage) as { spec: { source: { ngc: { modelPuller: string } } } }
  changed.spec.source.ngc.modelPuller = 'registry.internal/other:1'
  const [same, other, unknown] = await askCluster(place, [
    ['dryRun', nimCache('fixed', claimStorage)],
    ['dryRun', changed],
    ['dryRun', nimCache('fixed', { ...claimStorage, unknownField: 1 })],
  ])
  expect(same).toMatchObject({ outcome: 'accepted', tried: 'apply' })
  expect(other).toMatchObject({
    outcome: 'refused',
    tried: 'apply',
    message: expect.stringContaining('modelPuller is an immutable field'),
  })
  expect(unknown).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/unknownField/) })
})

it('changes nothing', async () => {
  const [tried] = await askCluster(place, [['dryRun', nimCache('tried', claimStorage)]])
  const [after] = await askCluster(place, [['readObject', { ...cacheKind, name: 'tried' }]])
  expect(tried).toMatchObject({ outcome: 'accepted' })
  expect(after).toEqual({ answer: 'absent' })
})

it('takes the namespace for the reason where that is refused: quota, Pod Security, or none there', async () => {
  const other = await openWorkplace()
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec: { hard: { pods: '0' } } }
  const [unrestricted, nowhere] = await askCluster(other, [
    ['dryRun', pod('root', { securityContext: { privileged: true } })],
    ['dryRun', { ...pod('new', {}), metadata: { name: 'new', namespace: 'nowhere' } }],
  ])
  await apply(other.kubectl, quota)
  const [full] = await askCluster(other, [['dryRun', pod('new', {})]])
  expect(unrestricted).toMatchObject({ outcome: 'refused', message: expect.stringContaining('violates PodSecurity') })
  expect(nowhere).toMatchObject({ outcome: 'refused', message: 'namespaces "nowhere" not found' })
  expect(full).toMatchObject({ outcome: 'refused', message: expect.stringContaining('exceeded quota') })
})

it('tells what this user may not do from what is not there', async () => {
  const file = await kubeconfigOf(place, (await place.kubectl(['create', 'token', 'default'])).trim())
  const [read, list, tried] = await askCluster(
    place,
    [
      ['readObject', { ...cacheKind, name: 'none' }],
      ['listObjects', { apiVersion: 'v1', kind: 'Secret' }],
      ['dryRun', nimCache('new', claimStorage)],
    ],
    file,
  )
  for (const answer of [read, list])
    expect(answer).toMatchObject({ answer: 'forbidden', error: { code: 'CLUSTER_FORBIDDEN' } })
  expect(tried).toMatchObject({ outcome: 'forbidden' })
})
