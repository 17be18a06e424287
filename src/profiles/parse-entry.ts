import { leadingProfileId } from './profile-id.ts'

/** What one line of a list says of a profile. */
export interface ListEntry {
  id: string
  description: string
  lora: boolean
  tags: Record<string, string>
  requiresGbPerGpu?: number
}

/**
 * Reads `<id>`, `<id> (description)`, `<id> (description) [requires >=N GB/gpu…]`, `<id> - k:v|k:v` and
 * `<id> - {'k': 'v'}` (reference/nim.md 2.1, rule 2).
 *
 * @param text a line without its bullet.
 */
export function parseListEntry(text: string): ListEntry | undefined {
  const id = leadingProfileId(text)
  if (id === undefined) return undefined
  const rest = text.slice(id.length).trim()
  const description = parseDescription(rest)
  const tags = rest.startsWith('- ') ? parseTags(rest.slice(2).trim()) : {}
  const requires = /\[requires\s*>=?\s*(\d+(?:\.\d+)?)\s*Gi?B\/gpu/i.exec(rest)?.[1]
  return {
    id,
    description,
    lora: tags['feat_lora'] === 'true' || /(?:^|[-_])lora(?:-|$)/.test(description),
    tags,
    ...(requires !== undefined && { requiresGbPerGpu: Number(requires) }),
  }
}

/** What stands in the first parentheses. One that is cut off is none: NIM takes nothing but the whole. */
function parseDescription(rest: string): string {
  if (!rest.startsWith('(')) return ''
  let depth = 0
  for (let index = 0; index < rest.length; index++) {
    if (rest[index] === '(') depth += 1
    if (rest[index] === ')') depth -= 1
    if (depth === 0) return rest.slice(1, index).trim()
  }
  return ''
}

function parseTags(text: string): Record<string, string> {
  return text.startsWith('{') ? parsePythonDict(text) : parsePairs(text)
}

/** Values hold colons (`26b5:10de`), patterns also hold `|`: a piece without a colon belongs to the one before. */
function parsePairs(text: string): Record<string, string> {
  const pairs: [string, string][] = []
  for (const piece of text.split('|')) {
    const colon = piece.indexOf(':')
    const last = pairs.at(-1)
    if (colon > 0) pairs.push([piece.slice(0, colon).trim(), piece.slice(colon + 1).trim()])
    else if (last !== undefined) last[1] += `|${piece}`
  }
  return Object.fromEntries(pairs)
}

const quoted = String.raw`'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"`
const dictPair = new RegExp(String.raw`(${quoted})\s*:\s*(${quoted}|[^\s,}]+)`, 'g')

/** `repr()` of a flat dict, as older nimlib prints tags. */
function parsePythonDict(text: string): Record<string, string> {
  const pairs: [string, string][] = []
  for (const [, key = '', value = ''] of text.matchAll(dictPair)) {
    if (value !== 'None') pairs.push([unquote(key), unquote(value)])
  }
  return Object.fromEntries(pairs)
}

/** `True` and `False` become what the manifest writes: `true` and `false`. */
function unquote(text: string): string {
  if (text === 'True' || text === 'False') return text.toLowerCase()
  if (!/^['"]/.test(text)) return text
  return text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}
