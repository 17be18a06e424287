import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { type AzureHost, startAzureHost } from '../servers/azure-host.ts'
import { containerSas } from '../servers/azurite.ts'
import { kserveDownload } from '../servers/kserve.ts'
import { nimctl, succeeded } from './nimctl.ts'
import { emptyHash, readContents } from './trees.ts'

let directory: string
let azure: AzureHost
const path = (name: string) => join(directory, name)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-kserve-'))
  azure = await startAzureHost(directory, ['models'])
})
afterAll(async () => {
  await azure.stop()
  await rm(directory, { recursive: true })
})

it("is read back by KServe's storage initializer, but for the empty files that it drops", async () => {
  await makeHubCache(path('cache'))
  const { azurite, host, caFile } = azure
  const env = { ...azurite.env, HOME: directory, NIMCTL_STATE_DIR: path('state') }
  const to = ['--endpoint-url', azurite.endpoint, '--ca-file', caFile]
  succeeded(await nimctl(['upload', path('cache'), 'az://models/llama', ...to], { env }))

  const sas = containerSas('models', 'rl', Date.now() + 3600_000)
  const url = `https://${host}/models/llama?${sas}`
  const read = await kserveDownload({ url, out: path('by-kserve'), env: azure.env })
  expect(read).toMatchObject({ exitCode: 0 })
  const full = Object.entries(await readContents(path('cache'))).filter(([, hash]) => hash !== emptyHash)
  expect(await readContents(path('by-kserve'))).toEqual(Object.fromEntries(full))
})
