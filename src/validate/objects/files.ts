import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { Check } from '../../system/check.ts'
import { NimctlError } from '../../system/errors.ts'
import { translateFileError } from '../../system/files.ts'
import { read } from '../../system/json.ts'
import { type LocatedObject, maxFileBytes, readYaml } from './read-yaml.ts'
import { listAt } from './workload.ts'

/** Everything that the files hold, and what could not be read of them. */
export interface ReadFiles {
  objects: LocatedObject[]
  checks: Check[]
  files: number
  bytes: number
}

/**
 * Reads what `kubectl apply` would: files, the YAML and JSON files of directories (not of those below), the resources of
 * a kustomization.yaml, and standard input for `-`.
 *
 * @param readStdin its whole text.
 * @throws NimctlError `not-found` / `PATH_NOT_FOUND`, `usage` / `OBJECTS_EMPTY`, `OBJECTS_TOO_LARGE`.
 */
export async function readObjectFiles(paths: readonly string[], readStdin: () => Promise<string>): Promise<ReadFiles> {
  const found: ReadFiles = { objects: [], checks: [], files: 0, bytes: 0 }
  const seen = new Set<string>()
  for (const path of paths) {
    if (path === '-') addText('stdin', await readStdin(), found)
    else await addPath(path, { found, seen })
  }
  if (found.objects.length > 0 || found.checks.length > 0) return found
  throw new NimctlError('usage', 'OBJECTS_EMPTY', {
    what: `There is no Kubernetes object in ${paths.join(', ')}.`,
    next: 'Name files with -f, or pipe objects in: nimctl emit stack … | nimctl validate objects -f -',
  })
}

interface Gathering {
  found: ReadFiles
  /** Files that were read: a kustomization may name one twice, or itself. */
  seen: Set<string>
}

const objectFile = /\.(?:ya?ml|json)$/i
const kustomizations = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']

async function addPath(path: string, gathering: Gathering): Promise<void> {
  const { found, seen } = gathering
  if (seen.has(path)) return
  seen.add(path)
  const entry = await stat(path).catch((error: unknown) => {
    throw translateFileError(error, path)
  })
  if (entry.isDirectory()) return await addDirectory(path, gathering)
  if (entry.size > maxFileBytes) throw tooLarge(path)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw translateFileError(error, path)
  })
  const before = found.objects.length
  addText(path, text, found)
  const kustomization = found.objects.slice(before).find(({ value }) => isKustomization(value, path))
  if (kustomization === undefined) return
  found.objects.splice(found.objects.indexOf(kustomization), 1)
  await addResources(kustomization, { path, gathering })
}

async function addDirectory(path: string, gathering: Gathering): Promise<void> {
  const names = await readdir(path).catch((error: unknown) => {
    throw translateFileError(error, path)
  })
  const kustomization = kustomizations.find(name => names.includes(name))
  if (kustomization !== undefined) return await addPath(join(path, kustomization), gathering)
  for (const name of names.filter(candidate => objectFile.test(candidate)).toSorted())
    await addPath(join(path, name), gathering)
}

function addText(file: string, text: string, found: ReadFiles): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > maxFileBytes) throw tooLarge(file)
  const { objects, unreadable } = readYaml(file, text)
  found.files += 1
  found.bytes += bytes
  found.objects.push(...objects)
  found.checks.push(
    ...unreadable.map(({ line, problem }): Check => ({
      name: 'objects.syntax',
      status: 'failed',
      method: 'structure',
      path: `${file}:${line}`,
      expected: 'YAML or JSON',
      found: problem,
      ...(templated.test(text) && { next: 'This is a template: render it first (helm template, kubectl kustomize).' }),
    })),
  )
}

/** Of Helm and the like. */
const templated = /\{\{/

function isKustomization(value: unknown, path: string): boolean {
  const apiVersion = read(value, 'apiVersion')
  if (typeof apiVersion === 'string') return apiVersion.startsWith('kustomize.config.k8s.io/')
  return kustomizations.some(name => path === name || path.endsWith(`/${name}`))
}

/** Fields of a kustomization that change nothing of what is checked. */
const harmless = ['apiVersion', 'kind', 'metadata', 'resources', 'bases', 'namespace']

async function addResources(
  { value, lineOf }: LocatedObject,
  { path, gathering }: { path: string; gathering: Gathering },
): Promise<void> {
  const { checks } = gathering.found
  const at = (field: string) => `${path}:${lineOf(field)} .${field}`
  for (const field of Object.keys(Object(value)).filter(name => !harmless.includes(name)))
    checks.push({
      name: 'objects.kustomization',
      status: 'not-provable',
      method: 'structure',
      path: at(field),
      expected: 'resources alone',
      found: `${field}, which nimctl does not apply`,
      next: `Check what comes out: kubectl kustomize ${dirname(path)} | nimctl validate objects -f -`,
    })
  for (const field of ['resources', 'bases'])
    for (const [index, resource] of listAt(value, field).entries()) {
      if (typeof resource !== 'string') continue
      if (/:\/\/|^[\w.-]+@|^github\.com\//.test(resource))
        checks.push(remoteResource(at(`${field}[${index}]`), resource))
      else await addPath(join(dirname(path), resource), gathering)
    }
}

function remoteResource(path: string, resource: string): Check {
  return {
    name: 'objects.kustomization',
    status: 'failed',
    method: 'structure',
    path,
    expected: 'a file or a directory',
    found: resource,
    next: 'Bring it in: nimctl reads no objects from elsewhere, and an air-gapped kubectl can not either.',
  }
}

function tooLarge(file: string): NimctlError {
  return new NimctlError('usage', 'OBJECTS_TOO_LARGE', {
    what: `${file} is larger than ${maxFileBytes / 2 ** 20} MiB.`,
    why: 'Kubernetes keeps no object over 1.5 MiB, so these can hardly be objects.',
    next: 'Name the files that hold objects.',
  })
}
