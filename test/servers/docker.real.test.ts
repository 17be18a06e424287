import { readFileSync, readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'

import Docker from 'dockerode'
import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'

import { startDocker } from './docker.ts'
import { requireProgram } from './locate.ts'
import { commandLines } from './processes.ts'

// By what is ours: other engines may start and stop on this machine meanwhile.
const bridges = () =>
  readdirSync('/sys/class/net').filter(name => name.startsWith(`nimctl-${process.pid.toString(36)}-`))
const mounts = (directory: string) =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter(line => line.includes(directory))
const cgroups = (containerId: string) =>
  readdirSync('/sys/fs/cgroup', { recursive: true }).filter(path => String(path).includes(containerId))
const ownProcesses = (directory: string) => commandLines().filter(({ commandLine }) => commandLine.includes(directory))

describe.runIf(process.getuid?.() === 0)('a private Docker Engine', () => {
  it('runs a container from scratch + busybox, and leaves nothing when it stops with one running', async () => {
    const engine = await startDocker()
    onTestFinished(engine.stop)
    const socketPath = engine.host.replace('unix://', '')
    const directory = socketPath.replace('/docker.sock', '')
    const docker = new Docker({ socketPath })
    const busybox = requireProgram('docker', 'busybox')
    const archive = await execa('tar', ['-C', busybox.replace('/busybox', ''), '-c', 'busybox'], { encoding: 'buffer' })
    const image = Readable.from([archive.stdout])
    await finished((await docker.importImage(image, { repo: 'test/busybox', tag: '1' })).resume())
    const container = await docker.createContainer({
      Image: 'test/busybox:1',
      Cmd: ['/busybox', 'sh', '-c', 'while :; do /busybox sleep 1; done'],
      HostConfig: { NetworkMode: 'host', RestartPolicy: { Name: 'always' } },
    })
    await container.start()
    expect((await container.inspect()).State.Running).toBe(true)
    expect(ownProcesses(directory).length).toBeGreaterThan(1)
    expect(bridges()).toHaveLength(1)
    expect(cgroups(container.id)).not.toEqual([])

    await engine.stop()

    expect(ownProcesses(directory)).toEqual([])
    expect(readdirSync('/tmp')).not.toContain(directory.replace('/tmp/', ''))
    const left = { bridges: bridges(), mounts: mounts(directory), cgroups: cgroups(container.id) }
    expect(left).toEqual({ bridges: [], mounts: [], cgroups: [] })
  })

  it('does not disturb docker0, nor a second engine beside it', async () => {
    const docker0 = () => readdirSync('/sys/class/net').includes('docker0')
    const before = docker0()
    const engines = await Promise.all([startDocker(), startDocker()])
    onTestFinished(async () => void (await Promise.all(engines.map(engine => engine.stop()))))
    const asked = engines.map(({ host }) => new Docker({ socketPath: host.replace('unix://', '') }).info())
    const directories = (await Promise.all(asked)).map(info => String(info.DockerRootDir))
    expect(directories).toEqual(engines.map(({ host }) => host.replace('unix://', '').replace('docker.sock', 'data')))
    expect(docker0()).toBe(before)
  })
})
