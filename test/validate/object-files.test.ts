import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { expect, it } from 'vitest'

import { readObjectFiles } from '../../src/validate/objects/files.ts'
import { maxFileBytes } from '../../src/validate/objects/read-yaml.ts'
import { temporaryDirectory } from '../hub-cache.ts'

const noStdin = async () => ''

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

async function namesIn(folder: string, ...paths: string[]) {
  const { objects, checks } = await readObjectFiles(
    paths.map(path => join(folder, path)),
    noStdin,
  )
  return { kinds: objects.map(({ value }) => Reflect.get(Object(value), 'kind')), checks }
}

it('reads the objects of a directory, and nothing else', async () => {
  const folder = await folderWith({
    'b.yml': 'kind: B',
    'a.yaml': 'kind: A\n---\nkind: A2',
    'c.json': '{"kind":\t"C"}',
    'd.txt': 'x',
    'e/f.yaml': 'kind: F',
  })
  expect(await namesIn(folder, '')).toEqual({ kinds: ['A', 'A2', 'B', 'C'], checks: [] })
})

it('reads the resources of a kustomization, each once', async () => {
  const folder = await folderWith({
    'kustomization.yaml': 'resources: [a.yaml, below, a.yaml]',
    'a.yaml': 'kind: A',
    'b.yaml': 'kind: B',
    'below/kustomization.yaml':
      'kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\nresources: [c.yaml, ../below]',
    'below/c.yaml': 'kind: C',
  })
  expect(await namesIn(folder, '.')).toEqual({ kinds: ['A', 'C'], checks: [] })
})

it('says what it does not apply of a kustomization', async () => {
  const folder = await folderWith({
    'kustomization.yaml': 'resources:\n- a.yaml\n- https://github.com/a/b//c?ref=v1\nimages:\n- name: a\n',
    'a.yaml': 'kind: A',
  })
  expect((await namesIn(folder, 'kustomization.yaml')).checks).toMatchObject([
    { name: 'objects.kustomization', status: 'not-provable', path: expect.stringMatching(/:4 \.images$/) },
    { name: 'objects.kustomization', status: 'failed', path: expect.stringMatching(/:3 \.resources\[1\]$/) },
  ])
})

it('reads standard input', async () => {
  const { objects, files } = await readObjectFiles(['-'], async () => 'kind: A')
  expect(objects).toMatchObject([{ file: 'stdin', value: { kind: 'A' } }])
  expect(files).toBe(1)
})

it('says what a template is', async () => {
  const folder = await folderWith({ 'a.yaml': 'kind: {{ .Values.kind }}\nname: {{- a }}: b\n' })
  const { checks } = await namesIn(folder, 'a.yaml')
  expect(checks[0]).toMatchObject({ name: 'objects.syntax', next: expect.stringContaining('helm template') })
})

it.each([
  { what: 'no object', files: { 'a.yaml': '# nothing\n---\n' }, code: 'OBJECTS_EMPTY' },
  {
    what: 'a file that is far too large',
    files: { 'a.yaml': ' '.repeat(maxFileBytes + 1) },
    code: 'OBJECTS_TOO_LARGE',
  },
  {
    what: 'a resource that is missing',
    files: { 'kustomization.yaml': 'resources: [no.yaml]' },
    code: 'PATH_NOT_FOUND',
  },
])('refuses $what', async ({ files, code }) => {
  const folder = await folderWith(files)
  await expect(namesIn(folder, '')).rejects.toMatchObject({ code })
})
