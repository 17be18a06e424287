import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'

import { answer } from './answer.ts'
import { freePort } from './free-port.ts'
import { installNpmTool } from './install-npm.ts'
import { startProcess } from './start-process.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'
import { toolEnvironment } from './tool-environment.ts'

/** Published, and the same in every Azurite. */
export const azuriteAccount = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
} as const

/** Telemetry and databases are left out: the first can't be installed everywhere, and neither is used. */
const azurite = {
  name: 'azurite',
  version: '3.37.0',
  overrides: Object.fromEntries(
    ['applicationinsights', 'mysql2', 'tedious'].map(name => [name, 'npm:empty-npm-package@1.0.0']),
  ),
}

export interface Azurite {
  /** Of the account. */
  endpoint: string
  /** What a client needs in its environment. */
  env: Record<string, string>
  pid: number
  stop: () => Promise<void>
}

export interface AzuriteOptions {
  containers?: readonly string[]
  /** Blobs lie there instead of in memory. */
  directory?: string
  /** Files in PEM: then it speaks TLS, and takes tokens whose signature nobody checks. */
  tls?: { cert: string; key: string }
}

export async function startAzurite({
  containers = [],
  directory: location,
  tls,
}: AzuriteOptions = {}): Promise<Azurite> {
  const directory = makeTemporaryDirectory()
  try {
    const program = join(await installNpmTool(azurite), 'node_modules/azurite/dist/src/blob/main.js')
    const port = await freePort()
    const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
    const authority = tls === undefined ? {} : { ca: readFileSync(tls.cert, 'utf8') }
    const secure = tls === undefined ? [] : ['--cert', tls.cert, '--key', tls.key, '--oauth', 'basic']
    const server = await startProcess({
      name: 'Azurite',
      command: process.execPath,
      args: [
        program,
        ...`--blobHost 127.0.0.1 --blobPort ${port}`.split(' '),
        ...(location === undefined ? ['--inMemoryPersistence'] : ['--location', location]),
        // Azure's own client asks for a newer version than Azurite knows.
        '--skipApiVersionCheck',
        '--disableTelemetry',
        '--silent',
        ...secure,
      ],
      env: toolEnvironment(),
      logFile: join(directory.path, 'azurite.log'),
      isReady: async () => (await answer(`${origin}/`, authority)) !== undefined,
      // It holds nothing that is worth an orderly end.
      graceMs: 0,
    })
    const stop = async () => {
      await server.stop()
      directory.remove()
    }
    const endpoint = `${origin}/${azuriteAccount.name}`
    try {
      for (const name of containers) await azuriteClient(endpoint, authority).createContainer(name)
    } catch (error) {
      await stop()
      throw error
    }
    const env = { AZURE_STORAGE_ACCOUNT: azuriteAccount.name, AZURE_STORAGE_KEY: azuriteAccount.key }
    return { endpoint, env, pid: server.pid, stop }
  } catch (error) {
    directory.remove()
    throw error
  }
}

/** Azure's own client, with the account's key. */
export function azuriteClient(endpoint: string, authority: { ca?: string } = {}): BlobServiceClient {
  const credential = new StorageSharedKeyCredential(azuriteAccount.name, azuriteAccount.key)
  // The types leave out what the client hands down to its connections.
  // Azurite ends connections that were idle, and nothing is tried twice.
  const options = { retryOptions: { maxTries: 1 }, keepAliveOptions: { enable: false }, tlsOptions: authority }
  return new BlobServiceClient(endpoint, credential, options)
}

/**
 * A SAS for one container.
 *
 * @param permissions letters, in the order of https://learn.microsoft.com/rest/api/storageservices/create-service-sas
 */
export function containerSas(container: string, permissions: string, endsMs: number): string {
  const version = '2020-10-02'
  const end = new Date(endsMs).toISOString().replace(/\.\d+/, '')
  const fields = [permissions, '', end, `/blob/${azuriteAccount.name}/${container}`, '', '', '', version, 'c']
  const toSign = [...fields, '', '', '', '', '', ''].join('\n')
  const key = Buffer.from(azuriteAccount.key, 'base64')
  const signature = createHmac('sha256', key).update(toSign, 'utf8').digest('base64')
  return new URLSearchParams({ sv: version, se: end, sr: 'c', sp: permissions, sig: signature }).toString()
}
