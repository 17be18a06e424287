import { beforeAll, expect, it } from 'vitest'

import { NimctlError } from '../../src/system/errors.ts'
import { badFiles, refusedBuilds, refusedCaches, refusedPipelines, refusedServices } from './argv-refused.ts'
import { emitByArgv, writeFiles } from './run-argv.ts'

let directory: string

beforeAll(async () => {
  directory = await writeFiles(badFiles)
})

const rows = [...refusedBuilds, ...refusedCaches, ...refusedPipelines, ...refusedServices].map(row => ({
  ...row,
  line: row.args.join(' '),
}))

it.each(rows)('$code: $line', async ({ args, code, says }) => {
  const error: unknown = await emitByArgv(args, directory).catch((thrown: unknown) => thrown)
  if (!(error instanceof NimctlError)) throw error
  expect(error.code).toBe(code)
  expect([error.message, error.why, error.next].join(' ')).toContain(says)
})
