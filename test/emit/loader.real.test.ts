import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { nimctl, type Outcome, succeeded } from '../e2e/nimctl.ts'
import { readTree } from '../e2e/trees.ts'
import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'
import { azuriteAccount, type Azurite, startAzurite } from '../servers/azurite.ts'
import { type Certificates, makeCertificates } from '../servers/certificates.ts'
import { type GcsServer, startFakeGcs } from '../servers/gcs.ts'
import { installParts } from '../servers/install.ts'
import { type Nginx, nginxUsers, startNginx } from '../servers/nginx.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { type StandInGcs, startStandInGcs } from '../stores/stand-in-gcs.ts'
import { hdfsServer } from '../stores/webhdfs-server.ts'
import { type ContainerVariables, type Namespace, podEnvironment } from './pod-environment.ts'

const loaderImage = 'registry.internal:5000/tools/nimctl:0.1.0'
const hdfs = hdfsServer()

let directory: string
let certificates: Certificates
let secureS3: FaultProxy
/** Of each request through it. */
const payers: unknown[] = []
let gcs: GcsServer
let tokens: StandInGcs
let azurite: Azurite
let nginx: Nginx

const path = (name: string) => join(directory, name)

beforeAll(async () => {
  await installParts(['registry'])
  directory = await temporaryDirectory()
  certificates = await makeCertificates(directory, 'The Company CA')
  await writeFile(path('client.pem'), certificates.cert)
  await writeFile(path('client.key'), certificates.key)
  await writeFile(path('headers'), `Authorization: Basic ${btoa(`reader:${nginxUsers.reader}`)}\n`)
  secureS3 = await startFaultProxy(inject('s3Env')['AWS_ENDPOINT_URL'] ?? '', certificates)
  const note = ({ headers }: IncomingMessage) => payers.push(headers['x-amz-request-payer']) === 0
  secureS3.always(note, { type: 'answer', status: 500, body: '' })
  gcs = await startFakeGcs({ buckets: ['models'] })
  tokens = await startStandInGcs(() => ({
    headers: { 'content-type': 'application/json' },
    body: { access_token: 'token', issued_token_type: 'x', token_type: 'Bearer', expires_in: 3600 },
  }))
  await writeFile(path('subject'), 'a-subject')
  azurite = await startAzurite({ containers: ['models'] })
  nginx = await startNginx({ tls: { ...certificates, clientCa: certificates.caFile } })
  await makeHubCache(path('cache'))
})
afterAll(async () => {
  secureS3.stop()
  tokens.stop()
  await Promise.all([gcs.stop(), azurite.stop(), nginx.stop()])
})

interface StoreCase {
  name: string
  url: () => string
  /** How it is written to, and its inventory read: the user's own environment and flags. */
  env?: () => Record<string, string>
  flags?: () => string[]
  /** Of `emit` alone. */
  emitFlags?: () => string[]
  /** Of `upload` alone. */
  uploadEnv?: () => Record<string, string>
  secret: () => Record<string, string> | Promise<Record<string, string>>
  afterwards?: () => void
}

const s3Keys = () => {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = inject('s3Env')
  return { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }
}
function connectionString() {
  const { name, key } = azuriteAccount
  const fields = ['DefaultEndpointsProtocol=http', `AccountName=${name}`, `AccountKey=${key}`]
  return { AZURE_STORAGE_CONNECTION_STRING: [...fields, `BlobEndpoint=${azurite.endpoint}`].join(';') }
}

const run = `loader-${process.pid}`

const stores: StoreCase[] = [
  { name: 's3', url: () => `s3://models/${run}`, env: () => inject('s3Env'), secret: s3Keys },
  {
    name: 's3 over TLS with a CA of its own, requester pays',
    url: () => `s3://models/${run}-tls`,
    env: () => ({ ...inject('s3Env'), AWS_ENDPOINT_URL: secureS3.endpoint }),
    flags: () => ['--ca-file', certificates.caFile, '--request-payer', 'requester'],
    emitFlags: () => ['--store-ca', 'company-ca'],
    secret: s3Keys,
    afterwards: () => {
      expect(payers.at(-1)).toBe('requester')
    },
  },
  {
    name: 'gs, an emulator',
    url: () => 'gs://models/emulator',
    env: () => ({ STORAGE_EMULATOR_HOST: gcs.endpoint }),
    secret: () => ({}),
  },
  {
    name: 'gs, with a key file',
    url: () => 'gs://models/key-file',
    env: () => ({ GOOGLE_APPLICATION_CREDENTIALS: path('credentials.json') }),
    flags: () => ['--endpoint-url', gcs.endpoint],
    secret: async () => ({
      'gcloud-application-credentials.json': await readFile(path('credentials.json'), 'utf8'),
    }),
    afterwards: () => {
      expect(tokens.seen.length).toBeGreaterThan(0)
    },
  },
  {
    name: 'Azure, by key',
    url: () => 'az://models/llama',
    env: () => ({ AZURE_STORAGE_ACCOUNT: azuriteAccount.name, AZURE_STORAGE_KEY: azuriteAccount.key }),
    flags: () => ['--endpoint-url', azurite.endpoint],
    secret: () => ({ AZURE_STORAGE_KEY: azuriteAccount.key }),
  },
  {
    name: 'Azure, by connection string',
    url: () => 'az://models/by-string',
    env: connectionString,
    secret: connectionString,
  },
  {
    name: 'webhdfs',
    url: () => `webhdfs://${hdfs.host}/models/web`,
    env: () => ({ HADOOP_USER_NAME: hdfs.hdfs.superuser }),
    secret: () => ({}),
  },
  {
    name: 'hdfs, whose namenode is named',
    url: () => `hdfs://namenode.internal:8020/models/rpc`,
    env: () => ({ HADOOP_USER_NAME: hdfs.hdfs.superuser }),
    flags: () => ['--webhdfs-url', `http://${hdfs.host}`],
    secret: () => ({}),
  },
  {
    name: 'a web server, with user and password',
    url: () => `${nginx.endpoint}/private/llama`,
    env: () => ({ NIMCTL_HTTP_USERNAME: 'reader', NIMCTL_HTTP_PASSWORD: nginxUsers.reader }),
    uploadEnv: () => ({ NIMCTL_HTTP_USERNAME: 'writer', NIMCTL_HTTP_PASSWORD: nginxUsers.writer }),
    secret: () => ({ NIMCTL_HTTP_USERNAME: 'reader', NIMCTL_HTTP_PASSWORD: nginxUsers.reader }),
  },
  {
    name: 'a web server, with headers of its own',
    url: () => `${nginx.endpoint}/private/llama`,
    emitFlags: () => ['--header-file', path('headers')],
    uploadEnv: () => ({ NIMCTL_HTTP_USERNAME: 'writer', NIMCTL_HTTP_PASSWORD: nginxUsers.writer }),
    secret: async () => ({ headers: await readFile(path('headers'), 'utf8') }),
  },
  {
    name: 'a web server that asks for a certificate',
    url: () => `${nginx.secureEndpoint}/dav/llama`,
    flags: () => [
      '--ca-file',
      certificates.caFile,
      '--client-certificate',
      path('client.pem'),
      '--client-key',
      path('client.key'),
    ],
    emitFlags: () => ['--store-ca', 'company-ca'],
    secret: () => ({ 'tls.crt': certificates.cert, 'tls.key': certificates.key }),
  },
]

interface Emitted {
  items: {
    kind: string
    spec: {
      env: ContainerVariables['env']
      initContainers: [ContainerVariables]
      source: { ngc: { authSecret: string } }
      template: { spec: { containers: [ContainerVariables] } }
    }
  }[]
}

/** Where the container's fields stand, and what the operator adds. */
const containerOf: Record<string, (emitted: Emitted) => ContainerVariables> = {
  nimcache: emitted => {
    const { env = [], source } = specOf(emitted, 'NIMCache')
    return { env, envFrom: [{ secretRef: { name: source.ngc.authSecret } }] }
  },
  job: emitted => specOf(emitted, 'Job').template.spec.containers[0],
  init: emitted => specOf(emitted, 'NIMService').initContainers[0],
}

function specOf({ items }: Emitted, wanted: string): Emitted['items'][number]['spec'] {
  const object = items.find(({ kind }) => kind === wanted)
  if (object === undefined) throw new Error(`There is no ${wanted}.`)
  return object.spec
}

/** As a pod has it: nothing of this machine's environment but where programs are. */
function runLoader(env: Record<string, string>, target: string): Promise<Outcome> {
  const program = join(import.meta.dirname, '../../bin/download-to-cache.js')
  const surroundings = { PATH: process.env['PATH'] ?? '', HOME: path('home'), TMPDIR: directory }
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [program, '--profiles', 'whichever'],
      { env: { ...surroundings, ...env, NIM_CACHE_PATH: target, METADATA_SERVER_DETECTION: 'none' } },
      (error, stdout, stderr) =>
        resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr, json: () => JSON.parse(stdout) }),
    )
  })
}

describe.each(stores)('$name', store => {
  let ownEnv: Record<string, string>
  beforeAll(async () => {
    const credentials = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${tokens.endpoint}/token`,
      credential_source: { file: path('subject') },
    }
    await writeFile(path('credentials.json'), JSON.stringify(credentials))
    const state = { HOME: directory, NIMCTL_STATE_DIR: path('state'), NIMCTL_RETRIES: '1' }
    ownEnv = { ...state, METADATA_SERVER_DETECTION: 'none', ...store.env?.() }
    const env = { ...ownEnv, ...store.uploadEnv?.() }
    succeeded(await nimctl(['upload', path('cache'), store.url(), ...(store.flags?.() ?? [])], { env }))
  })

  it.each(Object.keys(containerOf))('is read by the loader with what emit wrote: %s', async loader => {
    const flags = [...(store.flags?.() ?? []), ...(store.emitFlags?.() ?? [])]
    const emit = ['emit', 'stack', 'llama', '--cache', store.url(), '--loader', loader, '--loader-image', loaderImage]
    const emitted: Emitted = JSON.parse(
      succeeded(await nimctl([...emit, '-o', 'json', '--quiet', ...flags], { env: ownEnv })).stdout,
    )
    const namespace: Namespace = {
      secrets: { 'llama-store': await store.secret() },
      configMaps: { 'company-ca': { 'ca.crt': await readFile(certificates.caFile, 'utf8') } },
    }
    const variables = containerOf[loader]?.(emitted) ?? {}
    const target = path(`back-${loader}-${store.name.replaceAll(/\W+/g, '-')}`)
    const outcome = await runLoader(podEnvironment(variables, namespace), target)
    expect(outcome).toMatchObject({ exitCode: 0 })
    expect(await readTree(target)).toEqual(await readTree(path('cache')))
    store.afterwards?.()
    const secrets = Object.values(await store.secret()).filter(text => text.length > 20)
    for (const secret of secrets) expect(JSON.stringify(emitted)).not.toContain(JSON.stringify(secret).slice(1, -1))
  })
})

describe('what can not work is told', () => {
  it.each([
    [{}, 'NIM_CACHE_PATH'],
    [{ NIM_CACHE_PATH: '/tmp/x' }, 'NIMCTL_CACHE_URL'],
    [{ NIM_CACHE_PATH: '/tmp/x', NIMCTL_CACHES: 'a s3://b/a' }, 'JOB_COMPLETION_INDEX'],
    [{ NIM_CACHE_PATH: '/tmp/x', NIMCTL_CACHES: 'a s3://b/a', JOB_COMPLETION_INDEX: '1' }, 'FOLDER URL'],
  ])('by an environment %o', async (env, says) => {
    const program = join(import.meta.dirname, '../../bin/download-to-cache.js')
    const { exitCode, stderr } = await new Promise<{ exitCode: number; stderr: string }>(resolve => {
      execFile(process.execPath, [program], { env }, (error, _stdout, said) =>
        resolve({ exitCode: Number(error?.code ?? 0), stderr: said }),
      )
    })
    expect(exitCode).toBe(2)
    expect(stderr).toContain(says)
  })
})
