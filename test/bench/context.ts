import { openDirectory, startAzure, startGs, startHdfsServer, startHttps } from './other-stores.ts'
import type { Programs } from './peers.ts'
import { startSeaweed, startVersity } from './real-servers.ts'
import type { Server } from './server.ts'
import { startSink } from './sink.ts'
import type { Row } from './table.ts'
import type { Tool } from './tools.ts'

export interface BenchContext {
  /** What happens, for whoever waits. */
  say: (line: string) => void
  programs: Programs
  tools: readonly Tool[]
  /** Times that nimctl and the best of the others are run; the best run counts. */
  rounds: number
  /** 1: as large as the goals say. */
  scale: number
  /** nimctl --help's peak, in bytes. */
  helpMemory: number
}

export interface Part {
  rows: Row[]
  notes: string[]
}

type OtherStore = keyof typeof otherStores

export type ServerName = 'sink' | 'sink-tls' | 'seaweedfs' | 'versitygw' | OtherStore

/** A further kind of store is one more of these. */
const otherStores = { file: openDirectory, gs: startGs, azure: startAzure, hdfs: startHdfsServer, https: startHttps }

/** `undefined` where its program could not be had. */
export async function startServer(name: ServerName, { programs, say }: BenchContext): Promise<Server | undefined> {
  if (isOther(name)) return await otherStores[name]()
  if (name === 'seaweedfs') return await startSeaweed()
  if (name !== 'versitygw') return await startSink({ tls: name === 'sink-tls' }, say)
  return programs.paths.versitygw === undefined ? undefined : await startVersity()
}

export function isOther(name: ServerName): name is OtherStore {
  return name in otherStores
}
