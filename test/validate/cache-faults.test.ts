import {
  chmod,
  chown,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'

import { describe, expect, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import type { ServingUser } from '../../src/cache/check-access.ts'
import type { NimImage } from '../../src/image/inspect.ts'
import { openCheckLog } from '../../src/system/check.ts'
import { silent } from '../../src/system/progress.ts'
import { validateCache } from '../../src/validate/cache.ts'
import { knownChecks } from '../../src/validate/catalogue.ts'
import { readExpectedProfiles } from '../../src/validate/expected-profiles.ts'
import { type Family, type FamilyCache, families, imageOf, makeFamilyCache } from './family-caches.ts'

const { signal } = new AbortController()
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
/** Neither who runs these tests nor of one group with them, nor root. */
const stranger: ServingUser = { uid: owner.uid + 1000, gid: owner.gid + 2000 }

interface Look {
  /** Absent: the manifest that nimctl left. */
  against?: NimImage
  asked?: readonly string[]
  serveAs?: ServingUser
  /** Absent: contents are read. */
  deep?: false
}

/** All that is not ok, as `name status path`. */
async function findingsOf(
  directory: string,
  { against, asked = [], serveAs = stranger, deep }: Look,
): Promise<string[]> {
  const checks = openCheckLog()
  const expected = await readExpectedProfiles({ directory, asked, ...(against !== undefined && { image: against }) })
  const options = { checks, concurrency: 2, signal, report: silent }
  const report = await validateCache({ directory, expected, serveAs, deep: deep ?? true, ...options })
  const found = await Array.fromAsync(report.checks)
  await checks.close()
  const silentOnes = found.filter(({ status, next }) => status !== 'ok' && next === undefined)
  expect(silentOnes).toEqual([])
  return found.filter(({ status }) => status !== 'ok').map(({ name, status, path }) => `${name} ${status} ${path}`)
}

it.each(families)('the clean cache of %s gives no finding', async family => {
  const { root, image } = await makeFamilyCache(family)
  expect(await findingsOf(root, {})).toEqual([])
  expect(await findingsOf(root, { against: image })).toEqual([])
})

/** Where things lie. `at` makes paths of the disk, everything else is relative to the cache. */
interface Place extends FamilyCache {
  at: (path: string) => string
  /** The blob that a link of a snapshot leads to. */
  blobOf: (link: string) => Promise<string>
}

interface Fault {
  /** What happens to the cache; two of one name are told apart by their family. */
  fault: string
  family: Family
  /** Plants it, and says how to look, where that matters. */
  plant: (place: Place) => Promise<Look | undefined | void>
  /** All that is found: `name status path`, where `$blob` is the blob of the link behind it. */
  finds: readonly string[]
}

const llmHub = 'ngc/hub/models--nim--nvidia--nemotron-3-nano-30b-a3b'
const weights = `${llmHub}/snapshots/hf-fp8-9a1c3e7`
const engineVersion = 'h100x1-throughput-precision.fp8-udrspesh5q'
const engine = `${llmHub}/snapshots/${engineVersion}`
const nim = 'nim/nvidia/nemotron-3-nano-30b-a3b'
const llm1Hub = 'ngc/hub/models--nim--meta--llama-3_1-8b-instruct'
const llm1Engine = `${llm1Hub}/snapshots/0.11.1+ba20956e-l40sx2-bf16-latency.1.1.0.16792222`
const speech = 'ngc/hub/models--nim--nvidia--magpie-tts-multilingual'
const speechFiles = `${speech}/snapshots/1.3.0-a100-bs32`
const hf = 'huggingface/hub/hub/models--example--qwen3-8b'
const commit = '9216db5781bf21249d130ec9da846c4624c16137'
const [llmProfile, otherProfile, speechProfile] = [
  standIns.llm2.profiles.find(({ gpuDevice }) => gpuDevice !== undefined)?.id ?? '',
  standIns.llm2.profiles.find(({ tags }) => tags['precision'] === 'bf16')?.id ?? '',
  standIns.nimlib.profiles[0]?.id ?? '',
]
const newerTag = { ...standIns.llm2, reference: 'nvcr.stand-in.test/nim/nvidia/nemotron-3-nano:2.0.6' }
/** The same models under the ids of another tag. */
const newerImage = imageOf({
  ...newerTag,
  profiles: newerTag.profiles.map(profile => ({ ...profile, id: profile.id.split('').toReversed().join('') })),
})

/** Its manifest names no lists of checksums. */
const withoutList = imageOf({
  ...standIns.nimlib,
  profiles: standIns.nimlib.profiles.map(profile => ({
    ...profile,
    components: profile.components.map(each => ({
      ...each,
      paths: each.paths.filter(path => path !== 'checksums.blake3'),
    })),
  })),
})

const faults: Fault[] = [
  // Contents, which only reading tells.
  {
    fault: 'a flipped byte in a blob named by its MD5',
    family: 'llm',
    plant: async ({ at, blobOf }) => flip(at(await blobOf(`${weights}/tokenizer.json`))),
    finds: [`cache.content failed $${weights}/tokenizer.json`],
  },
  {
    fault: 'a flipped byte in a blob of several parts, which checksums.blake3 knows',
    family: 'llm',
    plant: async ({ at, blobOf }) => flip(at(await blobOf(`${engine}/rank0.engine`))),
    finds: [`cache.content failed $${engine}/rank0.engine`],
  },
  {
    fault: 'a flipped byte',
    family: 'llm1',
    plant: async ({ at, blobOf }) => flip(at(await blobOf(`${llm1Engine}/rank0.engine`))),
    finds: [`cache.content failed $${llm1Engine}/rank0.engine`],
  },
  {
    fault: 'a flipped byte',
    family: 'nimlib',
    plant: async ({ at, blobOf }) => flip(at(await blobOf(`${speechFiles}/riva/tts/1/vocoder.plan`))),
    finds: [`cache.content failed $${speechFiles}/riva/tts/1/vocoder.plan`],
  },
  {
    fault: 'a flipped byte',
    family: 'flat',
    plant: ({ at }) => flip(at('trtllm_engine/rank0.engine')),
    finds: ['cache.content failed trtllm_engine/rank0.engine'],
  },
  {
    fault: 'a flipped byte',
    family: 'native',
    plant: ({ at }) => flip(at('page-elements-v3/weights/model.onnx')),
    finds: ['cache.content failed page-elements-v3/weights/model.onnx'],
  },
  {
    fault: "a flipped byte in a blob named by Git's SHA-1",
    family: 'modelFree',
    plant: async ({ at, blobOf }) => flip(at(await blobOf(`${hf}/snapshots/${commit}/config.json`))),
    finds: [`cache.content failed $${hf}/snapshots/${commit}/config.json`],
  },
  {
    fault: 'a flipped byte in a blob named by its SHA-256',
    family: 'modelFree',
    plant: async ({ at, blobOf }) =>
      flip(at(await blobOf(`${hf}/snapshots/${commit}/model-00001-of-00002.safetensors`))),
    finds: [`cache.content failed $${hf}/snapshots/${commit}/model-00001-of-00002.safetensors`],
  },
  {
    fault: 'a blob cut short',
    family: 'llm',
    plant: async ({ at, blobOf }) => truncate(at(await blobOf(`${engine}/rank0.engine`)), 1000),
    finds: [`cache.content failed $${engine}/rank0.engine`],
  },
  {
    fault: 'a file cut short',
    family: 'native',
    plant: ({ at }) => truncate(at('table-structure-v1/weights/model.onnx.data'), 10),
    finds: ['cache.content failed table-structure-v1/weights/model.onnx.data'],
  },
  {
    fault: 'a blob emptied, which needs no reading',
    family: 'modelFree',
    plant: async ({ at, blobOf }) => {
      await truncate(at(await blobOf(`${hf}/snapshots/${commit}/tokenizer.json`)), 0)
      return { deep: false }
    },
    finds: [`cache.content failed $${hf}/snapshots/${commit}/tokenizer.json`],
  },
  {
    fault: 'a file of a profile emptied',
    family: 'llm',
    plant: async ({ at, blobOf }) => truncate(at(await blobOf(`${engine}/rank0.engine`)), 0),
    finds: [
      `cache.content failed $${engine}/rank0.engine`,
      `cache.file-missing failed ${nim}:${engineVersion}/rank0.engine`,
      `cache.profile failed ${llmProfile}`,
    ],
  },
  {
    fault: 'the contents of two blobs swapped',
    family: 'llm',
    plant: async ({ at, blobOf }) =>
      swap(at(await blobOf(`${weights}/config.json`)), at(await blobOf(`${weights}/tokenizer.json`))),
    finds: [`cache.content failed $${weights}/config.json`, `cache.content failed $${weights}/tokenizer.json`],
  },
  {
    fault: 'the contents of two files of one size swapped',
    family: 'native',
    plant: async ({ at }) => {
      const files = ['page-elements-v3', 'table-structure-v1'].map(model => at(`${model}/weights/model.onnx.data`))
      const [one, other] = await Promise.all(files.map(async file => (await stat(file)).size))
      expect(one).toBe(other)
      await swap(files[0] ?? '', files[1] ?? '')
    },
    finds: [
      'cache.content failed page-elements-v3/weights/model.onnx.data',
      'cache.content failed table-structure-v1/weights/model.onnx.data',
    ],
  },
  {
    fault: 'the links of two whole blobs swapped',
    family: 'llm',
    plant: ({ at }) => swap(at(`${weights}/config.json`), at(`${weights}/tokenizer.json`)),
    finds: [`cache.link-content failed ${weights}/config.json`, `cache.link-content failed ${weights}/tokenizer.json`],
  },
  {
    fault: 'the links of two whole blobs swapped',
    family: 'modelFree',
    plant: ({ at }) => swap(at(`${hf}/snapshots/${commit}/config.json`), at(`${hf}/snapshots/${commit}/README.md`)),
    finds: [
      `cache.link-content failed ${hf}/snapshots/${commit}/README.md`,
      `cache.link-content failed ${hf}/snapshots/${commit}/config.json`,
    ],
  },
  {
    fault: 'no list of checksums for a blob of several parts',
    family: 'nimlib',
    plant: async ({ at, blobOf }) => {
      const list = await blobOf(`${speechFiles}/checksums.blake3`)
      await Promise.all([list, `${speechFiles}/checksums.blake3`].map(path => rm(at(path))))
      return { against: withoutList }
    },
    finds: [`cache.content not-provable $${speechFiles}/riva/tts/1/model.plan`],
  },
  // Files and blobs that are not there.
  {
    fault: 'a blob removed',
    family: 'modelFree',
    plant: async ({ at, blobOf }) => rm(at(await blobOf(`${hf}/snapshots/${commit}/config.json`))),
    finds: [`cache.blob-missing failed $${hf}/snapshots/${commit}/config.json`],
  },
  {
    fault: 'a blob of a profile removed',
    family: 'nimlib',
    plant: async ({ at, blobOf }) => rm(at(await blobOf(`${speechFiles}/riva/tts/1/model.plan`))),
    finds: [
      `cache.blob-missing failed $${speechFiles}/riva/tts/1/model.plan`,
      'cache.file-missing failed nim/nvidia/magpie-tts-multilingual:1.3.0-a100-bs32/riva/tts/1/model.plan',
      `cache.profile failed ${speechProfile}`,
    ],
  },
  {
    fault: 'a link of a snapshot removed',
    family: 'llm',
    plant: ({ at }) => rm(at(`${weights}/tokenizer.json`)),
    finds: [
      'cache.blob-unreferenced warning *',
      `cache.file-missing failed ${nim}:hf-fp8-9a1c3e7/tokenizer.json`,
      `cache.profile failed ${llmProfile}`,
    ],
  },
  {
    fault: 'the link of an empty file removed',
    family: 'llm',
    plant: async ({ at, blobOf }) => {
      await rm(at(await blobOf(`${weights}/reasoning_parser/__init__.py`)))
      await rm(at(`${weights}/reasoning_parser/__init__.py`))
    },
    finds: [
      `cache.file-missing failed ${nim}:hf-fp8-9a1c3e7/reasoning_parser/__init__.py`,
      `cache.profile failed ${llmProfile}`,
    ],
  },
  {
    fault: 'an empty file removed',
    family: 'flat',
    plant: ({ at }) => rm(at('reasoning_parser/__init__.py')),
    finds: ['cache.file-missing failed reasoning_parser/__init__.py', `cache.profile failed ${llmProfile}`],
  },
  {
    fault: 'a file removed',
    family: 'native',
    plant: ({ at }) => rm(at('page-elements-v3/labels/classes.txt')),
    finds: ['cache.file-missing failed page-elements-v3/labels/classes.txt'],
  },
  {
    fault: 'a file removed of a directory that something else filled',
    family: 'native',
    plant: async ({ at, image }) => {
      await rm(at('.nimctl'), { recursive: true })
      await rm(at('table-structure-v1/labels/classes.txt'))
      return { against: image }
    },
    finds: ['cache.file-missing failed table-structure-v1/labels/classes.txt'],
  },
  {
    fault: 'a shard removed, which the index names',
    family: 'modelFree',
    plant: async ({ at, blobOf }) => {
      const shard = `${hf}/snapshots/${commit}/model-00002-of-00002.safetensors`
      await rm(at(await blobOf(shard)))
      await rm(at(shard))
    },
    finds: [
      `cache.file-missing failed $${hf}/snapshots/${commit}/model-00002-of-00002.safetensors`,
      `cache.file-missing failed ${hf}/snapshots/${commit}/model-00002-of-00002.safetensors`,
    ],
  },
  {
    fault: 'an engine removed that was built here',
    family: 'llm',
    plant: async ({ at }) => {
      const text = 'schema_version: 2.0.0\nprofiles:\n  - id: abc\n    tags: {model_name: 70b-trt}\n'
      await writeFile(at('local_cache/local_manifest.yaml'), text)
      return { deep: false }
    },
    finds: ['cache.local-model failed local_cache/70b-trt'],
  },
  {
    fault: 'all files removed',
    family: 'modelFree',
    plant: async ({ at }) => {
      await rm(at('huggingface'), { recursive: true })
      await rm(at('model_manifest.json'))
      await rm(at('.nimctl/checksums.blake3'))
    },
    finds: ['cache.layout failed undefined'],
  },
  {
    fault: 'the snapshot of a ref removed',
    family: 'modelFree',
    plant: ({ at }) => writeFile(at(`${hf}/refs/main`), '0'.repeat(40)),
    finds: [`cache.snapshot-missing failed ${hf}/snapshots/${'0'.repeat(40)}`],
  },
  {
    fault: 'a ref without a snapshot',
    family: 'llm',
    plant: ({ at }) => writeFile(at(`${llmHub}/refs/hf-other`), 'hf-other'),
    finds: [`cache.snapshot-missing warning ${llmHub}/snapshots/hf-other`],
  },
  {
    fault: 'a ref removed',
    family: 'nimlib',
    plant: ({ at }) => rm(at(`${speech}/refs/1.3.0-a100-bs32`)),
    finds: [`cache.ref-missing warning ${speech}/refs/1.3.0-a100-bs32`],
  },
  // Links.
  {
    fault: 'a dangling link',
    family: 'modelFree',
    plant: ({ at }) => symlink('nothing', at('model-of-today')),
    finds: ['cache.extra warning model-of-today', 'cache.link-broken failed model-of-today'],
  },
  {
    fault: 'links that lead to each other',
    family: 'llm',
    plant: async ({ at }) => {
      await symlink('b', at('local_cache/a'))
      await symlink('a', at('local_cache/b'))
    },
    finds: ['cache.link-broken failed local_cache/a', 'cache.link-broken failed local_cache/b'],
  },
  {
    fault: 'an absolute link to the right blob',
    family: 'modelFree',
    plant: async ({ at, blobOf }) => {
      const link = `${hf}/snapshots/${commit}/config.json`
      const blob = await blobOf(link)
      await rm(at(link))
      await symlink(at(blob), at(link))
    },
    finds: [`cache.blob-unreferenced warning *`, `cache.link-absolute failed ${hf}/snapshots/${commit}/config.json`],
  },
  {
    fault: 'an absolute link beside the snapshots',
    family: 'llm',
    plant: ({ at }) => symlink('/etc/hostname', at('local_cache/host')),
    finds: ['cache.link-absolute failed local_cache/host'],
  },
  {
    fault: 'a link that leads out',
    family: 'llm',
    plant: ({ at }) => symlink('../../elsewhere', at('local_cache/out')),
    finds: ['cache.link-outside failed local_cache/out'],
  },
  // What should not be there.
  {
    fault: 'a file in a snapshot that no profile names',
    family: 'llm',
    plant: async ({ at }) => {
      await symlink('config.json', at(`${weights}/notes.json`))
    },
    finds: [`cache.extra warning ${weights}/notes.json`],
  },
  {
    fault: 'a file in a snapshot that no profile names, by a manifest without versions',
    family: 'llm1',
    plant: async ({ at }) => {
      await symlink('config.json', at(`${llm1Hub}/snapshots/hf-8c22764-b/notes.json`))
    },
    finds: [`cache.extra warning ${llm1Hub}/snapshots/hf-8c22764-b/notes.json`],
  },
  {
    fault: 'a file more than nimctl had left',
    family: 'native',
    plant: async ({ at }) => {
      await writeFile(at('page-elements-v3/weights/other.onnx'), 'x')
      return { deep: false }
    },
    finds: ['cache.extra warning page-elements-v3/weights/other.onnx'],
  },
  {
    fault: 'a version of another image tag',
    family: 'llm',
    plant: async ({ at }) => {
      await mkdir(at(`${llmHub}/snapshots/hf-old`))
      await symlink('../hf-fp8-9a1c3e7/config.json', at(`${llmHub}/snapshots/hf-old/config.json`))
      await writeFile(at(`${llmHub}/refs/hf-old`), '')
    },
    finds: [`cache.snapshot-extra warning ${llmHub}/snapshots/hf-old`],
  },
  {
    fault: "another model's tree beside it",
    family: 'llm',
    plant: async ({ at }) => {
      const other = await makeFamilyCache('nimlib')
      await rename(join(other.root, speech), at(speech))
    },
    finds: [`cache.snapshot-extra warning ${speechFiles}`],
  },
  {
    fault: 'a blob that nothing leads to',
    family: 'llm',
    plant: ({ at }) =>
      writeFile(at(`${llmHub}/blobs/d41d8cd98f00b204e9800998ecf8427f`), 'x').then(() => ({ deep: false })),
    finds: [`cache.blob-unreferenced warning ${llmHub}/blobs/d41d8cd98f00b204e9800998ecf8427f`],
  },
  {
    fault: 'a blob that was arriving',
    family: 'llm',
    plant: ({ at }) => writeFile(at(`${llmHub}/blobs/0123.incomplete`), 'x'),
    finds: [`cache.leftover warning ${llmHub}/blobs/0123.incomplete`],
  },
  {
    fault: 'a file in tmp',
    family: 'nimlib',
    plant: ({ at }) => writeFile(at('ngc/hub/tmp/.tmpAb12'), ''),
    finds: ['cache.leftover warning ngc/hub/tmp/.tmpAb12'],
  },
  {
    fault: 'a file that was arriving',
    family: 'native',
    plant: ({ at }) => writeFile(at('page-elements-v3/weights/model.onnx.incomplete'), 'x'),
    finds: ['cache.leftover warning page-elements-v3/weights/model.onnx.incomplete'],
  },
  {
    fault: 'a name in another case',
    family: 'llm',
    plant: async ({ at }) => {
      await mkdir(at('local_cache/engine'))
      await mkdir(at('local_cache/Engine'))
    },
    finds: ['cache.case-collision warning local_cache/engine'],
  },
  {
    fault: 'a name whose accent is composed in another way',
    family: 'llm',
    plant: async ({ at }) => {
      for (const name of ['modèle', 'modèle'.normalize('NFD')]) await mkdir(at(`local_cache/${name}`))
    },
    finds: ['cache.case-collision warning *'],
  },
  // Modes and owners.
  {
    fault: 'a file that its owner alone may read',
    family: 'llm',
    plant: async ({ at, blobOf }) => chmod(at(await blobOf(`${weights}/tokenizer.json`)), 0o600),
    finds: [`cache.mode failed $${weights}/tokenizer.json`],
  },
  {
    fault: 'a file of another group',
    family: 'native',
    plant: ({ at }) => chmod(at('page-elements-v3/config.json'), 0o640),
    finds: ['cache.mode failed page-elements-v3/config.json'],
  },
  {
    fault: 'a file that everybody but its owner, who serves, may read',
    family: 'native',
    plant: async ({ at }) => {
      const path = at('page-elements-v3/config.json')
      // Root reads everything, but may give it to somebody else.
      const serveAs = owner.uid === 0 ? stranger : owner
      if (owner.uid === 0) await chown(path, serveAs.uid, serveAs.gid)
      await chmod(path, 0o044)
      return { serveAs, deep: false }
    },
    finds: ['cache.mode failed page-elements-v3/config.json'],
  },
  {
    fault: 'a directory that can be listed but not entered',
    family: 'flat',
    plant: ({ at }) => chmod(at('trtllm_engine'), 0o744),
    finds: ['cache.directory-mode failed trtllm_engine'],
  },
  {
    fault: 'a root that its owner alone may enter',
    family: 'llm',
    plant: ({ root }) => chmod(root, 0o700),
    finds: ['cache.directory-mode failed .'],
  },
  // Against an image.
  {
    fault: 'a profile that was not downloaded',
    family: 'llm',
    plant: async ({ image }) => ({ against: image, asked: [otherProfile] }),
    finds: [`cache.profile failed ${otherProfile}`],
  },
  {
    fault: 'nothing that says which profiles there should be',
    family: 'llm',
    plant: async ({ at, image }) => {
      await rm(at('.nimctl'), { recursive: true })
      return { against: image }
    },
    finds: ['cache.profile not-provable undefined'],
  },
  {
    fault: 'a profile that no manifest describes',
    family: 'native',
    plant: async () => ({ asked: [otherProfile] }),
    finds: [`cache.profile not-provable ${otherProfile}`],
  },
  {
    fault: 'the profile of another tag',
    family: 'llm',
    plant: async () => ({ against: newerImage }),
    finds: [`cache.profile-of-another-tag failed ${llmProfile}`],
  },
  {
    fault: 'an image of another family',
    family: 'llm',
    plant: async () => ({ against: imageOf(standIns.native) }),
    finds: ['cache.family failed .'],
  },
  {
    fault: 'an image of another family',
    family: 'native',
    plant: async () => ({ against: imageOf(standIns.llm2) }),
    finds: ['cache.family failed .'],
  },
  {
    fault: 'an image of another family, and no record',
    family: 'nimlib',
    plant: async ({ at }) => {
      await rm(at('.nimctl'), { recursive: true })
      return { against: imageOf(standIns.native) }
    },
    finds: ['cache.family failed .'],
  },
  {
    fault: 'another size than the manifest says',
    family: 'llm',
    plant: async ({ image }) => ({
      against: withSize(image, `${nim}:${engineVersion}?file=rank0.engine`, 7),
      deep: false,
    }),
    finds: [`cache.file-size failed ${engine}/rank0.engine`],
  },
]

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  await writeFile(path, bytes)
}

/** Of files or links. */
async function swap(a: string, b: string): Promise<void> {
  await rename(a, `${a}.swapped`)
  await rename(b, a)
  await rename(`${a}.swapped`, b)
}

/** Its manifest tells the size of one file, in bytes. */
function withSize(image: NimImage, address: string, size: number): NimImage {
  const uri = `uri: ngc://${address}`
  const { path, text } = image.manifest ?? { path: '', text: '' }
  expect(text).toContain(uri)
  return { ...image, manifest: { path, text: text.replaceAll(uri, `${uri}\n        size: ${size}`) } }
}

describe.each(faults)('$family: $fault', ({ family, plant, finds }) => {
  it(`is found as ${finds.map(line => line.split(' ', 2).join(' ')).join(', ')}`, async () => {
    const cache = await makeFamilyCache(family)
    const at = (path: string) => join(cache.root, path)
    const blobOf = async (link: string) => posix.join(dirname(link), await readlink(at(link)))
    const blobs = new Map<string, string>()
    for (const link of finds.flatMap(line => /\$(.+)$/.exec(line)?.[1] ?? [])) blobs.set(link, await blobOf(link))
    const look = (await plant({ ...cache, at, blobOf })) ?? {}
    const expected = finds.map(line => line.replace(/\$(.+)$/, (_, link: string) => blobs.get(link) ?? link))
    const found = await findingsOf(cache.root, look)
    const known = (line: string) => {
      const start = expected.find(each => each.endsWith('*') && line.startsWith(each.slice(0, -1)))
      return start ?? line
    }
    expect(found.map(known).toSorted()).toEqual(expected.toSorted())
  })
})

it('has for each check a fault that only it reports', () => {
  const never = ['cache.link']
  const alone = faults.flatMap(({ finds }) => {
    const names = new Set(finds.map(line => line.split(' ')[0] ?? ''))
    return names.size === 1 ? [...names] : []
  })
  const names = knownChecks.map(({ name }) => name).filter(name => name.startsWith('cache.') && !never.includes(name))
  expect([...new Set(alone)].toSorted()).toEqual(names.toSorted())
  expect(faults.length).toBeGreaterThan(45)
})
