import { chmod, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeEach, describe, expect, it } from 'vitest'

import type { ManifestProfile } from '../../src/profiles/model-manifest.ts'
import { openCheckLog } from '../../src/system/check.ts'
import { silent } from '../../src/system/progress.ts'
import { validateCache } from '../../src/validate/cache.ts'
import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'

const { signal } = new AbortController()
const hub = 'ngc/hub/models--nim--meta--test-model'
let cache: string

beforeEach(async () => {
  cache = await temporaryDirectory()
  await makeHubCache(cache)
})

async function findings(options: { deep?: boolean; profiles?: ManifestProfile[] } = {}) {
  const report = await validateCache({
    directory: cache,
    deep: false,
    checks: openCheckLog(),
    concurrency: 2,
    signal,
    report: silent,
    ...options,
  })
  const checks = await Array.fromAsync(report.checks)
  return {
    ok: report.ok,
    found: checks.filter(({ status }) => status !== 'ok').map(({ name, status, path }) => [name, status, path]),
  }
}

const profile = (files: string[]): ManifestProfile => ({
  id: 'a'.repeat(64),
  tags: {},
  files: files.map(file => ({ path: file, file, repository: 'nim/meta/test-model', version: 'hf-1234567' })),
})

describe('a cache directory', () => {
  it('is well as a container leaves it', async () => {
    expect(
      await findings({ deep: true, profiles: [profile(['config.json', 'nested/deep/tokenizer.json', 'empty.txt'])] }),
    ).toEqual({ ok: true, found: [] })
  })

  it('lacks a file of a profile', async () => {
    expect(await findings({ profiles: [profile(['config.json', 'model.safetensors'])] })).toEqual({
      ok: false,
      found: [
        ['cache.profile', 'failed', 'a'.repeat(64)],
        ['cache.file-missing', 'failed', 'nim/meta/test-model:hf-1234567/model.safetensors'],
      ],
    })
  })

  it('holds a link to nothing, and one that leads outside', async () => {
    await symlink('../../blobs/none', join(cache, hub, 'snapshots/hf-1234567/broken'))
    await symlink('/etc/passwd', join(cache, hub, 'snapshots/hf-1234567/outside'))
    expect(await findings()).toEqual({
      ok: false,
      found: [
        ['cache.link-broken', 'failed', `${hub}/snapshots/hf-1234567/broken`],
        ['cache.link-outside', 'failed', `${hub}/snapshots/hf-1234567/outside`],
      ],
    })
  })

  it('holds what an interrupted download left', async () => {
    await writeFile(join(cache, 'ngc/hub/tmp/part'), 'x')
    await writeFile(join(cache, hub, 'blobs/0123.incomplete'), 'x')
    await rm(join(cache, hub, 'refs/hf-1234567'))
    expect((await findings()).found).toEqual([
      ['cache.blob-unreferenced', 'warning', `${hub}/blobs/0123.incomplete`],
      ['cache.ref-missing', 'warning', `${hub}/refs/hf-1234567`],
      ['cache.leftover', 'warning', `${hub}/blobs/0123.incomplete`],
      ['cache.leftover', 'warning', 'ngc/hub/tmp/part'],
    ])
  })

  it('can not be read by those who serve it', async () => {
    await chmod(join(cache, hub, 'refs/hf-1234567'), 0o600)
    expect(await findings()).toEqual({ ok: true, found: [['cache.mode', 'warning', `${hub}/refs/hf-1234567`]] })
  })

  it('has other content than its names claim, which only --deep sees', async () => {
    const blob = join(cache, hub, 'snapshots/hf-1234567/config.json')
    await writeFile(blob, '{"layers":3}')
    expect((await findings()).ok).toBe(true)
    const { ok, found } = await findings({ deep: true })
    expect({ ok, names: found.map(([name]) => name) }).toEqual({ ok: false, names: ['cache.content'] })
  })

  it('differs from checksums.blake3', async () => {
    const folder = join(cache, hub, 'snapshots/hf-1234567')
    await writeFile(
      join(folder, 'checksums.blake3'),
      `${'0'.repeat(64)}  config.json\n${'1'.repeat(64)}  not-downloaded.bin\n`,
    )
    expect((await findings({ deep: true })).found.map(([name]) => name)).toEqual(['cache.content'])
  })

  it('is none without snapshots', async () => {
    await rm(join(cache, 'ngc'), { recursive: true })
    expect(await findings()).toEqual({ ok: false, found: [['cache.layout', 'failed', undefined]] })
  })
})
