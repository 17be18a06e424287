import { parseAllDocuments } from 'yaml'

import type { KubernetesObject } from '../../operator/objects.ts'
import { isPlain, type Plain } from '../../operator/plain.ts'
import { NimctlError } from '../../system/errors.ts'
import { chooseObject, type ObjectChoice } from './choose-object.ts'

/** A document of `--patch`. */
export interface Patch {
  choice: ObjectChoice
  content: Plain
  file: string
}

/**
 * Documents that name the object which they change, as kustomize's patches do.
 *
 * @throws NimctlError `usage` / `PATCH_INVALID`.
 */
export function parsePatches(text: string, file: string): Patch[] {
  const documents = parseAllDocuments(text, { version: '1.1', prettyErrors: false, logLevel: 'error' })
  const list = Array.isArray(documents) ? documents : []
  const [error] = list.flatMap(({ errors }) => errors)
  if (error !== undefined) throw invalid(file, `It is no YAML: ${error.message}`)
  const contents = list.map(document => document.toJS() as unknown).filter(content => content !== null)
  if (contents.length === 0) throw invalid(file, 'It is empty.')
  return contents.map(content => parsePatch(content, file))
}

function parsePatch(content: unknown, file: string): Patch {
  const { apiVersion, kind, metadata } = isPlain(content) ? content : {}
  const name = isPlain(metadata) ? metadata['name'] : undefined
  if (!isPlain(content) || typeof kind !== 'string' || typeof name !== 'string')
    throw invalid(file, 'A patch names its object by kind and metadata.name.')
  if (apiVersion !== undefined && typeof apiVersion !== 'string') throw invalid(file, 'Its apiVersion is no text.')
  return { choice: { apiVersion, kind, name }, content, file }
}

/** @throws NimctlError what choosing the object throws. */
export function applyPatch(objects: readonly KubernetesObject[], { choice, content, file }: Patch): KubernetesObject[] {
  const { kind, name } = choice
  const index = chooseObject(objects, choice, `${kind}/${name} in ${file}`)
  return objects.map((object, place) => (place === index ? (merged(object, content) as KubernetesObject) : object))
}

/**
 * A JSON merge patch (RFC 7386), in which lists whose items have names are merged by them, as kustomize and kubectl do for
 * containers, variables and volumes; `$patch: delete` and `$patch: replace` mean what they mean there.
 */
function merged(target: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return mergedList(Array.isArray(target) ? target : [], patch)
  if (!isPlain(patch)) return patch
  const { $patch: directive, ...fields } = patch
  const base: Plain = isPlain(target) && directive !== 'replace' ? target : {}
  const changed = Object.entries(fields)
    .filter(([, value]) => !isRemoval(value))
    .map(([key, value]) => [key, merged(base[key], value)] as const)
  const kept = Object.entries(base).filter(([key]) => !(key in fields) || !isRemoval(fields[key]))
  return { ...Object.fromEntries(kept), ...Object.fromEntries(changed) }
}

function isRemoval(value: unknown): boolean {
  return value === null || (isPlain(value) && value['$patch'] === 'delete')
}

interface Named extends Plain {
  name: string
}

function mergedList(target: readonly unknown[], patch: readonly unknown[]): unknown[] {
  if (!patch.every(isNamed) || !target.every(isNamed)) return patch.map(item => merged(undefined, item))
  const kept = target.flatMap(item => {
    const change = patch.find(({ name }) => name === item.name)
    if (change === undefined) return [item]
    return isRemoval(change) ? [] : [merged(item, change)]
  })
  const added = patch.filter(item => !isRemoval(item) && !target.some(({ name }) => name === item.name))
  return [...kept, ...added.map(item => merged(undefined, item))]
}

function isNamed(item: unknown): item is Named {
  return isPlain(item) && typeof item['name'] === 'string'
}

function invalid(file: string, why: string): NimctlError {
  return new NimctlError('usage', 'PATCH_INVALID', {
    what: `${file} holds no patches.`,
    why,
    next: 'Write in it what is to change, such as: {kind: NIMService, metadata: {name: llama}, spec: {replicas: 2}}',
  })
}
