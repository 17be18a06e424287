import { execFile, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { inject } from 'vitest'

import { nimctl, type Outcome, startNimctl } from '../e2e/nimctl.ts'
import { startProcess } from '../servers/start-process.ts'
import type {} from './global-setup.ts'
import { nodeAddress } from './start-cluster.ts'

/** A namespace of its own with the NGC key in a Secret, and nimctl as somebody in the node's network runs it. */
export interface Workplace {
  namespace: string
  run: (args: readonly string[], env?: Record<string, string>) => Promise<Outcome>
  start: (args: readonly string[]) => ChildProcess
  /** As `run`, for commands that make no Jobs. */
  validate: (args: readonly string[]) => Promise<Outcome>
  /** As `run`, for `nimctl status`. */
  status: (args: readonly string[]) => Promise<Outcome>
  startStatus: (args: readonly string[]) => ChildProcess
  /** As it is given, for commands that know nothing of the cluster. */
  plain: (args: readonly string[], env?: Record<string, string>) => Promise<Outcome>
  kubectl: (args: readonly string[], input?: string) => Promise<string>
  /** A claim with a volume of its own, and where it lies on this machine. */
  makeClaim: (name: string) => Promise<string>
  /** A volume for a claim that somebody else makes. */
  makeVolume: (claimName: string) => Promise<string>
  /** Jobs and pods that are still there. */
  left: () => Promise<string>
}

const { inNetwork, kubeconfig, kubectl: kubectlProgram, directory } = inject('clusterNode')

const key = 'nvapi-of-the-cluster'
export const secret = 'nvidia-nim-secrets'

/** Pods are admitted only if they are as restricted as Kubernetes knows to ask for. */
export async function openWorkplace(): Promise<Workplace> {
  const namespace = `test-${randomBytes(4).toString('hex')}`
  const kubectl = (args: readonly string[], input?: string) => runIn(['-n', namespace, ...args], input)
  await runIn(['create', 'namespace', namespace])
  await runIn(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted'])
  await kubectl(['create', 'secret', 'generic', secret, `--from-literal=NGC_API_KEY=${key}`])
  const [program = '', ...before] = inNetwork
  const options = (env: Record<string, string> = {}) => ({
    env: { KUBECONFIG: kubeconfig, ...env },
    program: [program, ...before, process.execPath] as [string, ...string[]],
  })
  const at = ([command = '', ...args]: readonly string[]) => [command, '--on', 'kubernetes', '-n', namespace, ...args]
  return {
    namespace,
    run: (args, env) => nimctl(at(args), options(env)),
    validate: args => nimctl(['validate', ...args, '-n', namespace], options()),
    status: args => nimctl(['status', ...args, '-n', namespace], options()),
    startStatus: args => startNimctl(['status', ...args, '-n', namespace], options()),
    plain: (args, env) => nimctl(args, options(env)),
    start: args => startNimctl(at(args), options()),
    kubectl,
    async makeClaim(name) {
      const path = await makeVolume(kubectl, { namespace, name })
      await apply(kubectl, claim(name))
      return path
    },
    makeVolume: name => makeVolume(kubectl, { namespace, name }),
    left: () => kubectl(['get', 'jobs,pods', '-o', 'name']),
  }
}

/** A workplace that goes when it has been used: the node takes 60 pods. */
export async function inWorkplace(use: (place: Workplace) => Promise<void>): Promise<void> {
  const place = await openWorkplace()
  try {
    await use(place)
  } finally {
    await runIn(['delete', 'namespace', place.namespace, '--wait=false'])
  }
}

function runIn(args: readonly string[], input?: string): Promise<string> {
  const [command = '', ...before] = [...inNetwork, kubectlProgram, '--kubeconfig', kubeconfig, ...args]
  return new Promise((resolve, reject) => {
    const child = execFile(command, before, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`kubectl ${args.join(' ')}: ${stderr}`))
    })
    child.stdin?.end(input ?? '')
  })
}

/** The same cluster, another user. */
export async function kubeconfigOf({ namespace, kubectl }: Workplace, token: string): Promise<string> {
  const config = JSON.parse(await kubectl(['config', 'view', '--raw', '-o', 'json']))
  config.users = [{ name: 'user', user: { token } }]
  const file = join(directory, `${namespace}-${token.length}.json`)
  await writeFile(file, JSON.stringify(config))
  return file
}

/**
 * Asks the cluster by the port itself. `undefined` becomes `null` on the way.
 *
 * @param questions names of the port's functions, and what they take.
 */
export async function askCluster(
  { namespace }: Workplace,
  questions: readonly (readonly [string, object?])[],
  asUser = kubeconfig,
): Promise<unknown[]> {
  const program = join(import.meta.dirname, 'ask-cluster-main.ts')
  const [command, ...before] = [...inNetwork, process.execPath, program, asUser, namespace] as const
  return await new Promise((resolve, reject) => {
    const child = execFile(command, before, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout))
      else reject(new Error(stderr))
    })
    child.stdin?.end(JSON.stringify(questions))
  })
}

/** Volumes of the source `local` take a pod's fsGroup, as those of clouds do. */
async function makeVolume(
  kubectl: Workplace['kubectl'],
  claimRef: { namespace: string; name: string },
): Promise<string> {
  const volume = `${claimRef.namespace}-${claimRef.name}`
  const path = join(directory, 'volumes', volume)
  await mkdir(path, { recursive: true })
  await chmod(path, 0o755)
  const nodes = { key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }
  await apply(kubectl, {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volume },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [nodes] }] } },
      claimRef,
    },
  })
  return path
}

export function claim(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: {
      storageClassName: 'local',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
    },
  }
}

export async function apply(kubectl: Workplace['kubectl'], object: object): Promise<void> {
  await kubectl(['apply', '-f', '-'], JSON.stringify(object))
}

export interface NgcInNetwork {
  /** Of NGC, and of the hub of Hugging Face. */
  url: string
  /** Flags that lead a pod to it. */
  flags: string[]
  misbehave(misbehaviour: object): Promise<void>
  behave(): Promise<void>
  /** Paths of the requests so far. */
  requests(): Promise<string[]>
  stop(): Promise<void>
}

/** The stand-in NGC on the node's own address: pods reach nothing else. */
export async function startNgcInNetwork({ sizeFactor = 1 } = {}): Promise<NgcInNetwork> {
  const logFile = join(directory, `ngc-${randomBytes(4).toString('hex')}.log`)
  const program = join(import.meta.dirname, '../../fixtures/stand-in/ngc-main.ts')
  const flags = ['--host', nodeAddress, '--key', key, '--size-factor', String(sizeFactor)]
  const [command = '', ...args] = [...inNetwork, process.execPath, program, ...flags]
  const server = await startProcess({
    name: 'the stand-in NGC',
    command,
    args,
    env: process.env,
    logFile,
    isReady: async () => readFileSync(logFile, 'utf8').includes('"url"'),
  })
  const { url }: { url: string } = JSON.parse(readFileSync(logFile, 'utf8'))
  const endpoint = new URL(url).host
  const names = { NGC_API_ENDPOINT: endpoint, NGC_AUTH_ENDPOINT: endpoint, NGC_API_SCHEME: 'http' }
  return {
    url,
    flags: ['--ngc-secret', secret, ...Object.entries(names).flatMap(([name, value]) => ['--env', `${name}=${value}`])],
    misbehave: async misbehaviour => {
      await curl(['-X', 'POST', '-d', JSON.stringify(misbehaviour), `${url}/stand-in/misbehave`])
    },
    behave: async () => {
      await curl(['-X', 'DELETE', `${url}/stand-in/misbehave`])
    },
    requests: async () => {
      const seen: { path: string }[] = JSON.parse(await curl([`${url}/stand-in/requests`]))
      return seen.map(({ path }) => path)
    },
    stop: server.stop,
  }
}

function curl(args: readonly string[]): Promise<string> {
  const [command = '', ...before] = [...inNetwork, 'curl', '-sSf', ...args]
  return new Promise((resolve, reject) => {
    execFile(command, before, { maxBuffer: 2 ** 26 }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    )
  })
}
