import { Document, isMap, isScalar, isSeq, Scalar, visit, type Node, type Pair } from 'yaml'

import type { KubernetesObject } from '../operator/objects.ts'
import type { Comment, EmitResult } from './result.ts'

/**
 * The objects as a person would write them: several documents, comments on what to adapt, and at the top what must be
 * there first. Strings that some YAML reader could take for something else ("1.10", "yes", "1e3") stand in quotes.
 *
 * @param origin one line: what it was made from, and by what.
 */
export function renderYaml(result: EmitResult, origin: string): string {
  const documents = result.objects.map(object =>
    renderDocument(
      object,
      result.comments.filter(({ kind }) => kind === object.kind),
    ),
  )
  return `${renderHeader(result, origin)}\n---\n${documents.join('---\n')}`
}

/** Comments: what it was made from, what must be there first, what to heed. */
export function renderHeader(
  { prerequisites, warnings }: Pick<EmitResult, 'prerequisites' | 'warnings'>,
  origin: string,
): string {
  const header = [
    origin,
    ...(prerequisites.length > 0 ? ['', 'Needed first, in the same namespace:'] : []),
    ...prerequisites.map(line => `- ${line}`),
    ...(warnings.length > 0 ? ['', 'Warnings:'] : []),
    ...warnings.map(line => `- ${line}`),
  ]
  return header.map(commentLine).join('\n')
}

/** One value as YAML, with the same quotes. */
export function renderPlain(value: unknown): string {
  return quoted(new Document(value)).toString(format)
}

/** Whoever reads it shall not have to look up what `*a1` was. */
const withoutAnchors = { aliasDuplicateObjects: false } as const

/** 0: long lines stay, so that a URL or an id can be copied. */
const format = { lineWidth: 0 } as const

/** One line, so that a command in it can be copied, and no text from outside can end the comment. */
function commentLine(text: string): string {
  return text === '' ? '#' : `# ${text.replaceAll(/\s+/g, ' ')}`
}

function renderDocument(object: KubernetesObject, comments: readonly Comment[]): string {
  const document = quoted(new Document(object, withoutAnchors))
  for (const { path, text } of comments) {
    const place = find(document.contents, path)
    if (place) place.commentBefore = wrapped(text)
  }
  return document.toString(format)
}

const maxCommentWidth = 100

function wrapped(text: string): string {
  const lines = ['']
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? ''
    if (line.length + word.length < maxCommentWidth) lines.splice(-1, 1, `${line} ${word}`)
    else lines.push(` ${word}`)
  }
  return lines.join('\n')
}

/** The node before which a comment goes: the key of a field, or the entry of a list that has this name. */
function find(root: Node | null, path: readonly string[]): Node | undefined {
  let place: Node | undefined
  let node: unknown = root
  for (const step of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => isScalar(key) && key.value === step)
      if (pair === undefined || !isScalar(pair.key)) return undefined
      place = pair.key
      node = pair.value
    } else if (isSeq(node)) {
      const entry = node.items.find(item => isMap(item) && item.get('name') === step)
      if (!isMap(entry)) return undefined
      place = entry
      node = entry
    } else {
      return undefined
    }
  }
  return place
}

/** Readers of YAML 1.1, the Go libraries of Kubernetes among them, take more words and digits for other types, and `<<` for a merge. */
const ambiguous = /^([-+.]?\d|[-+.~]|<<$|=$|(y|n|yes|no|on|off|true|false|null)$)/i

function quoted(document: Document): Document {
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && ambiguous.test(node.value)) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  return document
}
