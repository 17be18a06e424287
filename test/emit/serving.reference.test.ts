import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, it } from 'vitest'

import { operatorVersions, type OperatorVersion } from '../../src/operator/versions.ts'
import { rowsByKind } from './argv-rows.ts'
import { stackRows } from './argv-stack.ts'
import { type CrdSchema, readCrds } from './crd-schema.ts'
import { emitByArgv, writeFiles } from './run-argv.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const reference = process.env['NIMCTL_REFERENCE_DIR'] ?? join(repository, '..', 'shared')

let directory: string

beforeAll(async () => {
  directory = await writeFiles()
})

/** The CRDs of 3.0.1 are those of 3.0.0. */
function crdsOf(version: OperatorVersion): Map<string, CrdSchema> {
  const folder = version === 'main' ? '' : `v${String(version) === '3.0.1' ? '3.0.0' : version}`
  return readCrds(join(reference, 'crds', folder))
}

const rows = [...Object.values(rowsByKind), stackRows].flat().map(row => ({ ...row, line: row.args.join(' ') }))

describe.each(operatorVersions)('operator %s takes', version => {
  const crds = crdsOf(version)
  const fitting = rows.filter(
    ({ since = '3.0.0' }) => operatorVersions.indexOf(version) >= operatorVersions.indexOf(since),
  )

  it.each(fitting)('$line', async ({ args }) => {
    const { objects } = await emitByArgv([...args, '--operator-version', version], directory)
    for (const object of objects)
      expect(crds.get(object.kind)?.judge(object) ?? { verdict: 'ok', reasons: [] }).toEqual({
        verdict: 'ok',
        reasons: [],
      })
  })
})

const dropped = rows.filter(({ since }) => since !== undefined && since !== '3.0.2')

describe('what is refused for older versions', () => {
  it.each(dropped)('$line would be dropped there', async ({ args, kind, since = '3.0.0' }) => {
    const older = operatorVersions[operatorVersions.indexOf(since) - 1] ?? '3.0.0'
    const { objects } = await emitByArgv([...args, '--operator-version', since], directory)
    const object = objects.findLast(each => kind === undefined || each.kind === kind)
    expect(
      crdsOf(older)
        .get(object?.kind ?? '')
        ?.judge(object),
    ).toMatchObject({ verdict: 'unknown-field' })
  })
})
