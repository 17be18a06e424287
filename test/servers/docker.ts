import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'

import { onProcessEnd } from './cleanup.ts'
import { existingEngine } from './docker-existing.ts'
import { requireProgram } from './locate.ts'
import { commandLines, isRunning } from './processes.ts'
import { rootPrefix } from './root.ts'
import { type StartedProcess, sendSignal, startProcess } from './start-process.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'

export interface DockerEngine {
  /** For DOCKER_HOST. */
  host: string
  /** Undefined for an engine that ran before. */
  pid: number | undefined
  stop: () => Promise<void>
}

interface DockerOptions {
  /** Images and containers in a tmpfs: an image of thousands of files is built five times as fast. */
  inMemory?: boolean
}

/**
 * A private engine beside whatever runs here. Its containers have no network but the host's (`--network host`). A user
 * who is not root gets the engine that runs here, if there is one.
 */
export async function startDocker({ inMemory = false }: DockerOptions = {}): Promise<DockerEngine> {
  const isRoot = process.getuid?.() === 0
  const running = isRoot ? undefined : existingEngine()
  if (running !== undefined) return { host: running, pid: undefined, stop: async () => {} }
  const sudo = rootPrefix()
  if (sudo === undefined)
    throw new Error('No Docker Engine: this user is not root, may not use sudo, and may open no engine that runs here.')
  const directory = makeTemporaryDirectory(sudo)
  const bridge = makeBridge(sudo)
  const cleanUp = () => {
    bridge.remove()
    directory.remove()
  }
  const options = { directory: directory.path, sudo, bridge: bridge.name, inMemory }
  try {
    // vfs copies every layer, but works where overlay2 does not: on overlay itself, in a container.
    const engine = await startEngine({ ...options, storage: [] }).catch((first: unknown) =>
      startEngine({ ...options, storage: ['--storage-driver=vfs'] }).catch((second: unknown) => {
        throw new AggregateError([first, second], `No private Docker Engine. ${String(first)}`)
      }),
    )
    const stop = async () => {
      await engine.stop()
      cleanUp()
    }
    return { host: `unix://${directory.path}/docker.sock`, pid: engine.pid, stop }
  } catch (error) {
    cleanUp()
    throw error
  }
}

/**
 * In process and mount namespaces of its own: when its first process is killed, the kernel ends all containers and
 * takes away all mounts, so nothing is left even where this process is killed outright. The empty /run/containerd makes
 * dockerd start a containerd of its own instead of using the system's, in which the engines would meet. The shell stays
 * as the first process, because dockerd would not wait for the orphans that come to it: each container left a zombie.
 */
const isolate = ['--mount', '--propagation=slave', '--pid', '--mount-proc', '--fork', '--kill-child']
const startInside =
  'for place in $1; do mkdir -p $place && mount -t tmpfs tmpfs $place || exit; done; shift; "$@"; exit $?'

interface EngineOptions {
  directory: string
  sudo: string[]
  bridge: string
  inMemory: boolean
  storage: string[]
}

function startEngine({ directory, sudo, bridge, inMemory, storage }: EngineOptions): Promise<StartedProcess> {
  const dockerd = requireProgram('docker', 'dockerd')
  // Instead of /etc/docker/daemon.json, whose settings are for another engine.
  writeFileSync(`${directory}/daemon.json`, '{}')
  return startProcess({
    name: 'dockerd',
    command: 'unshare',
    args: [
      ...isolate,
      'sh',
      '-c',
      startInside,
      'sh',
      ['/run/containerd', ...(inMemory ? [`${directory}/data`] : [])].join(' '),
      dockerd,
      `--config-file=${directory}/daemon.json`,
      `--host=unix://${directory}/docker.sock`,
      `--data-root=${directory}/data`,
      `--exec-root=${directory}/exec`,
      `--pidfile=${directory}/docker.pid`,
      `--group=${process.getgid?.() ?? 0}`,
      `--bridge=${bridge}`,
      '--iptables=false',
      '--ip6tables=false',
      '--ip-forward=false',
      '--ip-masq=false',
      ...storage,
    ],
    env: engineEnvironment(),
    logFile: `${directory}/dockerd.log`,
    isReady: () => answersPing(`${directory}/docker.sock`),
    graceMs: 15_000,
    sudo,
    askToEnd: () => askEngineToEnd({ dockerd, directory, sudo }),
  })
}

/** In order, so that it removes its control groups. Its containers would get ten seconds to end by themselves. */
function askEngineToEnd({ dockerd, directory, sudo }: { dockerd: string; directory: string; sudo: string[] }): void {
  const processes = commandLines()
  const engine = processes.find(
    ({ commandLine }) => commandLine.startsWith(dockerd) && commandLine.includes(`--pidfile=${directory}/`),
  )
  if (engine !== undefined) sendSignal(engine.pid, 'SIGTERM', sudo)
  // Each container is the child of a shim that names the engine's containerd.
  const isShim = ({ commandLine }: { commandLine: string }) => commandLine.includes(`-address ${directory}/exec/`)
  const shims = new Set(processes.filter(isShim).map(({ pid }) => pid))
  for (const { pid, parent } of processes) if (shims.has(parent)) sendSignal(pid, 'SIGKILL', sudo)
}

/** A name for each engine of this process. */
let bridges = 0

/**
 * Nobody uses it, but `--bridge=none` makes dockerd delete docker0, under the feet of the engine that runs here; and
 * its own choice would be docker0.
 */
function makeBridge(sudo: string[]): { name: string; remove(): void } {
  const name = `nimctl-${process.pid.toString(36)}-${(bridges++ % 36).toString(36)}`
  const busybox = requireProgram('docker', 'busybox')
  const link = (...args: string[]) => {
    const [program = '', ...rest] = [...sudo, busybox, 'ip', 'link', ...args]
    const { status, stderr } = spawnSync(program, rest, { encoding: 'utf8' })
    // Whoever removes it first is right: stop, the end of the process, or a later start that found it abandoned.
    if (args[0] === 'del' && stderr.includes("can't find device")) return
    if (status !== 0) throw new Error(`ip link ${args.join(' ')} failed: ${stderr.trim()}`)
  }
  for (const abandoned of abandonedBridges()) link('del', abandoned)
  link('add', 'name', name, 'type', 'bridge')
  const forget = onProcessEnd(() => link('del', name))
  let removed = false
  return {
    name,
    remove: () => {
      if (removed) return
      removed = true
      link('del', name)
      forget()
    },
  }
}

/** Of processes that were killed outright. An interface's name has 15 characters at most, hence base 36. */
function abandonedBridges(): string[] {
  return readdirSync('/sys/class/net').filter(name => {
    const owner = /^nimctl-([0-9a-z]+)-[0-9a-z]$/.exec(name)?.[1]
    return owner !== undefined && !isRunning(Number.parseInt(owner, 36))
  })
}

/** No proxies and no DOCKER_*: the engine is asked to reach loopback only. sbin holds iptables and the runtime. */
function engineEnvironment(): NodeJS.ProcessEnv {
  return { PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin` }
}

function answersPing(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const asked = request({ socketPath, path: '/_ping', timeout: 2_000 }, response => {
      response.resume()
      response.on('end', () => resolve(response.statusCode === 200))
      response.on('error', () => resolve(false))
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
    asked.end()
  })
}
