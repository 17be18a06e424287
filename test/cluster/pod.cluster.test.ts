import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'

import { nimctl } from '../e2e/nimctl.ts'
import { choices } from '../e2e/workplace.ts'
import { readRole } from './documented-role.ts'
import { apply, kubeconfigOf, type NgcInNetwork, openWorkplace, secret, startNgcInNetwork } from './workplace.ts'

const place = await openWorkplace()
const [llm1] = choices
const image = llm1?.image.reference ?? ''
const [profile] = llm1?.profiles ?? []
const store = join(inject('clusterNode').directory, `${place.namespace}-store`)
const against = ['--against', pathToFileURL(store).href]
let ngc: NgcInNetwork
let volume: string

beforeAll(async () => {
  ngc = await startNgcInNetwork()
  volume = await place.makeClaim('cache')
  const ids = ['--profile', profile?.id ?? '']
  const filled = await place.run(['cache', image, 'pvc://cache', ...ids, ...ngc.flags])
  if (filled.exitCode !== 0) throw new Error(filled.stderr)
  await mkdir(store)
  const uploaded = await nimctl(['upload', volume, pathToFileURL(store).href])
  if (uploaded.exitCode !== 0) throw new Error(uploaded.stderr)
  await serve('whole', 'cache', [{ name: 'NIM_MODEL_PROFILE', value: profile?.id }])
})
afterAll(() => ngc.stop())

/** The NIM itself, until it serves. */
async function serve(name: string, claimName: string, env: object[]): Promise<void> {
  await apply(place.kubectl, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'nim' } },
    spec: {
      securityContext: {
        runAsUser: 1000,
        runAsGroup: 2000,
        fsGroup: 2000,
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumes: [{ name: 'model', persistentVolumeClaim: { claimName } }],
      containers: [
        {
          name: 'nim',
          image,
          env,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'model', mountPath: '/opt/nim/.cache' }],
        },
      ],
    },
  })
  await place.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', `pod/${name}`])
  // What is taken from the volume earlier, it misses at its start.
  const began = async () => {
    const log = await place.kubectl(['logs', name])
    if (!log.includes('stand-in server on')) throw new Error(`${name} does not serve yet: ${log}`)
  }
  await vi.waitFor(began, { timeout: 60_000, interval: 200 })
}

function bad(document: Record<string, unknown>): { status: string }[] {
  const { checks } = document as { checks?: { status: string }[] }
  if (checks === undefined) throw new Error(`No report: ${JSON.stringify(document)}`)
  return checks.filter(({ status }) => status !== 'ok')
}

it('finds a whole cache that is served offline, with the Role of the documentation', async () => {
  await place.kubectl(['apply', '-f', '-'], await readRole())
  await place.kubectl([
    'create',
    'rolebinding',
    'nimctl',
    '--role=nimctl',
    `--serviceaccount=${place.namespace}:default`,
  ])
  const file = await kubeconfigOf(place, (await place.kubectl(['create', 'token', 'default'])).trim())
  const args = ['pod', 'whole', ...against, '--profile', profile?.id ?? '', '--json', '--kubeconfig', file]
  const outcome = await place.validate(args)
  expect(outcome.stderr).not.toMatch(/Error/)
  const document = outcome.json()
  expect(document).toMatchObject({ kind: 'CheckReport', ok: true, summary: { profiles: [profile?.id] } })
  expect(bad(document)).toEqual([])
  expect(outcome.exitCode).toBe(0)
})

it('names the file that is missing', async () => {
  const copy = await place.makeClaim('lacking')
  await cp(volume, copy, { recursive: true, verbatimSymlinks: true })
  await serve('lacking', 'lacking', [{ name: 'NIM_MODEL_PROFILE', value: profile?.id }])
  const inventory = await readFile(join(store, '.nimctl/inventory.jsonl'), 'utf8')
  const blob = /"path":"([^"]*\/blobs\/[^"]+)"/.exec(inventory)?.[1] ?? ''
  expect(blob).not.toBe('')
  await rm(join(copy, blob))
  const outcome = await place.validate(['pod', 'lacking', ...against, '--json'])
  expect(bad(outcome.json())).toMatchObject([
    { name: 'pod.file-missing', status: 'failed', path: `lacking:/opt/nim/.cache/${blob}` },
  ])
  expect(outcome.exitCode).toBe(3)
})

it('sees that the NIM downloads', async () => {
  await place.makeClaim('empty')
  const endpoint = new URL(ngc.url).host
  await serve('downloads', 'empty', [
    { name: 'NIM_MODEL_PROFILE', value: profile?.id },
    { name: 'NGC_API_KEY', valueFrom: { secretKeyRef: { name: secret, key: 'NGC_API_KEY' } } },
    { name: 'NGC_API_ENDPOINT', value: endpoint },
    { name: 'NGC_AUTH_ENDPOINT', value: endpoint },
    { name: 'NGC_API_SCHEME', value: 'http' },
  ])
  const outcome = await place.validate(['pod', 'downloads', '--fail-on', 'warning', '--json'])
  expect(bad(outcome.json())).toMatchObject([
    { name: 'pod.download', status: 'warning', found: expect.stringContaining('fetching filemap from') },
  ])
  expect(outcome.exitCode).toBe(3)
})

it('can not prove anything of a container without a shell, and says what to do', async () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bare', labels: { app: 'bare' } } }
  const securityContext = {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  }
  const containers = [{ name: 'bare', image: 'registry.internal/pause:1', securityContext }]
  await apply(place.kubectl, { ...pod, spec: { containers } })
  await place.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'pod/bare'])
  const outcome = await place.validate(['pod', '-l', 'app=bare', '--only', 'pod.files', '--json'])
  expect(bad(outcome.json())).toMatchObject([
    { name: 'pod.files', status: 'not-provable', next: expect.stringContaining('sh, stat and readlink') },
  ])
})

it('says that there is no such pod', async () => {
  const outcome = await place.validate(['pod', 'nowhere', '--json'])
  expect(outcome.json()).toMatchObject({ code: 'POD_NOT_FOUND', exitCode: 5 })
})

it('says which verb is missing', async () => {
  const rules = ['--verb=get,list', '--resource=pods,pods/log']
  await place.kubectl(['create', 'role', 'reader', ...rules])
  await place.kubectl(['create', 'serviceaccount', 'reader'])
  const account = `--serviceaccount=${place.namespace}:reader`
  await place.kubectl(['create', 'rolebinding', 'reader', '--role=reader', account])
  const file = await kubeconfigOf(place, (await place.kubectl(['create', 'token', 'reader'])).trim())
  const outcome = await place.validate(['pod', 'whole', '--kubeconfig', file, '--json'])
  expect(outcome.json()).toMatchObject({
    code: 'CLUSTER_FORBIDDEN',
    exitCode: 4,
    what: `This user may not create pods/exec in namespace ${place.namespace}.`,
  })
})
