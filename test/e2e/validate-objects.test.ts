import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { temporaryDirectory } from '../hub-cache.ts'
import { nimctl } from './nimctl.ts'

const pod = (image: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: "${image}"}]}\n`

async function fileWith(text: string): Promise<string> {
  const file = join(await temporaryDirectory(), 'a.yaml')
  await writeFile(file, text)
  return file
}

it('passes what is well, from standard input too', async () => {
  const outcome = await nimctl(['validate', 'objects', '-f', '-', '--json'], { input: pod('registry.internal/a:1') })
  expect(outcome.json()).toMatchObject({ kind: 'CheckReport', ok: true, target: 'stdin', summary: { files: 1 } })
  expect(outcome.exitCode).toBe(0)
})

it('fails what asks outside, with file and line, in every form', async () => {
  const directory = await temporaryDirectory()
  const file = await fileWith(pod('nvcr.io/nim/a:1'))
  const files = ['--report', join(directory, 'evidence.json'), '--junit', join(directory, 'junit.xml')]
  const outcome = await nimctl(['validate', 'objects', '-f', file, '--only', 'objects.registry', ...files])
  expect(outcome.exitCode).toBe(3)
  expect(outcome.stdout).toContain(
    `✗ objects.registry: ${file}:4 Pod/a .spec.containers[0].image: expected an internal registry, found nvcr.io/nim/a:1`,
  )
  expect(await readFile(join(directory, 'junit.xml'), 'utf8')).toContain('<failure type="objects.registry"')
  expect(JSON.parse(await readFile(join(directory, 'evidence.json'), 'utf8'))).toMatchObject({ ok: false })
})

it.each([
  { flags: ['--online'], exitCode: 0 },
  { flags: ['--skip', 'objects.registry', '--skip', 'objects.empty-storage'], exitCode: 0 },
  { flags: ['--image-registry', 'nvcr.io/nim/', '--skip', 'objects.empty-storage'], exitCode: 0 },
  { flags: ['--image-registry', 'registry.internal'], exitCode: 3 },
])('with $flags it exits with $exitCode', async ({ flags, exitCode }) => {
  expect((await nimctl(['validate', 'objects', '-f', await fileWith(pod('nvcr.io/nim/a:1')), ...flags])).exitCode).toBe(
    exitCode,
  )
})

it.each([
  { args: [], code: 'OBJECTS_NOT_NAMED', exitCode: 2 },
  { args: ['-f', '/nowhere.yaml'], code: 'PATH_NOT_FOUND', exitCode: 5 },
  { args: ['-f', '-'], code: 'OBJECTS_EMPTY', exitCode: 2 },
  { args: ['-f', '-', '-n', 'nim'], code: 'CLUSTER_FLAGS_IDLE', exitCode: 2 },
  { args: ['-f', '-', '--operator-version', '2.0.0'], code: 'OPERATOR_VERSION_UNKNOWN', exitCode: 2 },
  { args: ['-f', '-', '--kubeconfig', '/nowhere'], code: 'KUBECONFIG_NOT_FOUND', exitCode: 2 },
  { args: ['-f', '-', '--only', 'objects.imag'], code: 'CHECK_UNKNOWN', exitCode: 2 },
])('$code: $args', async ({ args, code, exitCode }) => {
  const outcome = await nimctl(['validate', 'objects', ...args, '--json'], { env: { HOME: '/nowhere' } })
  expect(outcome.json()).toMatchObject({ kind: 'Error', code, exitCode })
  expect(outcome.exitCode).toBe(exitCode)
})

it('says that a cluster can not be reached', async () => {
  const file = join(await temporaryDirectory(), 'config')
  const cluster = { server: 'http://127.0.0.1:9' }
  const config = {
    'current-context': 'a',
    clusters: [{ name: 'a', cluster }],
    contexts: [{ name: 'a', context: { cluster: 'a' } }],
  }
  await writeFile(file, JSON.stringify(config))
  const args = ['validate', 'objects', '-f', '-', '--kubeconfig', file, '--json']
  const outcome = await nimctl(args, { input: pod('registry.internal/a:1') })
  expect(outcome.json()).toMatchObject({ kind: 'Error', code: 'CLUSTER_UNREACHABLE', exitCode: 6 })
})
