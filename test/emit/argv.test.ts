import { type Command } from 'commander'
import { beforeAll, describe, expect, it } from 'vitest'

import { createProgram } from '../../src/cli/program.ts'
import { operatorVersions } from '../../src/operator/versions.ts'
import { silent } from '../../src/system/progress.ts'
import { rowsByKind, type Row } from './argv-rows.ts'
import { stackRows } from './argv-stack.ts'
import { emitByArgv, writeFiles } from './run-argv.ts'

let directory: string

beforeAll(async () => {
  directory = await writeFiles()
})

const rows = [...Object.values(rowsByKind), stackRows].flat().map(row => ({ ...row, line: row.args.join(' ') }))

describe.each(rows)('$line', ({ args, spec, env, kind, since = '3.0.0' }) => {
  const first = operatorVersions.indexOf(since)

  it('writes what it says', async () => {
    const object = await objectOf({ args, kind }, since)
    expect(object).toMatchObject({ spec })
    expect(variablesOf(object)).toMatchObject(env ?? {})
  })

  it.each(operatorVersions.slice(0, first))('is refused for operator %s, which would drop it', async version => {
    await expect(objectOf({ args, kind }, version)).rejects.toMatchObject({
      category: 'usage',
      code: 'OPERATOR_TOO_OLD',
    })
  })
})

describe.each(Object.entries(rowsByKind))('nimctl emit %s', (kind, kindRows) => {
  it('has each of its flags in a row', async () => {
    const used = new Set(kindRows.flatMap(({ args }) => args.map(word => word.replace(/=.*$/, ''))))
    const flags = await flagsOf(kind)
    expect(flags.filter(flag => !used.has(flag) && !elsewhere.has(flag))).toEqual([])
  })
})

/** Flags of stores, of the output and of all commands, with tests of their own; `--cache` needs a store. */
const elsewhere = new Set([
  '--cache',
  '--context',
  '--image-digests',
  '--images',
  '--kubeconfig',
  '--output',
  '--patch',
  '--set',
  '--write',
  '--operator-version',
  '--namespace',
  '--help',
  '--json',
  '--quiet',
  '--verbose',
  '--progress',
])

async function flagsOf(kind: string): Promise<string[]> {
  const context = {
    env: {},
    signal: AbortSignal.timeout(1),
    report: silent,
    print: () => {},
    printLong: none,
    readStdin: none,
  }
  const program = await createProgram(context, ['emit'])
  const emit = program.commands.find(command => command.name() === 'emit')
  const command: Command | undefined = emit?.commands.find(child => child.name() === kind)
  return (command?.options ?? [])
    .filter(({ helpGroupHeading, hidden }) => !hidden && helpGroupHeading !== 'Store:')
    .map(({ long }) => long ?? '')
}

const none = () => Promise.reject(new Error('Not here.'))

async function objectOf({ args, kind }: Pick<Row, 'args'> & { kind: string | undefined }, version: string) {
  const { objects } = await emitByArgv([...args, '--operator-version', version], directory)
  return objects.findLast(object => kind === undefined || object.kind === kind)
}

function variablesOf(object: unknown): Record<string, unknown> {
  const plain: { spec?: { env?: { name: string; value?: string }[] } } = JSON.parse(JSON.stringify(object))
  return Object.fromEntries((plain.spec?.env ?? []).map(({ name, value }) => [name, value]))
}
