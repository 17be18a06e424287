import { describe, expect, it } from 'vitest'

import type { ListedProfile } from '../../src/profiles/listing.ts'
import { parseProfileList } from '../../src/profiles/parse-listing.ts'
import { readPage } from '../docs/markdown.ts'
import { idOf, listNames, randomFrom, readList } from './fixtures.ts'
import { outlines } from './outlines.ts'

/** Section, `lora` where it is, and description of each profile, in the order of the file. */
function outline(profiles: readonly ListedProfile[]): string[] {
  return profiles.map(({ section, lora, description }) =>
    [section, lora ? 'lora' : '', description].filter(Boolean).join(' '),
  )
}

describe.each(Object.entries(outlines))('the list %s', (name, expected) => {
  const text = readList(name)
  const plain = parseProfileList(text)

  it('gives every profile under its section', () => {
    expect(outline(plain.profiles)).toEqual(expected)
    expect(plain.warnings).toEqual([])
  })

  it.each([
    ['CRLF, as docker run -t prints it', text.replaceAll('\n', '\r\n')],
    ['colours', text.replaceAll(/^( *- )(.*)$/gm, '\u001B[32m$1\u001B[1m$2\u001B[0m\u001B[K')],
    ['tabs before every line', text.replaceAll(/^/gm, '\t')],
    [
      'the time before every line, as kubectl logs --timestamps prints it',
      text.replaceAll(/^/gm, '2025-01-02T03:04:05.678901234Z '),
    ],
    ['a byte order mark', `\uFEFF${text}`],
    ['UTF-16, as PowerShell saves it', Buffer.from(`\uFEFF${text}`, 'utf16le').toString('utf8')],
  ])('reads the same with %s', (_, disturbed) => {
    expect(parseProfileList(disturbed)).toEqual(plain)
  })
})

it('knows every list', () => {
  const readElsewhere = ['docs-abbreviated', 'llm-1.14-workspace-hashes']
  expect(listNames().toSorted()).toEqual([...Object.keys(outlines), ...readElsewhere].toSorted())
})

it('has a list of every form that the reference shows, and says which', () => {
  const { text } = readPage('fixtures/listings/README.md')
  const rows = [...text.matchAll(/^\| ([^|]+) \| ([^|]+) \|/gm)].slice(2)
  const files = rows.flatMap(([, , cell = '']) => [...cell.matchAll(/`([^`]+)\.txt`/g)].map(([, name = '']) => name))
  expect(files.toSorted()).toEqual(listNames().toSorted())
  const letters = rows.map(([, letter]) => letter).join(' ')
  expect(letters).toContain('A1 A2 B C1 C2 D E F G H I I2 I3 I4 J K N O')
})

it('reads descriptions with colons and hashes whole, and no ids from log lines', () => {
  const { profiles, warnings } = parseProfileList(readList('llm-1.14-workspace-hashes'))
  expect(profiles.map(({ section, lora }) => (lora ? `${section} lora` : section))).toEqual([
    'runnable',
    'runnable',
    'runnable lora',
    'incompatible',
    'incompatible',
  ])
  expect(profiles[1]?.description).toMatch(/^tensorrt_llm-h100_nvl-fp8-tp2-pp1-throughput-2321:10de-[0-9a-f]{64}-4$/)
  expect(warnings).toEqual([])
})

it.each([
  [
    'llm-1.0',
    [
      { name: 'NVIDIA L40S', pciId: '26b9:10de', index: 0, free: true, utilizationPercent: 0 },
      { name: 'NVIDIA L40S', pciId: '26b9:10de', index: 1, free: true, utilizationPercent: 3 },
    ],
  ],
  ['llm-1.0-busy', [{ name: 'NVIDIA A10', pciId: '2236:10de', index: 0, free: false, utilizationPercent: 91 }]],
  [
    'llm-1.8-logs-between',
    [
      { name: 'NVIDIA RTX 6000 Ada Generation', pciId: '26b1:10de', index: 0, free: true, utilizationPercent: 0 },
      { name: 'NVIDIA T600', pciId: '1fb1:10de', index: 1, free: true, utilizationPercent: 2 },
    ],
  ],
  [
    'vlm-1.0',
    [
      { name: 'NVIDIA H100 NVL', pciId: '2321:10de', index: 0, free: true, utilizationPercent: 0 },
      { name: 'NVIDIA H100 NVL', pciId: '2321:10de', index: 1, free: false, utilizationPercent: 27 },
    ],
  ],
  ['nimlib-empty-section', [{ name: 'NVIDIA GB10', pciId: '2e12:10de', index: 0, free: true }]],
  ['docs-abbreviated', [{ name: 'NVIDIA H100 80GB HBM3', pciId: '2330:10de', index: 0, free: false }]],
  ['bionemo-all-profiles', []],
])('reads the GPUs of %s', (name, expected) => {
  expect(parseProfileList(readList(name)).gpus).toEqual(expected)
})

it.each([
  [
    '  -  [20b2:10de] (0) NVIDIA A100-SXM4-80GB (A100 80GB) [current utilization: 1%]',
    { name: 'NVIDIA A100-SXM4-80GB', pciId: '20b2:10de', index: 0, free: true, utilizationPercent: 1 },
  ],
  ['- [2e12:10de] (0) NVIDIA GB10', { name: 'NVIDIA GB10', pciId: '2e12:10de', index: 0, free: true }],
  [
    '- [2e12:10de] (1) NVIDIA GB10 [current utilization: N/A%]',
    { name: 'NVIDIA GB10', pciId: '2e12:10de', index: 1, free: true },
  ],
  [
    '  -  [26b1:10de] (0) NVIDIA RTX 6000 Ada Generation[current utilization: 0%]',
    { name: 'NVIDIA RTX 6000 Ada Generation', pciId: '26b1:10de', index: 0, free: true, utilizationPercent: 0 },
  ],
])('reads the GPU %s', (line, expected) => {
  expect(parseProfileList(`SYSTEM INFO\n- Free GPUs:\n${line}\nMODEL PROFILES\n`).gpus).toEqual([expected])
})

it('reads what memory a profile needs', () => {
  const { profiles } = parseProfileList(readList('llm-2.0-requires'))
  expect(profiles.map(profile => profile.requiresGbPerGpu)).toEqual([34, 63.5, 34, 18, 8, 12])
})

it('reads tags, as pairs and as a Python dict', () => {
  const [, pairs] = parseProfileList(readList('nimlib-pairs')).profiles
  expect(pairs?.tags).toEqual({
    ampereplus: 'disabled',
    batch_size: '8',
    gpu: 'a100',
    gpu_device: '20b2:10de',
    model_type: 'prebuilt',
    name: 'standin-tts',
  })
  const [, dict] = parseProfileList(readList('nimlib-dict')).profiles
  expect(dict?.tags).toEqual({
    ampereplus: 'enabled',
    gpu_device: '20b2',
    note: "it's, well: {new}",
    streams: '4',
    warm: 'true',
  })
})

it('leaves out abbreviated ids and says so', () => {
  expect(parseProfileList(readList('docs-abbreviated'))).toMatchObject({
    profiles: [],
    warnings: [expect.stringContaining('2 lines were left out for an abbreviated profile id, first line 7')],
  })
})

describe('a single line', () => {
  const id = idOf('c0ffee')
  it.each([
    ['an id alone', `- ${id}`, { description: '', tags: {} }],
    [
      'parentheses in a description',
      `- ${id} (a (b) c) [requires >=7 GB/gpu]`,
      { description: 'a (b) c', requiresGbPerGpu: 7 },
    ],
    ['a description that is cut off', `- ${id} (tensorrt_llm-l40s`, { description: '' }],
    [
      'a pattern among pairs',
      `- ${id} - key:x|product_name_regex:^A10|A16$`,
      { tags: { key: 'x', product_name_regex: '^A10|A16$' } },
    ],
    ['the tag feat_lora', `- ${id} - feat_lora:true`, { lora: true }],
    [
      'a tag named like a property of objects',
      `- ${id} - __proto__:x|constructor:y`,
      {
        tags: Object.fromEntries([
          ['__proto__', 'x'],
          ['constructor', 'y'],
        ]),
      },
    ],
  ])('has %s', (_, line, expected) => {
    expect(parseProfileList(line).profiles).toMatchObject([{ id, section: 'unknown', ...expected }])
  })

  it.each([
    ['an id without a bullet', id],
    ['an id in a log line', `INFO Profile ${id} is not fully defined with checksums`],
    ['65 digits', `- ${id}0 (vllm)`],
    ['another id', `Selected profile: ${id} (vllm)`],
  ])('is no profile: %s', (_, line) => {
    expect(parseProfileList(line).profiles).toEqual([])
  })
})

it('does not count profiles under a heading it does not know as what stood before', () => {
  const text = `MODEL PROFILES\n- Compatible with system and runnable:\n- Retired with this release:\n  - ${idOf('1')} (vllm)`
  expect(parseProfileList(text)).toMatchObject({
    profiles: [{ section: 'unknown' }],
    warnings: [expect.stringContaining('"Retired with this release:"')],
  })
})

it('keeps the section of a profile that a start log names again, and warns of two lists', () => {
  const list = readList('llm-1.0')
  const [first] = parseProfileList(list).profiles
  const log = `- Valid profile: ${first?.id} (${first?.description}) on GPUs [0]`
  expect(parseProfileList(`${log}\n${list}\n${log}`)).toEqual(
    expect.objectContaining({ profiles: parseProfileList(list).profiles, warnings: [] }),
  )
  expect(parseProfileList(list + list).warnings).toEqual([expect.stringContaining('2 profile lists')])
})

it('never throws, whatever the text', () => {
  const seed = 20_251_121
  const random = randomFrom(seed)
  const signs = [
    '- ',
    '  ',
    '\t',
    '\n',
    '\r',
    '(',
    ')',
    '{',
    '}',
    "'",
    '"',
    ':',
    '|',
    '[',
    ']',
    '...',
    '\\',
    '\u001B[',
    '\u0000',
    '\uD800',
  ]
  const words = [
    'MODEL PROFILES',
    'SYSTEM INFO',
    'Free GPUs:',
    'Valid profile:',
    'With LoRA support:',
    'Incompatible with system',
  ]
  const values = [
    idOf('ab'),
    idOf('ab').slice(1),
    '26b9:10de',
    '420b5bb2-cd51-4dac-be21-000000000000',
    '<None>',
    '__proto__:',
    '[requires >=1 GB/gpu',
  ]
  const pieces = [...signs, ...signs, ...words, ...values]
  for (let round = 0; round < 2000; round++) {
    const text = Array.from(
      { length: Math.floor(random() * 60) },
      () => pieces[Math.floor(random() * pieces.length)],
    ).join('')
    expect(() => parseProfileList(text), `seed ${seed}, round ${round}: ${JSON.stringify(text)}`).not.toThrow()
  }
})
