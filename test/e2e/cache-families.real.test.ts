import { access, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'

import { hubFolder, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { startNgc } from '../../fixtures/stand-in/ngc.ts'
import { startProxy } from '../fixtures/proxy.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { problemsOf } from './documents.ts'
import { mistakesOf } from './failures.ts'
import { startNimctl } from './nimctl.ts'
import { readTree } from './trees.ts'
import { openWorkplace, toStandInNgc, type Workplace } from './workplace.ts'

const docker = connectEngine(inject('dockerHost'))
const { llm10, llm2, nimlib, native, modelFree } = standIns
const engineProfile = llm2.profiles.find(({ gpuDevice }) => gpuDevice !== undefined)
const ngcHub = `ngc/hub/${hubFolder('nim/nvidia/nemotron-3-nano-30b-a3b')}`
const hfHub = 'huggingface/hub/hub/models--example--qwen3-8b'
const commit = '9216db5781bf21249d130ec9da846c4624c16137'

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
  place.env.HF_ENDPOINT = place.ngc.url
})
afterAll(() => place.close())
afterEach(() => place.ngc.behave())

interface Family {
  name: string
  image: string
  flags: string[]
  /** Paths of the documented tree, and the link targets among them. */
  tree: Record<string, RegExp>
  /** A file whose content, one whose presence, and for trees with links one whose target is to be hurt. */
  flipped: string
  missing: string
  broken?: string
}

const file = /^644 [0-9a-f]{64}$/

const families: Family[] = [
  {
    name: 'hub',
    image: llm2.reference,
    flags: ['--profile', engineProfile?.id ?? ''],
    tree: {
      local_cache: /^directory$/,
      'ngc/hub/tmp': /^directory$/,
      [`${ngcHub}/refs/hf-fp8-9a1c3e7`]: file,
      [`${ngcHub}/snapshots/hf-fp8-9a1c3e7/reasoning_parser/nano_v3.py`]:
        /^link \.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{32}$/,
      [`${ngcHub}/snapshots/h100x1-throughput-precision.fp8-udrspesh5q/rank0.engine`]:
        /^link \.\.\/\.\.\/blobs\/[0-9a-f]{32}-\d+$/,
    },
    flipped: `${ngcHub}/snapshots/h100x1-throughput-precision.fp8-udrspesh5q/rank0.engine`,
    missing: `${ngcHub}/snapshots/hf-fp8-9a1c3e7/tokenizer.json`,
    broken: `${ngcHub}/snapshots/hf-fp8-9a1c3e7/config.json`,
  },
  {
    name: 'flat',
    image: llm2.reference,
    flags: ['--profile', engineProfile?.id ?? '', '--flat'],
    tree: {
      'config.json': file,
      'reasoning_parser/nano_v3.py': file,
      'trtllm_engine/checksums.blake3': file,
      'trtllm_engine/rank0.engine': file,
    },
    flipped: 'trtllm_engine/rank0.engine',
    missing: 'tokenizer.json',
  },
  {
    name: 'native',
    image: native.reference,
    flags: ['--model-name', 'nvidia/page-elements-v3', '--model-name', 'nvidia/table-structure-v1'],
    tree: {
      'page-elements-v3/config.json': file,
      'page-elements-v3/weights/model.onnx': file,
      'table-structure-v1/checksums.blake3': file,
      'table-structure-v1/weights/model.onnx': file,
    },
    flipped: 'table-structure-v1/weights/model.onnx',
    missing: 'page-elements-v3/labels/classes.txt',
  },
  {
    name: 'universal',
    image: modelFree.reference,
    flags: ['--model-endpoint', 'ngc://nim/qwen/qwen3-8b:hf-1a2b3c4'],
    tree: { 'config.json': file, 'model-00001-of-00002.safetensors': file, 'checksums.blake3': file },
    flipped: 'model-00002-of-00002.safetensors',
    missing: 'model-00001-of-00002.safetensors',
  },
  {
    name: 'model-free',
    image: modelFree.reference,
    flags: ['--model-uri', 'hf://example/qwen3-8b'],
    tree: {
      'model_manifest.json': file,
      [`${hfHub}/refs/main`]: file,
      [`${hfHub}/snapshots/${commit}/config.json`]: /^link \.\.\/\.\.\/blobs\/[0-9a-f]{40}$/,
      [`${hfHub}/snapshots/${commit}/model-00001-of-00002.safetensors`]: /^link \.\.\/\.\.\/blobs\/[0-9a-f]{64}$/,
    },
    flipped: `${hfHub}/snapshots/${commit}/model-00001-of-00002.safetensors`,
    missing: `${hfHub}/snapshots/${commit}/model-00002-of-00002.safetensors`,
    broken: `${hfHub}/snapshots/${commit}/config.json`,
  },
]

describe.each(families)('$name', ({ name, image, flags, tree, flipped, missing, broken }) => {
  const args = () => ['cache', image, place.path(name), ...flags, ...toStandInNgc]
  const at = (path: string) => join(place.path(name), path)

  it('ends with the documented tree, and a second run downloads nothing', async () => {
    const first = await place.run([...args(), '--json'])
    expect({ exitCode: first.exitCode, stderr: first.stderr }).toMatchObject({ exitCode: 0 })
    const withoutProfiles = 'CacheResult.profiles is empty'
    expect(problemsOf(first.json(), 'CacheResult').filter(problem => problem !== withoutProfiles)).toEqual([])
    expect(first.json()).toMatchObject({ ok: true, checks: [] })
    const found = await readTree(place.path(name))
    expect(found).toMatchObject(
      Object.fromEntries(Object.entries(tree).map(([path, shape]) => [path, expect.stringMatching(shape)])),
    )
    expect(Object.keys(found).filter(path => path.includes('incomplete'))).toEqual([])
    const requests = place.ngc.requests().length
    expect(await place.run(args())).toMatchObject({ exitCode: 0 })
    expect(
      place.ngc
        .requests()
        .slice(requests)
        .filter(({ path }) => !path.startsWith('/api/models/')),
    ).toEqual([])
    expect(await readTree(place.path(name))).toEqual(found)
    const record = JSON.parse(await readFile(at('.nimctl/cache.json'), 'utf8'))
    expect(record).toMatchObject({ image, tool: expect.stringMatching(/^nimctl\//), imageDigest: expect.any(String) })
    expect(record.checks).toContainEqual({ name: 'cache.layout', status: 'ok' })
    await expect(access(at('.nimctl/download'))).rejects.toThrow('ENOENT')
    const strict = ['validate', 'cache', place.path(name), '--deep', '--fail-on', 'warning']
    for (const against of [[], ['--against', image]]) {
      const outcome = await place.run([...strict, ...against])
      expect({ exitCode: outcome.exitCode, stdout: outcome.stdout }).toMatchObject({ exitCode: 0 })
    }
  })

  it('3: a flipped byte, a missing file and a broken link are named, and can be mended', async () => {
    const bytes = await readFile(at(flipped))
    bytes.writeUInt8(bytes.readUInt8(1000) ^ 0xff, 1000)
    await writeFile(at(flipped), bytes)
    await rm(at(missing))
    if (broken !== undefined) {
      await rm(at(broken))
      await symlink('../../blobs/nothing', at(broken))
    }
    const outcome = await place.run(['validate', 'cache', place.path(name), '--deep', '--json'])
    expect(outcome.exitCode).toBe(3)
    const checks = outcome.json().checks as { name: string; status: string; path?: string; found?: string }[]
    const failed = checks.filter(({ status }) => status === 'failed')
    const text = JSON.stringify(failed)
    expect(failed.map(each => each.name)).toContain('cache.content')
    expect(text).toContain(missing.slice(missing.lastIndexOf('/') + 1))
    const named = failed.flatMap(each => (each.name === 'cache.link-broken' ? [each.path] : []))
    expect(named.includes(broken)).toBe(broken !== undefined)

    for (const { name: kind, path = '' } of failed) if (kind === 'cache.content') await rm(at(path))
    if (broken !== undefined) await rm(at(broken))
    expect(await place.run(args())).toMatchObject({ exitCode: 0 })
    expect(await place.run(['validate', 'cache', place.path(name), '--deep'])).toMatchObject({ exitCode: 0 })
  })
})

describe('cache', () => {
  it('3: names the file that an earlier run had and that is another now', async () => {
    await writeFile(join(place.path('native'), 'page-elements-v3/config.json'), '{}')
    const args = ['cache', native.reference, place.path('native'), '--model-name', 'nvidia/page-elements-v3']
    const outcome = await place.run([...args, ...toStandInNgc, '--json'])
    expect(outcome.exitCode).toBe(3)
    expect(outcome.json()).toMatchObject({
      ok: false,
      checks: [{ name: 'cache.content', path: 'page-elements-v3/config.json' }],
    })
  })

  it('goes on after kill -9: what the killed run left running is ended, and nothing comes twice', async () => {
    const args = ['cache', native.reference, place.path('killed'), '--all', ...toStandInNgc]
    place.ngc.misbehave({ path: 'model.onnx.data', fault: { type: 'slow', bytesPerSecond: 20_000 } })
    const child = startNimctl(args, { env: place.env })
    const ended = new Promise(resolve => child.once('exit', resolve))
    const arriving = join(place.path('killed'), 'page-elements-v3/weights/model.onnx.data.incomplete')
    await expect.poll(() => sizeOf(arriving), { timeout: 60_000 }).toBeGreaterThan(5_000)
    const held = { category: 'local', code: 'LOCK_HELD', says: [`process ${child.pid}`] } as const
    expect(await mistakesOf(words => place.run(words), args, held)).toEqual([])
    child.kill('SIGKILL')
    await ended
    place.ngc.behave()
    expect(await runningIn(place.path('killed'))).toBe(1)
    const before = place.ngc.requests().length
    expect(await place.run(args)).toMatchObject({ exitCode: 0 })
    expect(await runningIn(place.path('killed'))).toBe(0)
    const files = place.ngc
      .requests()
      .slice(before)
      .filter(({ path }) => path.startsWith('/xfiles/'))
    expect(files.filter(({ path }) => path.endsWith('model.onnx'))).toEqual([])
    expect(await place.run(['validate', 'cache', place.path('killed'), '--deep'])).toMatchObject({ exitCode: 0 })
  })

  it('goes to a store and back as it is, whatever its form', async () => {
    const url = `file://${place.path('store')}`
    expect(await place.run(['upload', place.path('model-free'), url])).toMatchObject({ exitCode: 0 })
    expect(await place.run(['download', url, place.path('back')])).toMatchObject({ exitCode: 0 })
    expect(await readTree(place.path('back'))).toEqual(await readTree(place.path('model-free')))
    expect(await place.run(['validate', 'cache', place.path('back'), '--deep'])).toMatchObject({ exitCode: 0 })
  })

  it('hands the proxy and the CA of its own environment to the container', async () => {
    const { caFile, key, cert } = await makeCertificates(await temporaryDirectory(), 'company')
    const ngc = await startNgc({ tls: { key, cert } })
    const proxy = await startProxy()
    const endpoints = { NGC_API_ENDPOINT: ngc.endpoint, NGC_AUTH_ENDPOINT: ngc.endpoint, NGC_API_SCHEME: 'https' }
    const env = { ...endpoints, https_proxy: proxy.url, SSL_CERT_FILE: caFile }
    const profile = llm2.profiles[0]?.id ?? ''
    const args = ['cache', llm2.reference, place.path('inspected'), '--profile', profile, ...toStandInNgc]
    expect(await place.run(args, env)).toMatchObject({ exitCode: 0 })
    expect(new Set(proxy.tunnels)).toEqual(new Set([ngc.endpoint]))
    proxy.stop()
    await ngc.stop()
  })

  it('makes readable for everybody what a container left for its own user alone', async () => {
    const args = ['cache', nimlib.reference, place.path('closed'), '--profile', nimlib.profiles.at(-1)?.id ?? '']
    const outcome = await place.run([...args, ...toStandInNgc, '--env', 'STAND_IN_UMASK=077'])
    expect(outcome).toMatchObject({ exitCode: 0 })
    expect(outcome.stderr).toContain('first start takes 40 to 60 minutes')
    const entries = await readdir(place.path('closed'), { recursive: true, withFileTypes: true })
    for (const entry of entries.filter(each => !each.isSymbolicLink())) {
      const { mode } = await stat(join(entry.parentPath, entry.name))
      expect({ name: entry.name, mode: mode & 0o044 }).toEqual({ name: entry.name, mode: 0o044 })
    }
  })

  it('2: refuses two forms in one directory', async () => {
    const outcome = await place.run(['cache', llm2.reference, place.path('flat'), '--all', '--json'])
    expect({ ...outcome.json(), exit: outcome.exitCode }).toMatchObject({
      code: 'DIRECTORY_OF_ANOTHER_FORM',
      exit: 2,
      why: expect.stringContaining('the form flat'),
    })
  })

  it('asks for a GPU by itself where LLM 1.0 needs one, and says so', async () => {
    const [profile] = llm10.profiles
    const args = ['cache', llm10.reference, place.path('early'), '--profile', profile?.id ?? '', ...toStandInNgc]
    const byItself = await place.run([...args, '--json'])
    expect(byItself.exitCode).toBe(7)
    expect(byItself.stderr).toContain('--gpus none leaves them off')
    expect(byItself.json()).toMatchObject({ code: 'GPU_RUNTIME_MISSING' })
    const without = await place.run([...args, '--gpus', 'none', '--json'])
    expect(without.json()).toMatchObject({ code: 'GPU_NEEDED', exitCode: 7 })
    const gpus = ['--gpus', 'none', '--env', 'STAND_IN_GPUS=26b9:10de NVIDIA L40S x2']
    expect(await place.run([...args, ...gpus])).toMatchObject({ exitCode: 0 })
  })
})

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

async function runningIn(directory: string): Promise<number> {
  const containers = await docker.listContainers({ all: true })
  return containers.filter(({ Mounts }) => Mounts.some(({ Source }) => Source === directory)).length
}
