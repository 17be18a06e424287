import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { renderJunit } from '../../src/cli/render/junit.ts'
import { type Check, type CheckStatus, openCheckLog } from '../../src/system/check.ts'
import { requireParts } from '../servers/install.ts'
import { requireProgram } from '../servers/locate.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'

/** What CI makes of a file: https://junitparser.readthedocs.io */
const reader = `
import json, sys
from junitparser import JUnitXml, Failure, Skipped
xml = JUnitXml.fromfile(sys.argv[1])
def case(c):
    return {
        "class": c.classname, "name": c.name, "out": c.system_out,
        "results": [[type(r).__name__, r.type, r.message, r.text] for r in c.result],
    }
suites = list(xml)
counted = [s.tests for s in suites], [s.failures for s in suites], [s.skipped for s in suites], [s.errors for s in suites]
xml.update_statistics()
json.dump({
    "suites": [s.name for s in suites],
    "counted": counted,
    "recounted": [[s.tests for s in suites], [s.failures for s in suites], [s.skipped for s in suites], [s.errors for s in suites]],
    "cases": [case(c) for s in suites for c in s],
}, sys.stdout)
`

interface Read {
  suites: string[]
  counted: number[][]
  recounted: number[][]
  cases: { class: string; name: string; out: string | null; results: (string | null)[][] }[]
}

const directory = makeTemporaryDirectory()
beforeAll(() => requireParts(['junitparser']), 300_000)
afterAll(() => directory.remove())

async function readBack(target: string, found: Check[]): Promise<Read> {
  const log = openCheckLog()
  try {
    for (const check of found) await log.add(check)
    const report = log.report(target, { models: [], profiles: [], files: 0, bytes: 0 })
    const file = join(directory.path, 'junit.xml')
    await writeFile(file, renderJunit(report))
    const { stdout } = await execa(requireProgram('junitparser', 'junitparser'), ['-c', reader, file])
    return JSON.parse(stdout)
  } finally {
    await log.close()
  }
}

const check = (status: CheckStatus, path: string, more: Partial<Check> = {}): Check => ({
  name: 'store.blob-missing',
  status,
  method: 'structure',
  path,
  ...more,
})

it('gives every verdict the word that CI has for it', async () => {
  const words = { expected: '12 bytes', found: 'nothing', next: 'Upload again.' }
  const text = 'expected 12 bytes, found nothing. Upload again.'
  const read = await readBack('s3://models/llama/', [
    check('ok', 'a'),
    check('failed', 'b', words),
    check('warning', 'c', words),
    check('not-provable', 'd', words),
  ])
  expect(read.suites).toEqual(['s3://models/llama/'])
  expect(read.counted).toEqual([[4], [1], [1], [0]])
  expect(read.recounted).toEqual(read.counted)
  expect(read.cases).toEqual([
    {
      class: 'store',
      name: 'store.blob-missing b',
      out: null,
      results: [['Failure', 'store.blob-missing', text, text]],
    },
    { class: 'store', name: 'store.blob-missing c', out: text, results: [] },
    { class: 'store', name: 'store.blob-missing d', out: null, results: [['Skipped', null, text, null]] },
    { class: 'store', name: 'store.blob-missing a', out: null, results: [] },
  ])
})

const nasty = [
  `<&>"'`,
  ']]><![CDATA[x]]>',
  '&amp;&#0;&nope;',
  '<!-- -- -->',
  '<?xml version="1.1"?><!DOCTYPE a [<!ENTITY b "c">]>&b;',
  'tab\tline\nreturn\rend',
  '  blanks  around  ',
  'Grüße/日本語/😀/e\u0301',
  '\u202Eright to left',
  '\u00A0\u2028',
  '%s {0} ${x} \\',
]

it.each(nasty.map(name => ({ name })))('brings back $name as it was', async ({ name }) => {
  const read = await readBack(name, [check('failed', name, { found: name, next: name })])
  expect(read.suites).toEqual([name])
  expect(read.cases[0]).toMatchObject({ name: `store.blob-missing ${name}` })
  const text = `found ${name}. ${name}`
  expect(read.cases[0]?.results).toEqual([['Failure', 'store.blob-missing', text, text]])
})

it.each([
  ['control characters', 'a\u0000b\u0008c\u001B[31md\u007Fe\u0085f', 'a\uFFFDb\uFFFDc\uFFFD[31md\uFFFDe\uFFFDf'],
  ['half characters', 'a\uD800b\uDC00c', 'a\uFFFDb\uFFFDc'],
  ['what is no character', 'a\uFFFEb\uFFFFc', 'a\uFFFDb\uFFFDc'],
])('has a place holder for %s, which XML can not hold', async (_, name, shown) => {
  const read = await readBack('file:///cache', [check('failed', name, { found: name })])
  const text = `found ${shown}`
  expect(read.cases).toEqual([
    {
      class: 'store',
      name: `store.blob-missing ${shown}`,
      out: null,
      results: [['Failure', 'store.blob-missing', text, text]],
    },
  ])
})

it('is read where nothing was checked', async () => {
  expect(await readBack('file:///cache', [])).toMatchObject({ counted: [[0], [0], [0], [0]], cases: [] })
})
