import { expect, it } from 'vitest'

import { readListingFile } from '../../src/profiles/listing-file.ts'
import { parseProfileList } from '../../src/profiles/parse-listing.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { seeded } from '../seeded.ts'
import { listNames, readList } from './fixtures.ts'
import { mutate } from './mutate.ts'

const seed = 20_261_121
const rounds = 10_000
const lists = listNames().map(name => ({ name, text: readList(name) }))

/** Of a line as it was printed: what the bullet of an item, or of a server's start log, is followed by. */
const profileLine =
  /^\s*-\s+(?:Valid profile:\s*)?([0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f])/

function bare(line: string): string {
  // oxlint-disable-next-line no-control-regex -- the escapes of a terminal
  return line.replaceAll(/\u001B(?:\[[0-9;]*[A-Za-z]|\][^\u0007]*\u0007|\(B)/g, '')
}

function idsIn(lines: readonly string[]): string[] {
  return lines.flatMap(line => profileLine.exec(bare(line))?.[1] ?? [])
}

it(`finds every profile whose line was spared, in ${rounds} mutated lists`, () => {
  const random = seeded(seed)
  let spared = 0
  let hurt = 0
  for (let round = 0; round < rounds; round++) {
    const { name, text } = random.pick(lists)
    const { lines, names } = mutate(text, random)
    const { profiles } = parseProfileList(lines.map(line => line.text).join('\n'))
    const found = new Set(profiles.map(({ id }) => id))
    const left = idsIn(lines.filter(({ isHurt }) => !isHurt).map(line => line.text))
    const lost = left.filter(id => !found.has(id))
    expect(lost, `seed ${seed}, round ${round}: ${name}, ${names.join(', ')}`).toEqual([])
    spared += left.length
    hurt += lines.filter(({ isHurt }) => isHurt).length
  }
  // The test would say nothing if hardly a line were left alone, or hardly one hurt.
  expect(spared).toBeGreaterThan(2 * rounds)
  expect(hurt).toBeGreaterThan(rounds / 4)
}, 300_000)

it('invents no profile: every id stood whole in the list, or in a line that was put together from two', () => {
  const random = seeded(seed + 1)
  for (let round = 0; round < 2000; round++) {
    const { name, text } = random.pick(lists)
    const { lines, names } = mutate(text, random)
    const { profiles } = parseProfileList(lines.map(line => line.text).join('\n'))
    const known = [text, ...lines.filter(({ isHurt }) => isHurt).map(line => bare(line.text))].join('\n')
    const invented = profiles.filter(({ id }) => !known.includes(id))
    expect(invented, `seed ${seed + 1}, round ${round}: ${name}, ${names.join(', ')}`).toEqual([])
  }
})

const manifest = `schema_version: 2.0.0
profiles:
- id: ${'ab'.repeat(32)}
  tags: {llm_engine: vllm, tp: '4', 'odd': "x: y"}
  workspace: !workspace
    files:
      LICENSE: {uri: ngc://nim/example/standin-8b:hf-5825+?file=LICENSE}
      rank0.engine:
        uri: !name 'ngc://nim/example/standin-8b:l40sx1?file=rank0.engine'
- id: ${'cd'.repeat(32)}
  tags: &tags {llm_engine: tensorrt_llm, feat_lora: "true"}
- id: ${'ef'.repeat(32)}
  tags: *tags
`

it('says in a sentence what is wrong with a mutated manifest, or reads it', () => {
  const random = seeded(seed + 2)
  let refused = 0
  for (let round = 0; round < 2000; round++) {
    const text = mutate(manifest, random)
      .lines.map(line => line.text)
      .join('\n')
    const answer = read(text)
    const isRight = answer instanceof NimctlError || Number(answer) > 0
    expect(isRight, `seed ${seed + 2}, round ${round}: ${String(answer)} of ${JSON.stringify(text)}`).toBe(true)
    if (answer instanceof NimctlError) refused += 1
  }
  expect(refused).toBeGreaterThan(0)
})

/** The number of profiles, or what was thrown. */
function read(text: string): unknown {
  try {
    return readListingFile(text).profiles.length
  } catch (error) {
    return error
  }
}
