import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, type Tags } from 'yaml'

import { parsePath, type PathStep } from './path.ts'
import { lostIndentation } from './shape.ts'

/** An object of a file, with the way back to the lines that it was written on. */
export interface LocatedObject {
  /** Whatever stands there: plain data, not yet known to be an object. */
  value: unknown
  file: string
  /** The line of what a path leads to, or of the nearest thing above it; counted from 1. */
  lineOf: (path: string) => number
  /** A scalar as it is written: `1.10`, which is read as 1.1. */
  writtenAt: (path: string) => string | undefined
}

/** Why a document can't be read. */
export interface UnreadableText {
  file: string
  line: number
  problem: string
}

/** Kubernetes keeps no object over 1.5 MiB (etcd's limit), so this is room for many. */
export const maxFileBytes = 16 * 1024 * 1024

/** An object has no more aliases than its author could write; more are a "billion laughs". */
const maxAliases = 100

/**
 * All documents of a YAML or JSON file, as kubectl reads them: YAML 1.1, in which `yes` is true and `0777` is octal; a
 * `List` counts as its items. A document that can't be read is told, and the others are read.
 *
 * @param file for people: where the text comes from.
 */
export function readYaml(file: string, text: string): { objects: LocatedObject[]; unreadable: UnreadableText[] } {
  const lines = new LineCounter()
  const lineAt = (offset: number | undefined) => Math.max(1, lines.linePos(offset ?? 0).line)
  const objects: LocatedObject[] = []
  const unreadable: UnreadableText[] = []
  try {
    for (const document of parseAllDocuments(text, { ...asKubectl, lineCounter: lines })) {
      const problems = document.errors.map(({ pos: [offset], message }) => ({
        file,
        line: lineAt(offset),
        problem: message,
      }))
      if (problems.length > 0 && !isFlat(document)) unreadable.push(...problems)
      else if (!isEmpty(document)) objects.push(...objectsOf(document, { file, lineAt }))
    }
  } catch (error) {
    unreadable.push({ file, line: 1, problem: whyUnreadable(error) })
  }
  return { objects, unreadable }
}

/** Fields of several depths that came to stand at one repeat their names; what happened to them says more. */
function isFlat(document: Document): boolean {
  const repeats = document.errors.every(({ code }) => code === 'DUPLICATE_KEY')
  return repeats && lostIndentation(document.toJS({ maxAliasCount: maxAliases })) !== undefined
}

/** Of comments alone, or of nothing between two lines of dashes. */
function isEmpty({ contents }: Document): boolean {
  return contents === null || (isScalar(contents) && contents.value === null)
}

const asKubectl = {
  version: '1.1',
  merge: true,
  prettyErrors: false,
  logLevel: 'silent',
  customTags: (tags: Tags) =>
    tags.filter(tag => typeof tag === 'string' || !(foreignTags.has(tag.tag) || tag.format === 'TIME')),
} as const

/** Types of YAML 1.1 that JSON does not have: kubectl takes them as text. */
const foreignTags = new Set(['timestamp', 'binary', 'omap', 'pairs', 'set'].map(name => `tag:yaml.org,2002:${name}`))

/** The library throws plain errors: of aliases, and of brackets so deep that the stack ends. */
function whyUnreadable(error: unknown): string {
  if (error instanceof ReferenceError) return error.message
  if (error instanceof RangeError) return 'it is nested too deeply'
  throw error
}

interface Place {
  file: string
  lineAt: (offset: number | undefined) => number
}

function objectsOf(document: Document, { file, lineAt }: Place): LocatedObject[] {
  const value: unknown = document.toJS({ maxAliasCount: maxAliases })
  const at = (prefix: readonly PathStep[], part: unknown): LocatedObject => ({
    value: part,
    file,
    lineOf: path => lineAt(find(document, [...prefix, ...parsePath(path)]).offset),
    writtenAt: path => {
      const { node, whole } = find(document, [...prefix, ...parsePath(path)])
      return whole && isScalar(node) ? node.source : undefined
    },
  })
  const items = itemsOfList(value)
  return items === undefined ? [at([], value)] : items.map((item, index) => at(['items', index], item))
}

function itemsOfList(value: unknown): unknown[] | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('items' in value)) return undefined
  return typeof value.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items)
    ? value.items
    : undefined
}

interface FoundNode {
  node: unknown
  /** Where it begins; of a map's entry, where its key begins. */
  offset: number | undefined
  /** The path was followed to its end. */
  whole: boolean
}

function find(document: Document, path: readonly PathStep[]): FoundNode {
  let node: unknown = document.contents
  let offset = offsetOf(document.contents)
  for (const step of path) {
    const container = isAlias(node) ? node.resolve(document) : node
    const next = isMap(container)
      ? container.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === String(step))
      : undefined
    if (next !== undefined) {
      offset = offsetOf(next.key) ?? offset
      node = next.value
    } else if (isSeq(container) && typeof step === 'number' && container.items[step] !== undefined) {
      node = container.items[step]
      offset = offsetOf(node) ?? offset
    } else {
      return { node, offset, whole: false }
    }
  }
  return { node, offset, whole: true }
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
