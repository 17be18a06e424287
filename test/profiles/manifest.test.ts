import { describe, expect, it } from 'vitest'

import { joinManifest } from '../../src/profiles/join-listing.ts'
import { listManifest } from '../../src/profiles/manifest-listing.ts'
import { parseModelManifest } from '../../src/profiles/manifest.ts'
import { aListing, aProfile, idOf } from './fixtures.ts'

const first = idOf('1111')
const second = idOf('2222')

const version1 = `
${first}:
  model: example/standin-8b
  release: 1.0
  tags: {feat_lora: TRUE, gpu: L40S, gpu_device: 26b5:10de, llm_engine: tensorrt_llm, tp: 8, odd: 0x10}
  container_url: nvcr.io/nim/example/standin-8b:1.0.0
  workspace: !workspace
    components:
    - dst: ''
      src:
        repo_id: ngc://nim/example/standin-8b:hf-1
        files:
        - !name 'config.json'
        - !name original/params.json
    - dst: trtllm_engine/
      src:
        repo_id: nim/example/standin-8b
        files: [rank0.engine, {name: dropped}]
    - dst: more
      src: {files: [LICENSE]}
${second}:
  tags: {backend: onnx, key: ~}
`

const version2 = `
schema_version: 2.0.0
profile_selection_criteria: default
profiles:
- id: ${first}
  tags: {feat_lora: 'false', llm_engine: vllm, tp: '4'}
  workspace:
    files:
      LICENSE: {uri: ngc://nim/example/standin-8b:hf-5825+?file=LICENSE}
      trtllm_engine/rank0.engine:
        uri: ngc://nim/example/standin-8b:l40sx1-precision.bf16?file=sub/rank0.engine
      engine: {uri: "ngc://org/team/model/engine.bin"}
      other: {uri: "hf://ns/model?file=x"}
- id: ${second}
  tags: {}
- no id
`

describe('version 1', () => {
  const { schemaVersion, profiles } = parseModelManifest(version1)

  it('keeps every value as it is written', () => {
    expect(schemaVersion).toBe(1)
    expect(profiles.map(({ files: _files, ...profile }) => profile)).toEqual([
      {
        id: first,
        model: 'example/standin-8b',
        release: '1.0',
        containerUrl: 'nvcr.io/nim/example/standin-8b:1.0.0',
        tags: {
          feat_lora: 'TRUE',
          gpu: 'L40S',
          gpu_device: '26b5:10de',
          llm_engine: 'tensorrt_llm',
          tp: '8',
          odd: '0x10',
        },
      },
      { id: second, tags: { backend: 'onnx', key: '~' } },
    ])
  })

  it('gives each file its place, repository and version as far as they are named', () => {
    const repository = 'nim/example/standin-8b'
    expect(profiles[0]?.files).toEqual([
      { path: 'config.json', repository, version: 'hf-1', file: 'config.json' },
      { path: 'original/params.json', repository, version: 'hf-1', file: 'original/params.json' },
      { path: 'trtllm_engine/rank0.engine', repository, file: 'rank0.engine' },
      { path: 'more/LICENSE', file: 'LICENSE' },
    ])
    expect(profiles[1]?.files).toEqual([])
  })
})

it('reads the files of version 2 from their addresses', () => {
  const { schemaVersion, profiles } = parseModelManifest(version2)
  const repository = 'nim/example/standin-8b'
  expect(schemaVersion).toBe(2)
  expect(profiles.map(({ id }) => id)).toEqual([first, second])
  expect(profiles[0]?.files).toEqual([
    { path: 'LICENSE', repository, version: 'hf-5825+', file: 'LICENSE' },
    { path: 'trtllm_engine/rank0.engine', repository, version: 'l40sx1-precision.bf16', file: 'sub/rank0.engine' },
    { path: 'engine', repository: 'org/team/model', file: 'engine.bin' },
    { path: 'other', file: 'other' },
  ])
})

describe('the version', () => {
  const body = `profiles:\n- id: ${first}\n${second}:\n  tags: {a: b}\n`
  it.each([
    ['schema_version: 2.0.0', 2],
    ['schema_version: "1.2"', 2],
    ['schema_version: v2', 2],
    ['schema_version: 1.0', 1],
    ['', 2],
  ])('of "%s" is %i', (line, expected) => {
    expect(parseModelManifest(`${line}\n${body}`).schemaVersion).toBe(expected)
  })

  it.each([
    ['schema_version: "1.0"', 'none'],
    ['schema_version: 3.0', 'none'],
    ['', 'none'],
    ['schema_version: v2', 'v2'],
  ])('of a list under "%s" is read all the same; the operator: %s', (line, operatorParser) => {
    const text = `${line}\nprofiles:\n- id: s1\n  tags: {llm_engine: vllm}\n`
    expect(parseModelManifest(text)).toMatchObject({ schemaVersion: 2, operatorParser, profiles: [{ id: 's1' }] })
  })

  it.each([
    ['profiles by id', version1, 'v1'],
    ['another value beside them', `model_profile: x\n${version1}`, 'none'],
    ['a tag that is a list', `${first}:\n  tags: {a: [b]}\n`, 'none'],
    ['no tags', `${first}:\n  tags:\n`, 'v1'],
  ])('is 1, and the operator reads it or not: %s', (_, text, operatorParser) => {
    expect(parseModelManifest(text)).toMatchObject({ schemaVersion: 1, operatorParser })
  })

  it.each([
    ['ids as values', `- id: MolMIM\n  model: MolMIM\n  tags: {backend: pytorch}`, 'MolMIM'],
    ['ids as keys', `- ${first}:\n    tags: {backend: tensorrt}`, first],
  ])('may be older: MolMIM, %s', (_, entries, id) => {
    expect(parseModelManifest(`model_profile: MolMIM\nmanifest:\n${entries}`)).toMatchObject({
      schemaVersion: 1,
      profiles: [{ id }],
    })
  })
})

it.each([
  ['CRLF and a byte order mark', (text: string) => `\uFEFF${text.trimStart().replaceAll('\n', '\r\n')}`],
  ['a document mark', (text: string) => `---${text}`],
])('reads the same with %s', (_, disturb) => {
  expect(parseModelManifest(disturb(version1))).toEqual(parseModelManifest(version1))
})

it('reads JSON, aliases and merged maps', () => {
  const json = { schema_version: '2.0', profiles: [{ id: first, tags: { tp: '2' }, workspace: { files: {} } }] }
  expect(parseModelManifest(JSON.stringify(json)).profiles).toEqual([{ id: first, tags: { tp: '2' }, files: [] }])
  const aliases = Array.from(
    { length: 300 },
    (_, index) => `${idOf(`a${index + 100}`)}:\n  tags: ${index === 0 ? '&t {tp: 1}' : '*t'}`,
  )
  expect(parseModelManifest(aliases.join('\n')).profiles.at(-1)).toEqual({
    id: idOf('a399'),
    tags: { tp: '1' },
    files: [],
  })
  const merged = `${first}:\n  tags: &t {tp: 1, gpu: L40S}\n${second}:\n  tags: {<<: *t, tp: 2}`
  expect(parseModelManifest(merged).profiles[1]?.tags).toEqual({ gpu: 'L40S', tp: '2' })
})

const aliasesOfAliases = Array.from({ length: 9 }, (_, level) => {
  const items = level === 0 ? 'x' : `*level${level - 1}`
  return `level${level}: &level${level} [${Array(9).fill(items).join()}]`
}).join('\n')

it.each([
  ['broken YAML', `${first}:\n  tags: {a: b\n  model: [x\n`, /^Line [234] is no YAML/],
  ['no map', 'model_manifest.yaml not found', /not a map/],
  ['nothing', '', /not a map/],
  ['other YAML', 'replicas: 3\nimage: {tag: x}', /names no profile/],
  ['nesting without end', '['.repeat(20_000), /./],
  ['aliases of aliases', aliasesOfAliases, /./],
])('refuses %s', (_, text, why) => {
  expect(() => parseModelManifest(text)).toThrow(
    expect.objectContaining({ category: 'usage', code: 'MANIFEST_INVALID', why: expect.stringMatching(why) }),
  )
})

it('reads sizes where a manifest tells them', () => {
  const file = (size: string) => `      f: {uri: "ngc://a/b/c:1?file=f", size: ${size}}\n`
  const text = (size: string) => `schema_version: 2.0\nprofiles:\n- id: x\n  workspace:\n    files:\n${file(size)}`
  expect(parseModelManifest(text('17')).profiles[0]?.files[0]?.size).toBe(17)
  expect(parseModelManifest(text('17 GiB')).profiles[0]?.files[0]).not.toHaveProperty('size')
})

it('lists what an image offers', () => {
  expect(listManifest(parseModelManifest(version1))).toEqual({
    source: 'manifest',
    operatorParser: 'v1',
    gpus: [],
    profiles: [
      expect.objectContaining({ id: first, description: '', section: 'unknown', lora: true, files: 4, selected: true }),
      {
        id: second,
        description: '',
        section: 'unknown',
        lora: false,
        tags: { backend: 'onnx', key: '~' },
        selected: true,
      },
    ],
    warnings: [],
  })
})

describe('a list joined with the manifest', () => {
  const manifest = parseModelManifest(version1)

  it('gets tags and files, keeps section and description', () => {
    const listed = aProfile({
      id: first,
      description: 'tensorrt_llm-l40s',
      section: 'runnable',
      tags: { tp: 'x', own: 'y' },
    })
    const joined = joinManifest(aListing(listed), manifest)
    expect(joined.profiles[0]).toMatchObject({
      description: 'tensorrt_llm-l40s',
      section: 'runnable',
      lora: true,
      files: 4,
    })
    expect(joined.profiles[0]?.tags).toMatchObject({ tp: '8', own: 'y' })
  })

  it('warns of what stands on one side only, and lists it', () => {
    const joined = joinManifest(
      aListing(aProfile({ id: first }), aProfile({ id: idOf('ffff'), description: 'mine' })),
      manifest,
    )
    expect(joined.profiles.map(({ id }) => id)).toEqual([first, idOf('ffff'), second])
    expect(joined.warnings).toEqual([expect.stringContaining('(mine)'), expect.stringContaining(second)])
  })

  it('says when they have nothing in common', () => {
    expect(joinManifest(aListing(aProfile({ id: idOf('ffff') })), manifest).warnings).toEqual([
      expect.stringContaining('different images'),
    ])
  })
})

it('reads 122 profiles with 20,000 files', () => {
  const profiles = Array.from({ length: 122 }, (_, profile) => {
    const files = Array.from(
      { length: 164 },
      (_, file) => `      f${file}:\n        uri: ngc://nim/a/b:v${profile}?file=f${file}\n`,
    )
    return `- id: ${idOf(`a${profile}`)}\n  workspace:\n    files:\n${files.join('')}`
  })
  const manifest = parseModelManifest(`schema_version: 2.0.0\nprofiles:\n${profiles.join('')}`)
  expect(manifest.profiles.flatMap(({ files }) => files)).toHaveLength(122 * 164)
})
