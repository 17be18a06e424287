import { execFile, execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'

import { isObject } from '../emit/structural-schema.ts'
import { answer } from '../servers/answer.ts'
import { freePort } from '../servers/free-port.ts'
import { startProcess, type StartedProcess } from '../servers/start-process.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { installKubernetes } from './install.ts'

export interface ApiServer {
  /** @throws Error with what kubectl said. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /**
   * Asks in kubectl's place, which takes a third of a second for each object.
   *
   * @param path such as `/api/v1/namespaces/default/pods?dryRun=All`.
   */
  ask(method: 'POST' | 'PUT', path: string, object: object): Promise<Answer>
  stop(): Promise<void>
}

interface Answer {
  status: number
  /** Of a refusal; else empty. */
  message: string
}

/** No secret: this server listens on loopback and lives as long as the tests. */
const token = 'of-the-tests'

/**
 * etcd and an API server on loopback: it admits and stores objects, and nothing acts on them. Its CRDs may be exchanged
 * without hurting tests that use the node.
 */
export async function startApiServer(): Promise<ApiServer> {
  const bin = await installKubernetes()
  const directory = makeTemporaryDirectory()
  const { path } = directory
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()]
  const started: StartedProcess[] = []
  const stop = async () => {
    for (const each of started.toReversed()) await each.stop()
    directory.remove()
  }
  const begin = async (name: string, args: readonly string[], isReady: () => Promise<boolean>) => {
    const options = { name, command: join(bin, name), args, env: process.env, logFile: join(path, `${name}.log`) }
    started.push(await startProcess({ ...options, isReady, graceMs: 0 }))
  }
  try {
    makeKeys(path)
    const etcd = `http://127.0.0.1:${client}`
    const peers = `http://127.0.0.1:${peer}`
    await begin(
      'etcd',
      etcdArguments({ path, etcd, peers }),
      async () => (await answer(`${etcd}/health`))?.status === 200,
    )
    const server = `https://127.0.0.1:${port}`
    const kubectl = (args: readonly string[], input = '') =>
      run(join(bin, 'kubectl'), ['--server', server, '--token', token, '--insecure-skip-tls-verify', ...args], input)
    const isReady = () =>
      kubectl(['get', '--raw', '/readyz']).then(
        () => true,
        () => false,
      )
    await begin('kube-apiserver', apiServerArguments({ path, etcd, port }), isReady)
    return { kubectl, ask: (method, path, object) => ask(new URL(path, server), method, object), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function makeKeys(path: string): void {
  const key = join(path, 'sa.key')
  execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key])
  execFileSync('openssl', ['ec', '-in', key, '-pubout', '-out', join(path, 'sa.pub')], { stdio: 'ignore' })
  writeFileSync(join(path, 'tokens.csv'), `${token},tests,tests,system:masters\n`)
}

function etcdArguments({ path, etcd, peers }: { path: string; etcd: string; peers: string }): string[] {
  return [
    '--name=test',
    `--data-dir=${join(path, 'etcd')}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=test=${peers}`,
  ]
}

function apiServerArguments({ path, etcd, port }: { path: string; etcd: string; port: number }): string[] {
  return [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    // The server's own Endpoints object may not hold an address of loopback.
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=127.96.0.0/16',
    `--cert-dir=${path}`,
    `--token-auth-file=${join(path, 'tokens.csv')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(path, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(path, 'sa.key')}`,
    '--authorization-mode=RBAC',
    // Nobody makes the accounts that pods name.
    '--disable-admission-plugins=ServiceAccount',
  ]
}

function run(program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 2 ** 26, env: { ...process.env, NO_PROXY: '127.0.0.1' } }
    const child = execFile(program, [...args], options, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(stderr.trim() || error.message)),
    )
    child.stdin?.end(input)
  })
}

function ask(url: URL, method: string, object: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const asked = request(url, { method, headers, rejectUnauthorized: false }, response => {
      const { statusCode: status = 0 } = response
      const answered = json(response).then((body: unknown) => ({
        status,
        message: status < 300 ? '' : messageOf(body),
      }))
      answered.then(resolve, reject)
    })
    asked.on('error', reject)
    asked.end(JSON.stringify(object))
  })
}

function messageOf(body: unknown): string {
  return isObject(body) && typeof body['message'] === 'string' ? body['message'] : JSON.stringify(body)
}
