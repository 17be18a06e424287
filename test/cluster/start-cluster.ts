import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'

import { catalogue } from '../../fixtures/stand-in/catalogue.ts'
import { standInArchive } from '../../fixtures/stand-in/image.ts'
import { requireProgram } from '../servers/locate.ts'
import { rootPrefix } from '../servers/root.ts'
import { startProcess } from '../servers/start-process.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { installKubernetes } from './install.ts'
import { programImage } from './program-image.ts'

export interface ClusterNode {
  /** Of the admin, for whoever runs in the node's network. */
  kubeconfig: string
  /** To put before a command that shall run in the node's network; signals reach the command itself. */
  inNetwork: string[]
  kubectl: string
  /** Where the volumes of the tests lie, and what else they write. */
  directory: string
  stop: () => Promise<void>
}

/** The node's own address: what pods reach of the node's network (node.sh). */
export const nodeAddress = '203.0.113.1'

const script = join(import.meta.dirname, 'node.sh')

/** A whole cluster of one node in namespaces of its own, with the stand-in images in its registry. */
export async function startCluster(): Promise<ClusterNode> {
  const sudo = rootPrefix()
  if (sudo === undefined) throw new Error('A node of Kubernetes needs root, or sudo without a password.')
  const bin = await installKubernetes()
  const directory = makeTemporaryDirectory(sudo)
  const { path } = directory
  // The name of its control groups too, which two nodes of one machine must not share.
  const name = `nimctl-${process.pid}`
  const pause = join(path, 'pause.tar')
  const program = await readFile(join(bin, 'pause'))
  await writeFile(pause, programImage({ reference: 'localhost/pause:1', program, names: ['pause'] }))
  const call = (step: string) => ['bash', script, step, bin, path, name, pause]
  const [command = '', ...args] = [...sudo, ...call('hold')]
  const holder = await startProcess({
    name: 'the namespaces of a node',
    command,
    args,
    env: process.env,
    logFile: join(path, 'hold.log'),
    isReady: async () => existsSync(join(path, 'init-done')),
    // unshare ignores TERM. There is nothing in there that is worth an orderly end.
    graceMs: 0,
    sudo,
  })
  const stop = async () => {
    await holder.stop()
    await run([...sudo, ...call('clean')])
    directory.remove()
  }
  try {
    await run([...sudo, ...call('start')])
    const pid = (await readFile(join(path, 'node.pid'), 'utf8')).trim()
    const inNetwork = [...sudo, 'nsenter', '-t', pid, '-n', '--']
    await pushImages(path, { pause, inNetwork })
    const node = { kubeconfig: join(path, 'kubeconfig'), kubectl: join(bin, 'kubectl'), directory: path }
    return { ...node, inNetwork, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The stand-ins, and two that are no NIM: one has a shell, the other nothing but its program. */
async function pushImages(directory: string, { pause, inNetwork }: { pause: string; inNetwork: string[] }) {
  const standIns = join(directory, 'stand-ins.tar')
  await writeFile(standIns, standInArchive())
  const busybox = join(directory, 'busybox.tar')
  const program = await readFile(requireProgram('node', 'busybox'))
  const names: [string, ...string[]] = ['busybox', 'sh', 'env', 'cat', 'stat', 'readlink']
  await writeFile(busybox, programImage({ reference: 'registry.internal/busybox:1', program, names }))
  await Promise.all([
    ...catalogue.map(({ reference }) => pushFrom(standIns, reference, inNetwork)),
    pushFrom(pause, 'localhost/pause:1', inNetwork),
    pushFrom(busybox, 'registry.internal/busybox:1', inNetwork),
  ])
}

function pushFrom(file: string, reference: string, inNetwork: readonly string[]): Promise<void> {
  return push(`docker-archive:${file}:${reference}`, reference, { inNetwork })
}

/**
 * Every registry that an image's name may begin with is, for this node, the one in it.
 *
 * @param source as skopeo names it, and flags of its side.
 */
export async function push(
  source: string,
  reference: string,
  { inNetwork, flags = [] }: { inNetwork: readonly string[]; flags?: readonly string[] },
): Promise<void> {
  const repository = reference.slice(reference.indexOf('/') + 1)
  const copy = ['skopeo', '--insecure-policy', 'copy', '--quiet', '--dest-tls-verify=false', ...flags]
  await run([...inNetwork, ...copy, source, `docker://127.0.0.1:5000/${repository}`])
}

async function run([program = '', ...args]: string[]): Promise<void> {
  const { exitCode, all } = await execa(program, args, { reject: false, all: true, stdin: 'ignore' })
  if (exitCode !== 0) throw new Error(`${args.slice(0, 6).join(' ')} failed:\n${all.split('\n').slice(-20).join('\n')}`)
}
